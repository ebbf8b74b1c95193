#pragma once

#include "http/http_types.hpp"

#include <optional>
#include <string_view>

namespace tern::http {

/// What a request asks for. The views refer to the text of the request line.
struct Target {
  std::string_view path = "/";
  std::string_view query;                     ///< what follows `?`, "" without one
  std::optional<std::string_view> authority;  ///< host and port of a whole URL, which a client of a proxy sends
};

/// Takes a target apart: a path with or without a query, a URL of http or https, or `*` with OPTIONS. nullopt when it
/// is none of these, or has a character that none of them may have. Source: RFC 9112, 3.2. In a query also characters
/// that browsers leave as they are.
std::optional<Target> parse_target(Method method, std::string_view text);

/// The version, such as `HTTP/1.1`, in which the request line at the front of `text` ends; "" when it does not.
std::string_view version_in(std::string_view text) noexcept;

}  // namespace tern::http
