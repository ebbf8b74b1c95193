#include "turn/keys.hpp"

#include <tern/storage/types.hpp>

namespace tern::detail {

namespace {

std::string base(std::string_view bot, std::string_view channel) {
  std::string key;
  key.reserve(128);
  key += key_part(bot);
  key += '/';
  key += key_part(channel);
  return key;
}

}  // namespace

std::string conversation_state_key(std::string_view bot, std::string_view channel, std::string_view conversation) {
  auto key = base(bot, channel);
  key += "/conversations/";
  key += key_part(conversation);
  return bounded_key(std::move(key));
}

std::string user_state_key(std::string_view bot, std::string_view channel, std::string_view user) {
  auto key = base(bot, channel);
  key += "/users/";
  key += key_part(user);
  return bounded_key(std::move(key));
}

std::string private_state_key(std::string_view bot, std::string_view channel, std::string_view conversation,
                              std::string_view user) {
  auto key = base(bot, channel);
  key += "/conversations/";
  key += key_part(conversation);
  key += "/users/";
  key += key_part(user);
  return bounded_key(std::move(key));
}

std::string reference_prefix(std::string_view bot, std::string_view channel, std::string_view user) {
  auto key = base(bot, channel);
  key += "/references/";
  key += key_part(user);
  key += '/';
  return key;
}

std::string reference_key(std::string_view bot, std::string_view channel, std::string_view user,
                          std::string_view conversation) {
  return bounded_key(reference_prefix(bot, channel, user) + key_part(conversation));
}

std::string conversation_key(std::string_view bot, std::string_view channel, std::string_view conversation) {
  auto key = base(bot, channel);
  key += '/';
  key += key_part(conversation);
  return key;
}

}  // namespace tern::detail
