#include "turn/keys.hpp"

#include <tern/storage/types.hpp>

namespace tern::detail {

namespace {

constexpr std::string_view conversations = "/conversations/";
constexpr std::string_view users = "/users/";
constexpr std::string_view references = "/references/";

// Reserves room for `rest` more bytes: the key is allocated once, and takes no more memory than needed while a turn
// waits.
std::string base(std::string_view bot, std::string_view channel, std::size_t rest = 0) {
  std::string key;
  key.reserve(bot.size() + 1 + channel.size() + rest);
  append_key_part(key, bot);
  key += '/';
  append_key_part(key, channel);
  return key;
}

void append_reference(std::string& key, std::string_view user) {
  key += references;
  append_key_part(key, user);
  key += '/';
}

}  // namespace

std::string conversation_state_key(std::string_view bot, std::string_view channel, std::string_view conversation) {
  auto key = base(bot, channel, conversations.size() + conversation.size());
  key += conversations;
  append_key_part(key, conversation);
  return bounded_key(std::move(key));
}

std::string user_state_key(std::string_view bot, std::string_view channel, std::string_view user) {
  auto key = base(bot, channel, users.size() + user.size());
  key += users;
  append_key_part(key, user);
  return bounded_key(std::move(key));
}

std::string private_state_key(std::string_view bot, std::string_view channel, std::string_view conversation,
                              std::string_view user) {
  auto key = base(bot, channel, conversations.size() + conversation.size() + users.size() + user.size());
  key += conversations;
  append_key_part(key, conversation);
  key += users;
  append_key_part(key, user);
  return bounded_key(std::move(key));
}

std::string reference_prefix(std::string_view bot, std::string_view channel, std::string_view user) {
  auto key = base(bot, channel, references.size() + user.size() + 1);
  append_reference(key, user);
  return key;
}

std::string reference_key(std::string_view bot, std::string_view channel, std::string_view user,
                          std::string_view conversation) {
  auto key = base(bot, channel, references.size() + user.size() + 1 + conversation.size());
  append_reference(key, user);
  append_key_part(key, conversation);
  return bounded_key(std::move(key));
}

std::string references_prefix(std::string_view bot, std::string_view channel) {
  auto key = base(bot, channel, references.size());
  key += references;
  return key;
}

std::string address_key(std::string_view bot, std::string_view channel, std::string_view conversation) {
  auto key = base(bot, channel) + "/addresses/";
  append_key_part(key, conversation);
  return bounded_key(std::move(key));
}

std::string last_conversation_key(std::string_view bot, std::string_view channel, std::string_view user,
                                  bool personal) {
  auto key = base(bot, channel) + (personal ? "/last/personal/" : "/last/others/");
  append_key_part(key, user);
  return bounded_key(std::move(key));
}

// The empty channel belongs to broadcasts, because no channel has an empty name.
std::string broadcast_key(std::string_view bot, std::string_view id) {
  auto key = base(bot, "") + "/broadcasts/";
  append_key_part(key, id);
  return key;
}

std::string broadcast_outcomes_prefix(std::string_view bot, std::string_view id, std::string_view run) {
  auto key = broadcast_key(bot, id) + "/outcomes/";
  if (!run.empty()) {
    append_key_part(key, run);
    key += '/';
  }
  return key;
}

std::string broadcast_outcome_key(std::string_view bot, std::string_view id, std::string_view run,
                                  std::string_view channel, std::string_view conversation) {
  auto key = broadcast_outcomes_prefix(bot, id, run);
  append_key_part(key, channel);
  key += '/';
  append_key_part(key, conversation);
  return bounded_key(std::move(key));
}

std::string conversation_key(std::string_view bot, std::string_view channel, std::string_view conversation) {
  auto key = base(bot, channel, 1 + conversation.size());
  key += '/';
  append_key_part(key, conversation);
  return key;
}

// It is never equal to the key of a conversation, because the parts of that key have no slash.
std::string reply_key(std::string_view bot, std::string_view channel, std::string_view conversation,
                      std::string_view user) {
  auto key = conversation_key(bot, channel, conversation);
  key += users;
  append_key_part(key, user);
  return bounded_key(std::move(key));
}

}  // namespace tern::detail
