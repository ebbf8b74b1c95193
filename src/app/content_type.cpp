#include "app/content_type.hpp"

#include <algorithm>

namespace tern::app {

namespace {

bool same(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  const auto last = text.find_last_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

std::string_view unquoted(std::string_view text) noexcept {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

bool is_json_content_type(std::string_view header) noexcept {
  auto rest = header;
  const auto next = [&rest] {
    const auto semicolon = rest.find(';');
    const auto part = trim(rest.substr(0, semicolon));
    rest = semicolon == std::string_view::npos ? std::string_view() : rest.substr(semicolon + 1);
    return part;
  };
  if (!same(next(), "application/json")) {
    return false;
  }
  while (!rest.empty()) {
    const auto parameter = next();
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos || !same(trim(parameter.substr(0, equals)), "charset")) {
      continue;
    }
    const auto charset = unquoted(trim(parameter.substr(equals + 1)));
    if (!same(charset, "utf-8") && !same(charset, "utf8")) {
      return false;
    }
  }
  return true;
}

}  // namespace tern::app
