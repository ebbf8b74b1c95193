#pragma once

#include <chrono>
#include <cstddef>

namespace tern::http {

/// A connection is closed in stages (RFC 9112, 9.6): nothing more is sent, and what the client still sends is read and
/// dropped until its end, for so long and so many bytes at most. Closed with input unread, or input to come, the kernel
/// would send a reset, which destroys the response on its way to the client.
inline constexpr std::chrono::seconds linger_time{2};
inline constexpr std::size_t linger_bytes = 1024 * 1024;

}  // namespace tern::http
