#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::net {

/// A server's answer to one request. It belongs to the connection, so that its memory is used again.
struct Answer {
  int status = 0;
  std::string body;
  std::string retry_after;  ///< as the header has it; "" when absent
  std::string location;  ///< as the header has it; "" when absent. Of a 307 or 308, or for a reader that keeps headers
  std::optional<std::chrono::seconds> keep_alive;  ///< `Keep-Alive: timeout`
  bool reusable = false;                           ///< the connection may carry another request
  bool cut = false;                                ///< the body was longer than its limit, and was left out
  /// All headers in their order, for a reader that keeps them.
  std::vector<std::pair<std::string, std::string>> headers;

  void clear() noexcept;
  /// Frees the memory of a large body.
  void trim() noexcept;
};

/// The `timeout` of a Keep-Alive header.
std::optional<std::chrono::seconds> parse_keep_alive(std::string_view text);

}  // namespace tern::net
