#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tern::detail {

std::array<std::uint8_t, 32> sha256(std::string_view bytes);

/// Adds two lower-case digits for each byte.
void append_hex(std::string& text, const std::uint8_t* bytes, std::size_t count);

}  // namespace tern::detail
