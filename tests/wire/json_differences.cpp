#include "wire/json_differences.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace tern::wire {

namespace {

constexpr std::size_t longest_value = 200;

std::string shown(const boost::json::value& value) {
  auto text = boost::json::serialize(value);
  if (text.size() > longest_value) {
    text = text.substr(0, longest_value) + "... (" + std::to_string(text.size()) + " bytes)";
  }
  return text;
}

void compare(const std::string& at, const boost::json::value& expected, const boost::json::value& actual,
             std::vector<std::string>& lines);

void compare_objects(const std::string& at, const boost::json::object& expected, const boost::json::object& actual,
                     std::vector<std::string>& lines) {
  for (const auto& [name, value] : expected) {
    const auto place = at + "/" + std::string(name);
    if (const auto* found = actual.if_contains(name)) {
      compare(place, value, *found, lines);
    } else {
      lines.push_back(place + ": expected " + shown(value) + ", it is missing");
    }
  }
  for (const auto& [name, value] : actual) {
    if (!expected.contains(name)) {
      lines.push_back(at + "/" + std::string(name) + ": expected nothing, got " + shown(value));
    }
  }
}

void compare_arrays(const std::string& at, const boost::json::array& expected, const boost::json::array& actual,
                    std::vector<std::string>& lines) {
  const auto common = std::min(expected.size(), actual.size());
  for (std::size_t i = 0; i < common; ++i) {
    compare(at + "/" + std::to_string(i), expected[i], actual[i], lines);
  }
  for (std::size_t i = common; i < expected.size(); ++i) {
    lines.push_back(at + "/" + std::to_string(i) + ": expected " + shown(expected[i]) + ", it is missing");
  }
  for (std::size_t i = common; i < actual.size(); ++i) {
    lines.push_back(at + "/" + std::to_string(i) + ": expected nothing, got " + shown(actual[i]));
  }
}

void compare(const std::string& at, const boost::json::value& expected, const boost::json::value& actual,
             std::vector<std::string>& lines) {
  if (expected.is_object() && actual.is_object()) {
    compare_objects(at, expected.get_object(), actual.get_object(), lines);
  } else if (expected.is_array() && actual.is_array()) {
    compare_arrays(at, expected.get_array(), actual.get_array(), lines);
  } else if (!(expected == actual)) {
    lines.push_back((at.empty() ? "/" : at) + ": expected " + shown(expected) + ", got " + shown(actual));
  }
}

}  // namespace

std::vector<std::string> json_differences(const boost::json::value& expected, const boost::json::value& actual) {
  std::vector<std::string> lines;
  compare("", expected, actual, lines);
  return lines;
}

}  // namespace tern::wire
