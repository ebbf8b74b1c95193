#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// A message of a user in a conversation of their own, as a channel delivers it.
std::string message_json(std::string_view id, std::string_view conversation, std::string_view text,
                         std::string_view service_url);

/// The request that delivers it to a bot. `token`: the bearer token that it brings; empty: none.
std::string post_of(std::string_view body, std::string_view token = {});

/// What a channel answers that takes a message.
inline constexpr std::string_view channel_accepts =
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"id\":\"1\"}";

/// Cuts a stream of bytes into HTTP messages that have their length, or no body.
class HttpPieces {
 public:
  void add(std::string_view bytes);
  /// The next whole message; valid until the next call.
  std::optional<std::string_view> next();

 private:
  std::string waiting_;
  std::size_t taken_ = 0;
};

}  // namespace bench
