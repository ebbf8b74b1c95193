#include "bare/counting_reply.hpp"

#include <boost/json/value.hpp>

#include <string_view>

namespace bare {

namespace {

const json::string& id_of(const json::object& message, std::string_view member) {
  return message.at(member).as_object().at("id").as_string();
}

void copy(const json::object& from, std::string_view source, json::object& to, std::string_view target) {
  if (const auto* found = from.if_contains(source)) {
    to[target] = *found;
  }
}

}  // namespace

json::object CountingReply::answer(const json::object& message) {
  const auto conversation = ++by_conversation_[std::string(id_of(message, "conversation"))];
  const auto user = ++by_user_[std::string(id_of(message, "from"))];
  json::object reply;
  reply.reserve(10);
  reply["type"] = "message";
  reply["text"] = "conversation " + std::to_string(conversation) + ", user " + std::to_string(user);
  reply["inputHint"] = "acceptingInput";
  copy(message, "channelId", reply, "channelId");
  copy(message, "serviceUrl", reply, "serviceUrl");
  copy(message, "locale", reply, "locale");
  copy(message, "conversation", reply, "conversation");
  copy(message, "recipient", reply, "from");
  copy(message, "from", reply, "recipient");
  copy(message, "id", reply, "replyToId");
  return reply;
}

}  // namespace bare
