#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/// How a message wants its reply.
enum class Mode : std::uint8_t {
  replies,  ///< in the response: `deliveryMode: expectReplies`
  delivery  ///< posted to the `serviceUrl`
};

/// A message as the Microsoft 365 Agents Playground sends it, with @id@, @conversation@ and @user@ to be filled in.
std::string message_template(Mode mode, std::string_view service_url);

/// A message as a Bot Framework client of little metadata sends it, less than half as long; places as above.
std::string small_message_template(std::string_view service_url);

/// The message with all its places filled.
std::string fill(std::string text, std::string_view id, std::string_view conversation, std::string_view user);

}  // namespace bench
