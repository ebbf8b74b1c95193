#pragma once

#include <string_view>

namespace tern::detail {

/// Whether `text` is an absolute http or https URL with a host. If it has a port, the port must be 1 to 65535.
/// Source: RFC 3986; Activity Protocol, "Service URL".
bool is_service_url(std::string_view text) noexcept;

/// The same for plain URLs, such as channels send: `http(s)://host[:port][/path]` of letters, digits and `-._~/`. False
/// for every other text, valid or not. The URL of each activity is checked, and this costs a fraction of a full parse.
bool is_plain_service_url(std::string_view text) noexcept;

}  // namespace tern::detail
