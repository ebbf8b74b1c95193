#include "http/request_line.hpp"

#include "http/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tern::http {

namespace {

constexpr std::uint8_t in_path = 1;
constexpr std::uint8_t in_query = 2;
constexpr std::uint8_t is_hex = 4;

constexpr auto characters = [] {
  std::array<std::uint8_t, 256> kinds{};
  const auto add = [&](std::string_view texts, std::uint8_t kind) {
    for (const char c : texts) {
      kinds[static_cast<unsigned char>(c)] |= kind;
    }
  };
  add("0123456789ABCDEFabcdef", is_hex);
  add("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!$&'()*+,;=:@/%", in_path | in_query);
  add("?[]{}|^`", in_query);
  return kinds;
}();

bool is_kind(char c, std::uint8_t kind) noexcept {
  return (characters[static_cast<unsigned char>(c)] & kind) != 0;
}

// Whether all characters are of `kind`, and two hexadecimal digits follow each percent sign.
bool is_made_of(std::string_view text, std::uint8_t kind) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_kind(text[i], kind)) {
      return false;
    }
    if (text[i] == '%' && (i + 2 >= text.size() || !is_kind(text[i + 1], is_hex) || !is_kind(text[i + 2], is_hex))) {
      return false;
    }
  }
  return true;
}

// The text behind `http://` or `https://`; nullopt when `text` does not begin with one of them.
std::optional<std::string_view> behind_scheme(std::string_view text) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.size() > scheme.size() && same_text(text.substr(0, scheme.size()), scheme)) {
      return text.substr(scheme.size());
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Target> parse_target(Method method, std::string_view text) {
  Target target;
  if (text == "*" && method == Method::options) {
    target.path = text;
    return target;
  }
  if (!text.starts_with('/')) {
    const auto rest = behind_scheme(text);
    if (!rest) {
      return std::nullopt;
    }
    const auto end = std::min(rest->find_first_of("/?"), rest->size());
    target.authority = rest->substr(0, end);
    text = rest->substr(end);
  }
  const auto mark = std::min(text.find('?'), text.size());
  if (mark > 0) {
    target.path = text.substr(0, mark);
  }
  target.query = text.substr(std::min(mark + 1, text.size()));
  const bool well_formed = is_made_of(target.path, in_path) && is_made_of(target.query, in_query);
  return well_formed ? std::optional(target) : std::nullopt;
}

std::string_view version_in(std::string_view text) noexcept {
  const auto line = text.substr(0, text.find('\r'));
  const auto space = line.rfind(' ');
  const auto version = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  const bool is_version = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                          version[6] == '.' && is_digit(version[7]);
  return is_version ? version : std::string_view{};
}

}  // namespace tern::http
