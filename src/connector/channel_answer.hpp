#pragma once

#include "net/answer.hpp"

#include <tern/async/clock.hpp>
#include <tern/turn/channel_sender.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tern::connector {

using net::Answer;

/// The JSON object in the body; nullopt when the body is empty or something else.
std::optional<boost::json::object> object_in(const Answer& answer);

/// The exception for an answer that is no success. It says whether the channel or a stranger, such as a gateway, has
/// answered. Its Retry-After is at most `longest_retry_after`.
ChannelError channel_error(const Answer& answer, WallTime now, std::chrono::milliseconds longest_retry_after);

/// Reads the value of `Retry-After`: seconds, or a date in any of the three forms of RFC 9110, 5.6.7. At most
/// 999,999,999 s (31 years); zero for a date in the past; nullopt for any other text.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, WallTime now);

/// At most 200 bytes of `text`, in one line. Control characters are left out, and no character is cut in two.
std::string shortened(std::string_view text);

}  // namespace tern::connector
