#include "wire/js_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace tern::wire {

namespace {

// The shortest digits that read back alike, without an exponent between 1e-6 and 1e21.
std::string number_text(double value) {
  if (value == 0) {
    return "0";
  }
  const double size = std::fabs(value);
  const bool plain = size >= 1e-6 && size < 1e21;
  std::array<char, 64> buffer{};
  const auto form = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, form);
  std::string text(buffer.data(), end);
  if (const auto exponent = text.find('e'); exponent != std::string::npos && text[exponent + 2] == '0') {
    text.erase(exponent + 2, 1);  // C++ writes two digits at least: 1e-07
  }
  return text;
}

std::string array_text(const boost::json::array& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    text += i == 0 ? "" : ",";
    text += items[i].is_null() ? std::string() : js_text(&items[i]);
  }
  return text;
}

}  // namespace

std::string js_text(const boost::json::value* value) {
  if (value == nullptr) {
    return "undefined";
  }
  switch (value->kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return value->get_bool() ? "true" : "false";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return number_text(value->to_number<double>());  // JavaScript has no other numbers
    case boost::json::kind::string:
      return std::string(value->get_string());
    case boost::json::kind::array:
      return array_text(value->get_array());
    case boost::json::kind::object:
      break;
  }
  return "[object Object]";
}

}  // namespace tern::wire
