#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::wire {

/// A response as it came over the wire, its body without the framing.
struct RawResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds took{0};

  /// A header by its name in any case; nullopt when absent.
  std::optional<std::string_view> header(std::string_view name) const;
};

/// Sends `bytes` as they are to 127.0.0.1:`port` on a new connection and reads one response. `bodiless`: the request
/// is HEAD.
/// Errors: `std::runtime_error` when the response does not come within 30 s, or is none.
RawResponse exchange(std::uint16_t port, std::string_view bytes, bool bodiless = false);

}  // namespace tern::wire
