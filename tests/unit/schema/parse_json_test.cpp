#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>

namespace {

namespace json = boost::json;

json::value good(std::string_view text) {
  auto parsed = tern::parse_json(text);
  if (parsed.has_error()) {
    ADD_FAILURE() << text.substr(0, 100) << ": " << parsed.error().message;
    return nullptr;
  }
  return std::move(*parsed);
}

tern::ParseError bad(std::string_view text) {
  auto parsed = tern::parse_json(text);
  if (parsed.has_value()) {
    ADD_FAILURE() << text.substr(0, 100) << " was accepted as " << json::serialize(*parsed).substr(0, 100);
    return {};
  }
  return parsed.error();
}

std::string nested(std::size_t levels, char open, char close) {
  return std::string(levels, open) + std::string(levels, close);
}

TEST(ParseJson, AcceptsEveryKindOfValue) {
  EXPECT_EQ(good("null"), json::value(nullptr));
  EXPECT_EQ(good("true"), json::value(true));
  EXPECT_EQ(good("\"x\""), json::value("x"));
  EXPECT_EQ(good(" \t\r\n[1,-1,0.5,{\"a\":false}] "), (json::value{1, -1, 0.5, {{"a", false}}}));
}

TEST(ParseJson, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(bad("{\"type\":\"message\",").message, "The body is not valid JSON: incomplete JSON at byte 18.");
  EXPECT_EQ(bad("{\"type\":\"message\",").code, "BadSyntax");
  EXPECT_EQ(bad("{\"a\":x}").message, "The body is not valid JSON: syntax error at byte 5.");
  EXPECT_EQ(bad("[1] [2]").message, "The body is not valid JSON: extra data at byte 4.");
  EXPECT_EQ(bad("").message, "The body is empty; JSON is expected.");
  EXPECT_EQ(bad("   ").message, "The body is not valid JSON: incomplete JSON at byte 3.");
}

TEST(ParseJson, RefusesWhatOnlyLenientParsersTake) {
  using namespace std::string_literals;
  for (const std::string& text :
       {"{\"a\":1,}"s,  "[1,]"s,       "[1 2]"s,    "{'a':1}"s,  "{a:1}"s, "// c\n1"s, "/* c */1"s,
        "NaN"s,         "[Infinity]"s, "-"s,        "+1"s,       "01"s,    "1."s,      ".5"s,
        "1e"s,          "0x10"s,       "tru"s,      "nul"s,      "\"a"s,   "\"\\x\""s, "\"\\u12\""s,
        "\"\\u12g4\""s, "\"a\nb\""s,   "\"a\tb\""s, "\"\0\""s,   "1\0"s,   "\0"s,      "\xEF\xBB\xBF{}"s,
        "]"s,           "}"s,          "{\"a\"}"s,  "{\"a\":}"s, "{1:2}"s, "[1}"s,     "{\"a\":1]"s}) {
    EXPECT_EQ(bad(text).code, "BadSyntax") << text;
  }
}

TEST(ParseJson, RefusesTextThatIsNoUtf8) {
  for (const char* text : {"\"\xFF\"", "\"\xC3\"", "\"\xC0\xAF\"", "\"\xED\xA0\x80\"", "\"\xF5\x80\x80\x80\"",
                           "\"\x80\"", "\"\xE2\x82\"", "\"\xF4\x90\x80\x80\"", "{\"\xFF\":1}"}) {
    EXPECT_EQ(bad(text).code, "BadSyntax") << text;
  }
  EXPECT_EQ(good("\"h\xC3\xA9llo \xF0\x9F\x98\x80\"").as_string(), "h\xC3\xA9llo \xF0\x9F\x98\x80");
}

TEST(ParseJson, AcceptsThirtyTwoLevelsAndNoMore) {
  EXPECT_TRUE(good(nested(32, '[', ']')).is_array());
  EXPECT_EQ(bad(nested(33, '[', ']')).code, "BadArgument");
  EXPECT_EQ(bad(nested(33, '[', ']')).message, "The body is nested deeper than 32 levels at byte 32.");
  EXPECT_EQ(bad(std::string(200'000, '[')).code, "BadArgument");
  std::string objects = "1";
  for (int i = 0; i < 32; ++i) {
    objects = "{\"a\":" + objects + "}";
  }
  EXPECT_TRUE(good(objects).is_object());
  EXPECT_EQ(bad("[" + objects + "]").code, "BadArgument");
}

TEST(ParseJson, IntegersKeepTheirValue) {
  EXPECT_EQ(good("9223372036854775807").as_int64(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(good("-9223372036854775808").as_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(good("9223372036854775808").as_uint64(), 9223372036854775808u);
  EXPECT_EQ(good("18446744073709551615").as_uint64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(good("18446744073709551616").as_double(), 18446744073709551616.0);
  EXPECT_EQ(good("-9223372036854775809").as_double(), -9223372036854775809.0);
}

TEST(ParseJson, DoublesAreReadExactly) {
  EXPECT_EQ(good("1.7976931348623157e308").as_double(), std::numeric_limits<double>::max());
  EXPECT_EQ(good("-1.7976931348623157E+308").as_double(), -std::numeric_limits<double>::max());
  EXPECT_EQ(good("2.2250738585072014e-308").as_double(), std::numeric_limits<double>::min());
  EXPECT_EQ(good("5e-324").as_double(), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(good("0.1").as_double(), 0.1);
  EXPECT_EQ(good("[0.3]").as_array()[0].as_double(), 0.3);
  EXPECT_EQ(good("1" + std::string(300, '0')).as_double(), 1e300);
  EXPECT_EQ(good("0." + std::string(300, '0') + "1").as_double(), 1e-301);
  EXPECT_TRUE(std::signbit(good("-0.0").as_double()));
}

TEST(ParseJson, EachFiniteDoubleSurvivesRoundTrips) {
  std::mt19937_64 random(42);
  for (int i = 0; i < 50'000; ++i) {
    const double number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) {
      continue;
    }
    char text[40];
    std::snprintf(text, sizeof text, "%.17e", number);
    const json::value read = good(text);
    ASSERT_EQ(read.as_double(), number) << text;
    ASSERT_EQ(good(json::serialize(read)).as_double(), number) << text;
  }
}

TEST(ParseJson, RefusesNumbersThatADoubleCannotHold) {
  for (const std::string& text :
       {std::string("1e400"), std::string("-1e400"), std::string("[1.8e308]"), std::string("1e99999999999"),
        std::string("{\"a\":1e309}"), "1" + std::string(400, '0')}) {
    const tern::ParseError error = bad(text);
    EXPECT_EQ(error.code, "BadArgument") << text;
    EXPECT_NE(error.message.find("a number that a double cannot hold at byte"), std::string::npos) << error.message;
  }
}

TEST(ParseJson, ANumberTooSmallForADoubleIsZero) {
  EXPECT_EQ(good("1e-400").as_double(), 0.0);
  EXPECT_EQ(good("-1e-400").as_double(), 0.0);
  EXPECT_EQ(good("0." + std::string(400, '0') + "1").as_double(), 0.0);
  EXPECT_EQ(good("1e-99999999999").as_double(), 0.0);
  EXPECT_EQ(good("-12.5E-2147483648").as_double(), 0.0);
  EXPECT_EQ(good("1e-" + std::string(1000, '9')).as_double(), 0.0);
}

TEST(ParseJson, ZeroIsZeroWhateverItsExponent) {
  for (const char* text : {"0e99999999999", "0E+99999999999", "-0e2147483648", "0.000e99999999999", "0e-99999999999",
                           "0.0e+00000000000099999999999"}) {
    EXPECT_EQ(good(text).as_double(), 0.0) << text;
    EXPECT_EQ(good("{\"a\":[" + std::string(text) + ",1]}").at("a").at(1).as_int64(), 1) << text;
  }
  EXPECT_EQ(bad("[0e99999999999,1e99999999999]").code, "BadArgument");
  EXPECT_EQ(bad("10.0e99999999999").code, "BadArgument");
  EXPECT_EQ(bad("0e99999999999x").code, "BadSyntax");
  const auto mixed = good(R"({"0e99999999999\"0e-99999999999":0e99999999999,"b":"1e-99999999999\ud800"})");
  EXPECT_EQ(mixed.at("0e99999999999\"0e-99999999999").as_double(), 0.0) << "texts are left alone";
  EXPECT_EQ(mixed.at("b").as_string(), "1e-99999999999\uFFFD");
  EXPECT_EQ(good("[0e99999999999,1e-0000000000005]").at(1).as_double(), 1e-5);
}

TEST(ParseJson, OfEqualNamesTheLastValueStandsInTheFirstPlace) {
  EXPECT_EQ(json::serialize(good(R"({"a":1,"b":2,"a":3})")), R"({"a":3,"b":2})");
  std::string many = "{\"a\":0";
  for (int i = 0; i < 100; ++i) {
    many += ",\"k" + std::to_string(i) + "\":" + std::to_string(i);
  }
  const json::value read = good(many + ",\"a\":1,\"k7\":\"last\"}");
  EXPECT_EQ(read.as_object().size(), 101u);
  EXPECT_EQ(read.as_object().begin()->key(), "a");
  EXPECT_EQ(read.at("a"), json::value(1));
  EXPECT_EQ(read.at("k7"), json::value("last"));
}

TEST(ParseJson, LargeObjectsKeepTheirMembersInAnOddNumberOfBuckets) {
  for (int size : {511, 512, 513, 1000, 1024, 4096}) {
    std::string text = "{\"x\":{}";
    for (int i = 1; i < size; ++i) {
      text += ",\"k" + std::to_string(i) + "\":" + std::to_string(i);
    }
    text += "}";
    const json::value read = good("[" + text + "," + text + "]");
    EXPECT_EQ(json::serialize(read), "[" + text + "," + text + "]");
    EXPECT_EQ(read.as_array()[0].as_object().size(), static_cast<std::size_t>(size));
    EXPECT_EQ(read.as_array()[1].as_object().capacity() % 2, 1u) << size;
  }
}

TEST(ParseJson, ALargeObjectWithANameTwiceHasNoOtherMembers) {
  for (int names : {1, 255, 510, 511, 1022}) {
    std::string text = "{";
    const int members = names < 512 ? 512 : names + 2;  // in the text: an even number, of which some are the same
    for (int i = 0; i < members; ++i) {
      text += (i == 0 ? "\"m" : ",\"m") + std::to_string(i % names) + "\":" + std::to_string(i);
    }
    const auto value = good(text + "}");
    ASSERT_EQ(value.as_object().size(), static_cast<std::size_t>(names));
    for (const auto& member : value.as_object()) {
      EXPECT_TRUE(member.key().starts_with("m")) << names;
    }
  }
}

TEST(ParseJson, ALargeObjectInsideALargeObjectIsCleanToo) {
  std::string inner = "{\"a\":0";
  for (int i = 1; i < 600; ++i) {
    inner += ",\"i" + std::to_string(i) + "\":null";
  }
  inner += "}";
  std::string outer = "{\"z\":" + inner;
  for (int i = 1; i < 600; ++i) {
    outer += ",\"o" + std::to_string(i) + "\":[]";
  }
  outer += "}";
  EXPECT_EQ(json::serialize(good(outer)), outer);
}

TEST(ParseJson, ALoneSurrogateBecomesTheReplacementCharacter) {
  constexpr std::string_view r = "\xEF\xBF\xBD";
  const auto text = [](std::string_view source) {
    const json::value read = good(source);
    return read.is_string() ? std::string(read.as_string()) : std::string();
  };
  EXPECT_EQ(text(R"("\uD800")"), r);
  EXPECT_EQ(text(R"("\udc00")"), r);
  EXPECT_EQ(text(R"("a\uD800b")"), "a" + std::string(r) + "b");
  EXPECT_EQ(text(R"("\uD800\n")"), std::string(r) + "\n");
  EXPECT_EQ(text(R"("\uD800\u0041")"), std::string(r) + "A");
  EXPECT_EQ(text(R"("\uD800\uD800")"), std::string(r) + std::string(r));
  EXPECT_EQ(text(R"("\uD800\uD83D\uDE00")"), std::string(r) + "\xF0\x9F\x98\x80");
  EXPECT_EQ(text(R"("\uDE00\uD83D")"), std::string(r) + std::string(r));
  EXPECT_EQ(text(R"("\uD83D\uDE00")"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(text(R"("\\uD800 \uD800")"), "\\uD800 " + std::string(r)) << "an escaped backslash is no escape";
  EXPECT_EQ(good(R"({"\uDFFF":1})"), (json::value{{r, 1}})) << "in names too";
}

TEST(ParseJson, ARepairedTextIsStillParsedStrictly) {
  EXPECT_EQ(bad(R"({"a":"\uD800",})").message, "The body is not valid JSON: syntax error at byte 14.");
  EXPECT_EQ(bad(R"("\uD800\uZZZZ")").code, "BadSyntax");
  EXPECT_EQ(bad(R"("\uD800)").code, "BadSyntax");
  EXPECT_EQ(bad(R"("\uD800\)").code, "BadSyntax");
  EXPECT_EQ(bad(R"("\uD800\u)").code, "BadSyntax");
  EXPECT_EQ(bad(R"("\uD80)").code, "BadSyntax");
}

TEST(ParseJson, EscapedNulIsKept) {
  EXPECT_EQ(good(R"("a\u0000b")").as_string(), std::string_view("a\0b", 3));
  EXPECT_EQ(json::serialize(good(R"("a\u0000b")")), R"("a\u0000b")");
}

TEST(ParseJson, LongTextsOutgrowTheStackBuffer) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(good("[\"" + text + "\",\"\\u00e9" + text + "\"]").as_array()[0].as_string(), text);
}

TEST(ParseJson, ErrorBodyIsTheProtocols) {
  EXPECT_EQ(tern::error_body("BadSyntax", "a \"b\""), R"({"error":{"code":"BadSyntax","message":"a \"b\""}})");
}

}  // namespace
