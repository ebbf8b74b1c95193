#pragma once

#include "http/http_types.hpp"

#include <optional>
#include <string_view>

namespace tern::http {

/// The parts of a request's target. Lifetime: views into the text of the request line.
struct Target {
  std::string_view path = "/";
  std::string_view query;                     ///< the text behind `?`; "" without a query
  std::optional<std::string_view> authority;  ///< host and port, if the target is a whole URL, as sent to a proxy
};

/// Parses a target: a path with or without a query, a URL of http or https, or `*` with OPTIONS. nullopt when the
/// target is none of these, or has a character that is not allowed. A query may also have the characters that browsers
/// do not encode. Source: RFC 9112, 3.2.
std::optional<Target> parse_target(Method method, std::string_view text);

/// The version, such as `HTTP/1.1`, at the end of the request line that `text` begins with; "" when there is none.
std::string_view version_in(std::string_view text) noexcept;

}  // namespace tern::http
