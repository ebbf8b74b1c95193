#pragma once

#include <chrono>
#include <cstddef>

namespace tern::http {

/// A connection is closed in stages (RFC 9112, 9.6): the server sends nothing more, and reads and drops the client's
/// input until its end, at most for this time and so many bytes. If the connection were closed while there is unread
/// input, the kernel would send a reset, which destroys the response on its way to the client.
inline constexpr std::chrono::seconds linger_time{2};
inline constexpr std::size_t linger_bytes = 1024 * 1024;

}  // namespace tern::http
