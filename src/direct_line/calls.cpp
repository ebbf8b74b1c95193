#include "direct_line/calls.hpp"

#include "direct_line/options.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace tern::direct_line {

namespace {

using http::Method;

struct Pattern {
  std::string_view before;  // the path before the id, or the whole path
  std::string_view after;   // behind the id; "*" for one more part
  bool has_id;
  Method method;
  Call call;
};

constexpr std::array patterns{
    Pattern{"/tokens/generate", "", false, Method::post, Call::generate_token},
    Pattern{"/tokens/refresh", "", false, Method::post, Call::refresh_token},
    Pattern{"/conversations", "", false, Method::post, Call::begin},
    Pattern{"/conversations/", "", true, Method::get, Call::reconnect},
    Pattern{"/conversations/", "/activities", true, Method::get, Call::get_activities},
    Pattern{"/conversations/", "/activities", true, Method::post, Call::post_activity},
    Pattern{"/conversations/", "/upload", true, Method::post, Call::upload},
    Pattern{"/conversations/", "/stream", true, Method::get, Call::stream},
    Pattern{"/session/getsessionid", "", false, Method::get, Call::session_id},
    Pattern{"/attachments/", "/*", true, Method::get, Call::attachment},
};

// The id in the path; "" for a pattern without one; nullopt when the path is another one.
std::optional<std::string_view> id_in(std::string_view path, const Pattern& pattern) {
  if (!pattern.has_id) {
    return path == pattern.before ? std::optional<std::string_view>("") : std::nullopt;
  }
  if (!path.starts_with(pattern.before)) {
    return std::nullopt;
  }
  path.remove_prefix(pattern.before.size());
  const auto end = std::min(path.find('/'), path.size());
  const auto rest = path.substr(end);
  const bool fits =
      pattern.after == "/*" ? rest.size() > 1 && rest.find('/', 1) == std::string_view::npos : rest == pattern.after;
  return fits && is_id(path.substr(0, end)) ? std::optional(path.substr(0, end)) : std::nullopt;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char small = static_cast<char>(c | 0x20);
  constexpr int ten = 10;
  return small >= 'a' && small <= 'f' ? small - 'a' + ten : -1;
}

std::string decoded_value(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escaped) {
      constexpr int sixteen = 16;
      decoded += static_cast<char>(hex_digit(text[i + 1]) * sixteen + hex_digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

}  // namespace

bool is_id(std::string_view text) noexcept {
  constexpr std::size_t length = 22;
  return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

MatchedCall match_call(Method method, std::string_view path) {
  MatchedCall found;
  if (!path.starts_with(root_path)) {
    return found;
  }
  path.remove_prefix(root_path.size());
  if (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const auto wanted = method == Method::head ? Method::get : method;
  for (const auto& pattern : patterns) {
    const auto id = id_in(path, pattern);
    if (!id) {
      continue;
    }
    if (pattern.method == wanted) {
      return {pattern.call, *id, {}};
    }
    const bool second = found.call == Call::other_method;
    const std::string_view allow = pattern.method == Method::get ? "GET, OPTIONS" : "POST, OPTIONS";
    found = {Call::other_method, *id, second ? "GET, POST, OPTIONS" : allow};
  }
  return found;
}

std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto one = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(one.find('='), one.size());
    if (one.substr(0, equals) == name) {
      return decoded_value(one.substr(std::min(equals + 1, one.size())));
    }
  }
  return {};
}

}  // namespace tern::direct_line
