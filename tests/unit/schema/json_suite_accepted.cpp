#include "unit/schema/json_suite.hpp"

namespace tern::test {
namespace {

// Numbers: integers that fit 64 bits stay integers. Other numbers are written as the shortest text that reads as the
// same double.
constexpr JsonCase accepted_cases[] = {
    {"y_array_arraysWithSpaces", "[[]   ]", "[[]]"},
    {"y_array_empty", "[]", "[]"},
    {"y_array_empty-string", R"([""])", R"([""])"},
    {"y_array_ending_with_newline", R"(["a"])", R"(["a"])"},
    {"y_array_false", "[false]", "[false]"},
    {"y_array_heterogeneous", R"([null, 1, "1", {}])", R"([null,1,"1",{}])"},
    {"y_array_null", "[null]", "[null]"},
    {"y_array_with_1_and_newline", "[1\n]", "[1]"},
    {"y_array_with_leading_space", " [1]", "[1]"},
    {"y_array_with_several_null", "[1,null,null,null,2]", "[1,null,null,null,2]"},
    {"y_array_with_trailing_space", "[2] ", "[2]"},
    {"y_number", "[123e65]", "[1.23E67]"},
    {"y_number_0e+1", "[0e+1]", "[0E0]"},
    {"y_number_0e1", "[0e1]", "[0E0]"},
    {"y_number_after_space", "[ 4]", "[4]"},
    {"y_number_double_close_to_zero",
     "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]\n", "[-1E-78]"},
    {"y_number_int_with_exp", "[20e1]", "[2E2]"},
    {"y_number_minus_zero", "[-0]", "[0]"},  // an integer, which has no sign at zero
    {"y_number_negative_int", "[-123]", "[-123]"},
    {"y_number_negative_one", "[-1]", "[-1]"},
    {"y_number_negative_zero", "[-0]", "[0]"},
    {"y_number_real_capital_e", "[1E22]", "[1E22]"},
    {"y_number_real_capital_e_neg_exp", "[1E-2]", "[1E-2]"},
    {"y_number_real_capital_e_pos_exp", "[1E+2]", "[1E2]"},
    {"y_number_real_exponent", "[123e45]", "[1.23E47]"},
    {"y_number_real_fraction_exponent", "[123.456e78]", "[1.23456E80]"},
    {"y_number_real_neg_exp", "[1e-2]", "[1E-2]"},
    {"y_number_real_pos_exponent", "[1e+2]", "[1E2]"},
    {"y_number_simple_int", "[123]", "[123]"},
    {"y_number_simple_real", "[123.456789]", "[1.23456789E2]"},
    {"y_object", R"({"asd":"sdf", "dfg":"fgh"})", R"({"asd":"sdf","dfg":"fgh"})"},
    {"y_object_basic", R"({"asd":"sdf"})", R"({"asd":"sdf"})"},
    {"y_object_duplicated_key", R"({"a":"b","a":"c"})", R"({"a":"c"})"},  // the last one counts
    {"y_object_duplicated_key_and_value", R"({"a":"b","a":"b"})", R"({"a":"b"})"},
    {"y_object_empty", "{}", "{}"},
    {"y_object_empty_key", R"({"":0})", R"({"":0})"},
    {"y_object_escaped_null_in_key", R"({"foo\u0000bar": 42})", R"({"foo\u0000bar":42})"},
    {"y_object_extreme_numbers", R"({ "min": -1.0e+28, "max": 1.0e+28 })", R"({"min":-1E28,"max":1E28})"},
    {"y_object_long_strings",
     R"({"x":[{"id": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}], "id": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})",
     R"({"x":[{"id":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}],"id":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})"},
    {"y_object_simple", R"({"a":[]})", R"({"a":[]})"},
    {"y_object_string_unicode",
     R"({"title":"\u041f\u043e\u043b\u0442\u043e\u0440\u0430 )"
     R"(\u0417\u0435\u043c\u043b\u0435\u043a\u043e\u043f\u0430" })",
     R"({"title":"Полтора Землекопа"})"},
    {"y_object_with_newlines", "{\n\"a\": \"b\"\n}", R"({"a":"b"})"},
    {"y_string_1_2_3_bytes_UTF-8_sequences", R"(["\u0060\u012a\u12AB"])", "[\"`\u012A\u12AB\"]"},
    {"y_string_accepted_surrogate_pair", R"(["\uD801\udc37"])", "[\"\U00010437\"]"},
    {"y_string_accepted_surrogate_pairs", R"(["\ud83d\ude39\ud83d\udc8d"])", "[\"\U0001F639\U0001F48D\"]"},
    {"y_string_allowed_escapes", R"(["\"\\\/\b\f\n\r\t"])", R"(["\"\\/\b\f\n\r\t"])"},
    {"y_string_backslash_and_u_escaped_zero", R"(["\\u0000"])", R"(["\\u0000"])"},
    {"y_string_backslash_doublequotes", R"(["\""])", R"(["\""])"},
    {"y_string_comments", R"(["a/*b*/c/*d//e"])", R"(["a/*b*/c/*d//e"])"},
    {"y_string_double_escape_a", R"(["\\a"])", R"(["\\a"])"},
    {"y_string_double_escape_n", R"(["\\n"])", R"(["\\n"])"},
    {"y_string_escaped_control_character", R"(["\u0012"])", R"(["\u0012"])"},
    {"y_string_escaped_noncharacter", R"(["\uFFFF"])", "[\"\uFFFF\"]"},
    {"y_string_in_array", R"(["asd"])", R"(["asd"])"},
    {"y_string_in_array_with_leading_space", R"([ "asd"])", R"(["asd"])"},
    {"y_string_last_surrogates_1_and_2", R"(["\uDBFF\uDFFF"])", "[\"\U0010FFFF\"]"},
    {"y_string_nbsp_uescaped", R"(["new\u00A0line"])", "[\"new\u00A0line\"]"},
    {"y_string_nonCharacterInUTF-8_U+10FFFF", "[\"\U0010FFFF\"]", "[\"\U0010FFFF\"]"},
    {"y_string_nonCharacterInUTF-8_U+FFFF", "[\"\uFFFF\"]", "[\"\uFFFF\"]"},
    {"y_string_null_escape", R"(["\u0000"])", R"(["\u0000"])"},
    {"y_string_one-byte-utf-8", R"(["\u002c"])", R"([","])"},
    {"y_string_pi", "[\"\u03C0\"]", "[\"\u03C0\"]"},
    {"y_string_reservedCharacterInUTF-8_U+1BFFF", "[\"\U0001BFFF\"]", "[\"\U0001BFFF\"]"},
    {"y_string_simple_ascii", R"(["asd "])", R"(["asd "])"},
    {"y_string_space", R"(" ")", R"(" ")"},
    {"y_string_surrogates_U+1D11E_MUSICAL_SYMBOL_G_CLEF", R"(["\uD834\uDd1e"])", "[\"\U0001D11E\"]"},
    {"y_string_three-byte-utf-8", R"(["\u0821"])", "[\"\u0821\"]"},
    {"y_string_two-byte-utf-8", R"(["\u0123"])", "[\"\u0123\"]"},
    {"y_string_u+2028_line_sep", "[\"\u2028\"]", "[\"\u2028\"]"},
    {"y_string_u+2029_par_sep", "[\"\u2029\"]", "[\"\u2029\"]"},
    {"y_string_uEscape", R"(["\u0061\u30af\u30EA\u30b9"])", "[\"a\u30AF\u30EA\u30B9\"]"},
    {"y_string_uescaped_newline", R"(["new\u000Aline"])", R"(["new\nline"])"},
    {"y_string_unescaped_char_delete", "[\"\x7F\"]", "[\"\x7F\"]"},
    {"y_string_unicode", R"(["\uA66D"])", "[\"\uA66D\"]"},
    {"y_string_unicodeEscapedBackslash", R"(["\u005C"])", R"(["\\"])"},
    {"y_string_unicode_2", "[\"\u2342\u3234\u2342\"]", "[\"\u2342\u3234\u2342\"]"},
    {"y_string_unicode_U+10FFFE_nonchar", R"(["\uDBFF\uDFFE"])", "[\"\U0010FFFE\"]"},
    {"y_string_unicode_U+1FFFE_nonchar", R"(["\uD83F\uDFFE"])", "[\"\U0001FFFE\"]"},
    {"y_string_unicode_U+200B_ZERO_WIDTH_SPACE", R"(["\u200B"])", "[\"\u200B\"]"},
    {"y_string_unicode_U+2064_invisible_plus", R"(["\u2064"])", "[\"\u2064\"]"},
    {"y_string_unicode_U+FDD0_nonchar", R"(["\uFDD0"])", "[\"\uFDD0\"]"},
    {"y_string_unicode_U+FFFE_nonchar", R"(["\uFFFE"])", "[\"\uFFFE\"]"},
    {"y_string_unicode_escaped_double_quote", R"(["\u0022"])", R"(["\""])"},
    {"y_string_utf8", "[\"\u20AC\U0001D11E\"]", "[\"\u20AC\U0001D11E\"]"},
    {"y_string_with_del_character",
     "[\"a\x7F"
     "a\"]",
     "[\"a\x7F"
     "a\"]"},
    {"y_structure_lonely_false", "false", "false"},
    {"y_structure_lonely_int", "42", "42"},
    {"y_structure_lonely_negative_real", "-0.1", "-1E-1"},
    {"y_structure_lonely_null", "null", "null"},
    {"y_structure_lonely_string", R"("asd")", R"("asd")"},
    {"y_structure_lonely_true", "true", "true"},
    {"y_structure_string_empty", R"("")", R"("")"},
    {"y_structure_trailing_newline", "[\"a\"]\n", R"(["a"])"},
    {"y_structure_true_in_array", "[true]", "[true]"},
    {"y_structure_whitespace_array", " [] ", "[]"},

    // A number that is too small for a double is zero: that is the nearest double.
    {"i_number_double_huge_neg_exp", "[123.456e-789]", "[0E0]"},
    {"i_number_real_underflow", "[123e-10000000]", "[0E0]"},

    // An integer of more than 64 bits is the nearest double, as in JavaScript.
    {"i_number_too_big_neg_int", "[-123123123123123123123123123123]", "[-1.2312312312312312E29]"},
    {"i_number_too_big_pos_int", "[100000000000000000000]", "[1E20]"},
    {"i_number_very_big_negative_int", "[-237462374673276894279832749832423479823246327846]",
     "[-2.374623746732769E47]"},

    // An escaped surrogate without its partner becomes U+FFFD. JavaScript clients may cut a text between the two halves
    // of an emoji, and write such a half as an escape; a message should not be lost for that. What Tern writes must be
    // UTF-8, which has no surrogates.
    {"i_object_key_lone_2nd_surrogate", R"({"\uDFAA":0})", "{\"\uFFFD\":0}"},
    {"i_string_1st_surrogate_but_2nd_missing", R"(["\uDADA"])", "[\"\uFFFD\"]"},
    {"i_string_1st_valid_surrogate_2nd_invalid", R"(["\uD888\u1234"])", "[\"\uFFFD\u1234\"]"},
    {"i_string_incomplete_surrogate_and_escape_valid", R"(["\uD800\n"])", "[\"\uFFFD\\n\"]"},
    {"i_string_incomplete_surrogate_pair", R"(["\uDd1ea"])",
     "[\"\uFFFD"
     "a\"]"},
    {"i_string_incomplete_surrogates_escape_valid", R"(["\uD800\uD800\n"])", "[\"\uFFFD\uFFFD\\n\"]"},
    {"i_string_invalid_lonely_surrogate", R"(["\ud800"])", "[\"\uFFFD\"]"},
    {"i_string_invalid_surrogate", R"(["\ud800abc"])",
     "[\"\uFFFD"
     "abc\"]"},
    {"i_string_inverted_surrogates_U+1D11E", R"(["\uDd1e\uD834"])", "[\"\uFFFD\uFFFD\"]"},
    {"i_string_lone_second_surrogate", R"(["\uDFAA"])", "[\"\uFFFD\"]"},
};

}  // namespace

std::span<const JsonCase> accepted_json_cases() {
  return accepted_cases;
}

}  // namespace tern::test
