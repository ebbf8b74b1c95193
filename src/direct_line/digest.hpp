#pragma once

#include <string>
#include <string_view>

namespace tern::direct_line {

/// 128 bits of the SHA-256 of a text, as base64url: 22 characters that stand for it.
std::string short_digest(std::string_view text);

}  // namespace tern::direct_line
