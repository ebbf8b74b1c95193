#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tern::auth {

/// Reads base64url without padding, strictly: each sequence of bytes has exactly one text. nullopt when `text` has
/// another character, a length that no bytes have, or bits at its end that are not zero.
/// Source: RFC 7515, section 2; RFC 4648, sections 3.5 and 5.
std::optional<std::string> decode_base64url(std::string_view text);

/// Writes base64url without padding.
std::string encode_base64url(std::string_view bytes);

}  // namespace tern::auth
