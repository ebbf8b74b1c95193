#pragma once

#include <cstddef>
#include <string>

namespace tern::direct_line {

/// `bytes` random bytes that nobody can guess, as base64url.
/// Errors: `errc::overloaded` when the system has no randomness.
std::string random_text(std::size_t bytes);

/// The bytes of an id that must not be guessed.
inline constexpr std::size_t id_bytes = 16;

}  // namespace tern::direct_line
