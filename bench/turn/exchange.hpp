#pragma once

#include "turn/message.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace bench {

/// A port of 127.0.0.1 that is free now.
std::uint16_t free_port();

/// Waits until something accepts connections on `port`; false after 20 s.
bool wait_for_port(std::uint16_t port);

/// Makes the token for messages of the channel at a service; empty where the bot asks for none.
using TokenFor = std::function<std::string(const std::string& service_url)>;

/// Sends one message to the bot on `port` and returns its reply as an activity, whichever way it came: with
/// `Mode::delivery` this function is the channel that it is posted to, on a port of its own.
/// Errors: `std::runtime_error` when the bot does not answer as the protocol says.
boost::json::object say(std::uint16_t port, Mode mode, const std::string& id, const std::string& conversation,
                        const std::string& user, const TokenFor& token_for = {});

}  // namespace bench
