#pragma once

#include <string>
#include <string_view>

/// The keys of documents. Parts are percent-encoded, and a key has at most as many bytes as every backend accepts.
/// Source: docs/architecture.md, "Keys".
namespace tern::detail {

std::string conversation_state_key(std::string_view bot, std::string_view channel, std::string_view conversation);
std::string user_state_key(std::string_view bot, std::string_view channel, std::string_view user);
std::string private_state_key(std::string_view bot, std::string_view channel, std::string_view conversation,
                              std::string_view user);
std::string reference_key(std::string_view bot, std::string_view channel, std::string_view user,
                          std::string_view conversation);
/// The prefix of the keys of a user's references.
std::string reference_prefix(std::string_view bot, std::string_view channel, std::string_view user);
/// The prefix of the keys of a channel's references.
std::string references_prefix(std::string_view bot, std::string_view channel);

/// The address of a conversation that is not personal, from the last message of any user.
std::string address_key(std::string_view bot, std::string_view channel, std::string_view conversation);
/// The last personal conversation, or the last other conversation, in which a user wrote.
std::string last_conversation_key(std::string_view bot, std::string_view channel, std::string_view user, bool personal);

/// A broadcast. The keys of its other documents begin with this key and a slash.
std::string broadcast_key(std::string_view bot, std::string_view id);
/// The prefix of the keys of a broadcast's recipients. `run` tells apart broadcasts that had the same id one after the
/// other.
std::string broadcast_outcomes_prefix(std::string_view bot, std::string_view id, std::string_view run);
std::string broadcast_outcome_key(std::string_view bot, std::string_view id, std::string_view run,
                                  std::string_view channel, std::string_view conversation);

/// The key of a conversation for queues, shards and the order of sends: `{bot}/{channel}/{conversation}`.
std::string conversation_key(std::string_view bot, std::string_view channel, std::string_view conversation);

/// Stands for the reply of `user` in the conversation, which cancels a send. `conversation_key` stands for anybody's.
std::string reply_key(std::string_view bot, std::string_view channel, std::string_view conversation,
                      std::string_view user);

}  // namespace tern::detail
