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
/// What all keys of the references of a channel begin with.
std::string references_prefix(std::string_view bot, std::string_view channel);

/// What the last message in a conversation that is not personal said of its address, whoever wrote it.
std::string address_key(std::string_view bot, std::string_view channel, std::string_view conversation);
/// Which personal conversation, or which other one, a user wrote in last.
std::string last_conversation_key(std::string_view bot, std::string_view channel, std::string_view user, bool personal);

/// A broadcast; what belongs to it has keys that begin with this one and a slash.
std::string broadcast_key(std::string_view bot, std::string_view id);
/// What all keys of a broadcast's recipients begin with. `run` tells broadcasts apart that had the same id, one after
/// the other.
std::string broadcast_outcomes_prefix(std::string_view bot, std::string_view id, std::string_view run);
std::string broadcast_outcome_key(std::string_view bot, std::string_view id, std::string_view run,
                                  std::string_view channel, std::string_view conversation);

/// Names a conversation for queues, shards and the order of sends: `{bot}/{channel}/{conversation}`.
std::string conversation_key(std::string_view bot, std::string_view channel, std::string_view conversation);

/// Whose reply a send waits for: that of `user` in the conversation. Its `conversation_key` stands for anybody's.
std::string reply_key(std::string_view bot, std::string_view channel, std::string_view conversation,
                      std::string_view user);

}  // namespace tern::detail
