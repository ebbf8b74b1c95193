#pragma once

#include <string>
#include <string_view>

/// Where things are stored. Parts are percent-encoded, the whole is bounded to what a backend takes.
/// Source: protocol, "State and storage".
namespace tern::detail {

std::string conversation_state_key(std::string_view bot, std::string_view channel, std::string_view conversation);
std::string user_state_key(std::string_view bot, std::string_view channel, std::string_view user);
std::string private_state_key(std::string_view bot, std::string_view channel, std::string_view conversation,
                              std::string_view user);
std::string reference_key(std::string_view bot, std::string_view channel, std::string_view user,
                          std::string_view conversation);
/// What all keys of a user's references begin with.
std::string reference_prefix(std::string_view bot, std::string_view channel, std::string_view user);

/// Names a conversation for queues, shards and the order of sends: `{bot}/{channel}/{conversation}`.
std::string conversation_key(std::string_view bot, std::string_view channel, std::string_view conversation);

}  // namespace tern::detail
