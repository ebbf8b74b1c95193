#pragma once

#include <tern/async/clock.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace tern::http {

/// The value of the Date header, such as `Sun, 06 Nov 1994 08:49:37 GMT`. It is made once a second.
///
/// Thread safety: none; each shard has its own.
/// Source: RFC 9110, 6.6.1.
class DateText {
 public:
  /// Lifetime: until the next call.
  std::string_view at(WallTime now);

 private:
  std::chrono::sys_seconds second_ = std::chrono::sys_seconds::min();
  std::string text_;
};

}  // namespace tern::http
