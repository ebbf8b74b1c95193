#pragma once

#include <tern/async/clock.hpp>
#include <tern/turn/channel_sender.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tern::connector {

/// A channel's answer to one request. Kept with its connection, so that its strings are used again.
struct Answer {
  int status = 0;
  std::string body;
  std::string retry_after;                         ///< as it came; "" when absent
  std::string location;                            ///< of a 307 or 308, as it came; "" when absent
  std::optional<std::chrono::seconds> keep_alive;  ///< `Keep-Alive: timeout`
  bool reusable = false;                           ///< the connection may carry another request

  void clear() noexcept;
  /// Gives back what a large body took.
  void trim() noexcept;
};

/// The members of a JSON object in the body; nullopt when the body is empty or no JSON object.
std::optional<boost::json::object> object_in(const Answer& answer);

/// The exception for an answer that is no success, by whom it is with it. Its Retry-After is at most
/// `longest_retry_after`.
ChannelError channel_error(const Answer& answer, WallTime now, std::chrono::milliseconds longest_retry_after);

/// How long `Retry-After` asks to wait, at most 999,999,999 s (31 years): seconds, or a date in any of the three forms
/// of RFC 9110. A date in the past is zero; nullopt when it is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, WallTime now);

/// `timeout` of a Keep-Alive header.
std::optional<std::chrono::seconds> parse_keep_alive(std::string_view text);

/// At most 200 bytes of `text`, in one line: control characters are left out, a character is not cut in two.
std::string shortened(std::string_view text);

}  // namespace tern::connector
