#pragma once

#include <string_view>

namespace tern::detail {

/// Whether `text` is an absolute http or https URL with a host and, if any, a port of 1 to 65535.
/// Source: RFC 3986; protocol, "In".
bool is_service_url(std::string_view text) noexcept;

/// The same for the plain URLs that channels send: `http(s)://host[:port][/path]` of letters, digits and `-._~/`.
/// False for the rest, valid or not. A URL is checked for each activity, and this costs a fraction of the full parse.
bool is_plain_service_url(std::string_view text) noexcept;

}  // namespace tern::detail
