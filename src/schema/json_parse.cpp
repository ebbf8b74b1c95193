// The parser of `parse_json`: that of Boost.JSON, with a handler that reads doubles exactly.
//
// Boost.JSON 1.81 multiplies the mantissa and the power of ten in double precision. So each round trip may lose the
// last bits of a number, and 1e400 becomes infinity, which JSON cannot express. `std::from_chars` rounds correctly and
// reports numbers that are out of range.

#include "schema/json_parse.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <boost/json/value_stack.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace tern {
namespace {

/// Objects of this size or more get an odd number of buckets.
///
/// Boost.JSON gives an object as many buckets as it has members, and salts its FNV-1a hash with an address whose low
/// bits are known. If the number of members is a power of two, a sender can put all of them into one bucket: 94 kB of
/// text took 100 ms then. With an odd number of buckets, the high bits of the address count too, and these are random.
constexpr std::size_t large_object_size = 512;

/// The name of the member that makes the number odd. It is not UTF-8, so no accepted text can have it.
constexpr std::string_view padding_name = "\xFF";

// Its size does not tell whether an object is padded: with a name twice it has fewer members than its text.
void remove_padding(json::value& value) {
  if (json::object* object = value.if_object()) {
    object->stable_erase(padding_name);
    for (auto& member : *object) {
      remove_padding(member.value());
    }
  } else if (json::array* array = value.if_array()) {
    for (json::value& item : *array) {
      remove_padding(item);
    }
  }
}

/// Builds a `json::value` from the events of the parser. When an object has a name twice, the last value counts, and it
/// stands where the first one stood.
class ValueBuilder {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  ValueBuilder(const json::storage_ptr& memory, const detail::AddedMember& added, unsigned char* buffer,
               std::size_t size)
      : stack_({}, buffer, size), added_(added) {
    stack_.reset(memory);
  }

  json::value release() {
    json::value value = stack_.release();
    if (padded_) {
      remove_padding(value);
    }
    return value;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t count, error_code&) {
    --depth_;
    if (depth_ == 0 && !added_.name.empty()) {
      stack_.push_key(added_.name);
      stack_.push_string(added_.text);
      ++count;
    }
    if (count >= large_object_size && count % 2 == 0) {
      stack_.push_key(padding_name);
      stack_.push_null();
      ++count;
      padded_ = true;
    }
    stack_.push_object(count);
    return true;
  }
  bool on_array_begin(error_code&) {
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t count, error_code&) {
    --depth_;
    stack_.push_array(count);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    stack_.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, error_code&) {
    stack_.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, error_code&) {
    stack_.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, json::string_view, error_code&) {
    stack_.push_uint64(number);
    return true;
  }
  /// `text` is the whole number, because the parser gets the whole document at once. Boost's `rough` value is used when
  /// the number is too small for a double; it is zero then.
  bool on_double(double rough, json::string_view text, error_code& error) {
    double exact = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), exact);
    if (status == std::errc::result_out_of_range && std::abs(rough) < 1) {
      exact = rough;
    } else if (status != std::errc() || !std::isfinite(exact)) {
      error = json::make_error_code(json::error::exponent_overflow);
      return false;
    }
    stack_.push_double(exact);
    return true;
  }
  bool on_bool(bool flag, error_code&) {
    stack_.push_bool(flag);
    return true;
  }
  bool on_null(error_code&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  json::value_stack stack_;
  const detail::AddedMember added_;  // the outermost object is given it
  std::size_t depth_ = 0;
  bool padded_ = false;
};

struct Outcome {
  explicit Outcome(const json::storage_ptr& memory) : value(memory) {}
  json::value value;
  error_code error;
  std::size_t position = 0;  ///< of the error, in bytes
};

Outcome parse_strictly(std::string_view text, const json::storage_ptr& memory, const detail::AddedMember& added) {
  // Large enough for the values of a usual activity; otherwise the stack grows on the heap.
  alignas(std::max_align_t) unsigned char buffer[4096];
  json::parse_options options;
  options.max_depth = max_json_depth;
  json::basic_parser<ValueBuilder> parser(options, memory, added, buffer, sizeof buffer);
  Outcome outcome(memory);
  outcome.position = parser.write_some(false, text.data(), text.size(), outcome.error);
  if (!outcome.error && outcome.position < text.size()) {
    outcome.error = json::make_error_code(json::error::extra_data);
  }
  if (!outcome.error) {
    outcome.value = parser.handler().release();
  }
  return outcome;
}

/// The UTF-16 unit of the escape `\uXXXX` at `at`; nullopt when there is none.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  if (text.size() - at < 6 || text[at] != '\\' || text[at + 1] != 'u') {
    return std::nullopt;
  }
  unsigned unit = 0;
  const char* first = text.data() + at + 2;
  const auto [end, status] = std::from_chars(first, first + 4, unit, 16);
  return status == std::errc() && end == first + 4 ? std::optional(unit) : std::nullopt;
}

/// A copy of `text` in which `\uFFFD` replaces each escaped surrogate without a partner; nullopt when there is none.
/// Both escapes have the same length, so positions stay the same.
std::optional<std::string> with_surrogates_replaced(std::string_view text) {
  std::optional<std::string> repaired;
  for (std::size_t at = text.find('\\'); at < text.size(); at = text.find('\\', at)) {
    const std::optional<unsigned> unit = escaped_unit(text, at);
    if (!unit) {
      at += 2;
      continue;
    }
    const bool high = *unit >= 0xD800 && *unit <= 0xDBFF;
    const bool low = *unit >= 0xDC00 && *unit <= 0xDFFF;
    const std::optional<unsigned> next = high ? escaped_unit(text, at + 6) : std::nullopt;
    if (next && *next >= 0xDC00 && *next <= 0xDFFF) {
      at += 12;
      continue;
    }
    if (high || low) {
      if (!repaired) {
        repaired.emplace(text);
      }
      repaired->replace(at + 2, 4, "FFFD");
    }
    at += 6;
  }
  return repaired;
}

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// The position behind the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    at += text[at] == '\\' ? 1 : 0;
  }
  return std::min(at + 1, text.size());
}

/// Whether the number whose exponent begins at `at` has only zeros as digits.
bool is_zero_before(std::string_view text, std::size_t at) noexcept {
  while (at > 0 && (text[at - 1] == '0' || text[at - 1] == '.')) {
    --at;
  }
  return at == 0 || !is_digit(text[at - 1]);
}

/// Boost.JSON fails at an exponent that does not fit an `int`, even when the number is zero: `0e99999999999` and
/// `1e-99999999999`. Returns a copy of `text` with a readable exponent of the same length instead, so that positions
/// stay the same; nullopt when there is no such number.
std::optional<std::string> with_exponents_shortened(std::string_view text) {
  constexpr std::size_t readable = 9;
  std::optional<std::string> repaired;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
      continue;
    }
    const std::size_t mark = at++;
    if ((text[mark] | 32) != 'e' || mark == 0 || !is_digit(text[mark - 1])) {
      continue;
    }
    const bool small = at < text.size() && text[at] == '-';
    at += at < text.size() && (small || text[at] == '+') ? 1 : 0;
    const std::size_t first = at;
    while (at < text.size() && is_digit(text[at])) {
      ++at;
    }
    const std::size_t zeros = std::min(text.find_first_not_of('0', first), at) - first;
    const std::size_t digits = at - first - zeros;
    if (digits > readable && (small || is_zero_before(text, mark))) {
      if (!repaired) {
        repaired.emplace(text);
      }
      repaired->replace(first, at - first - readable, at - first - readable, '0');
      repaired->replace(at - readable, readable, readable, small ? '9' : '0');
    }
  }
  return repaired;
}

ParseError describe(const Outcome& outcome, std::string_view text) {
  const auto position = outcome.position;
  const std::string where = " at byte " + std::to_string(position) + ".";
  if (text.empty()) {
    return {"BadSyntax", "The body is empty; JSON is expected.", position};
  }
  if (outcome.error == json::error::too_deep) {
    return {"BadArgument", "The body is nested deeper than " + std::to_string(max_json_depth) + " levels" + where,
            position};
  }
  if (outcome.error == json::error::exponent_overflow) {
    return {"BadArgument", "The body has a number that a double cannot hold" + where, position};
  }
  return {"BadSyntax", "The body is not valid JSON: " + outcome.error.message() + where, position};
}

}  // namespace

boost::system::result<json::value, ParseError> detail::parse_json_in(std::string_view text,
                                                                     const json::storage_ptr& memory,
                                                                     const AddedMember& added) {
  Outcome outcome = parse_strictly(text, memory, added);
  // The text is repaired only after an error, because few texts need it. Any error may come from a lone surrogate: for
  // that Boost.JSON has several errors, such as a plain syntax error.
  if (outcome.error) {
    std::optional<std::string> repaired = with_surrogates_replaced(text);
    if (auto shorter = with_exponents_shortened(repaired ? *repaired : text)) {
      repaired = std::move(shorter);
    }
    if (repaired) {
      outcome = parse_strictly(*repaired, memory, added);
    }
  }
  if (outcome.error) {
    return describe(outcome, text);
  }
  return std::move(outcome.value);
}

boost::system::result<json::value, ParseError> parse_json(std::string_view text) {
  return detail::parse_json_in(text, detail::json_pool());
}

}  // namespace tern
