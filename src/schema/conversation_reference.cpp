#include <tern/schema/conversation_reference.hpp>

namespace tern {

ConversationReference& ConversationReference::set_activity_id(std::string_view value) {
  set("activityId", value);
  return *this;
}

ConversationReference& ConversationReference::set_channel_id(std::string_view value) {
  set("channelId", value);
  return *this;
}

ConversationReference& ConversationReference::set_service_url(std::string_view value) {
  set("serviceUrl", value);
  return *this;
}

ConversationReference& ConversationReference::set_locale(std::string_view value) {
  set("locale", value);
  return *this;
}

ConversationReference& ConversationReference::set_user(ChannelAccount value) {
  set_object("user", std::move(value));
  return *this;
}

ConversationReference& ConversationReference::set_bot(ChannelAccount value) {
  set_object("bot", std::move(value));
  return *this;
}

ConversationReference& ConversationReference::set_conversation(ConversationAccount value) {
  set_object("conversation", std::move(value));
  return *this;
}

ConversationReference ConversationReference::without_activity() const {
  ConversationReference copy = *this;
  copy.erase("activityId");
  return copy;
}

}  // namespace tern
