#include "turn/keys.hpp"

#include <tern/storage/types.hpp>

namespace tern::detail {

namespace {

std::string base(std::string_view bot, std::string_view channel) {
  std::string key;
  key.reserve(192);
  append_key_part(key, bot);
  key += '/';
  append_key_part(key, channel);
  return key;
}

}  // namespace

std::string conversation_state_key(std::string_view bot, std::string_view channel, std::string_view conversation) {
  auto key = base(bot, channel);
  key += "/conversations/";
  append_key_part(key, conversation);
  return bounded_key(std::move(key));
}

std::string user_state_key(std::string_view bot, std::string_view channel, std::string_view user) {
  auto key = base(bot, channel);
  key += "/users/";
  append_key_part(key, user);
  return bounded_key(std::move(key));
}

std::string private_state_key(std::string_view bot, std::string_view channel, std::string_view conversation,
                              std::string_view user) {
  auto key = base(bot, channel);
  key += "/conversations/";
  append_key_part(key, conversation);
  key += "/users/";
  append_key_part(key, user);
  return bounded_key(std::move(key));
}

std::string reference_prefix(std::string_view bot, std::string_view channel, std::string_view user) {
  auto key = base(bot, channel);
  key += "/references/";
  append_key_part(key, user);
  key += '/';
  return key;
}

std::string reference_key(std::string_view bot, std::string_view channel, std::string_view user,
                          std::string_view conversation) {
  auto key = reference_prefix(bot, channel, user);
  append_key_part(key, conversation);
  return bounded_key(std::move(key));
}

std::string references_prefix(std::string_view bot, std::string_view channel) {
  return base(bot, channel) + "/references/";
}

// No channel has an empty name.
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
  auto key = base(bot, channel);
  key += '/';
  append_key_part(key, conversation);
  return key;
}

}  // namespace tern::detail
