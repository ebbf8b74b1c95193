#include <tern/schema/activity.hpp>

namespace tern {
namespace {

/// Copies the member `from_name` of `source`, if it is of `kind`, to `to_name` of `target`.
void copy_member(const json::object& source, std::string_view from_name, json::kind kind, json::object& target,
                 std::string_view to_name) {
  const json::value* found = source.if_contains(from_name);
  if (found && found->kind() == kind) {
    target.insert_or_assign(to_name, *found);
  }
}

/// The usual number of members of an activity that is sent. Memory for so many is reserved at once.
constexpr std::size_t usual_members = 12;

}  // namespace

Activity Activity::of_type(std::string_view type) {
  Activity activity;
  activity.json().reserve(usual_members);
  activity.set_type(type);
  return activity;
}

Activity Activity::message(std::string_view text) {
  Activity activity = of_type(activity_types::message);
  if (!text.empty()) {
    activity.set_text(text);
  }
  return activity;
}

Activity Activity::message(Attachment attachment) {
  Activity activity = of_type(activity_types::message);
  activity.add_attachment(std::move(attachment));
  return activity;
}

Activity Activity::typing() {
  return of_type(activity_types::typing);
}

Activity Activity::event(std::string_view name, json::value value) {
  Activity activity = of_type(activity_types::event);
  activity.set_name(name);
  if (!value.is_null()) {
    activity.set_value(std::move(value));
  }
  return activity;
}

Activity Activity::trace(std::string_view name, json::value value, std::string_view value_type,
                         std::string_view label) {
  Activity activity = of_type(activity_types::trace);
  activity.set_name(name);
  if (!value.is_null()) {
    activity.set_value(std::move(value));
  }
  if (!value_type.empty()) {
    activity.set_value_type(value_type);
  }
  if (!label.empty()) {
    activity.set_label(label);
  }
  return activity;
}

Activity Activity::delay(std::chrono::milliseconds duration) {
  Activity activity = of_type(activity_types::delay);
  activity.set_value(json::value(std::int64_t{duration.count()}));
  return activity;
}

Activity Activity::end_of_conversation(std::string_view code) {
  Activity activity = of_type(activity_types::end_of_conversation);
  if (!code.empty()) {
    activity.set_code(code);
  }
  return activity;
}

Activity Activity::invoke_response(int status, json::value body) {
  json::object answer;
  answer.emplace("status", status);
  if (!body.is_null()) {
    answer.emplace("body", std::move(body));
  }
  Activity activity = of_type(activity_types::invoke_response);
  activity.set_value(json::value(std::move(answer)));
  return activity;
}

Activity& Activity::put(std::string_view name, std::string_view value) {
  set(name, value);
  return *this;
}

std::vector<ChannelAccount> Activity::members_added() const {
  return list_at<ChannelAccount>("membersAdded");
}
std::vector<ChannelAccount> Activity::members_removed() const {
  return list_at<ChannelAccount>("membersRemoved");
}
std::vector<MessageReaction> Activity::reactions_added() const {
  return list_at<MessageReaction>("reactionsAdded");
}
std::vector<MessageReaction> Activity::reactions_removed() const {
  return list_at<MessageReaction>("reactionsRemoved");
}
std::vector<Attachment> Activity::attachments() const {
  return list_at<Attachment>("attachments");
}
std::vector<Entity> Activity::entities() const {
  return list_at<Entity>("entities");
}

Activity& Activity::set_history_disclosed(bool value) {
  set("historyDisclosed", value);
  return *this;
}

Activity& Activity::set_value(json::value value) {
  set("value", std::move(value));
  return *this;
}

Activity& Activity::set_channel_data(json::value value) {
  set("channelData", std::move(value));
  return *this;
}

Activity& Activity::set_from(ChannelAccount value) {
  set_object("from", std::move(value));
  return *this;
}

Activity& Activity::set_recipient(ChannelAccount value) {
  set_object("recipient", std::move(value));
  return *this;
}

Activity& Activity::set_conversation(ConversationAccount value) {
  set_object("conversation", std::move(value));
  return *this;
}

Activity& Activity::set_suggested_actions(SuggestedActions value) {
  set_object("suggestedActions", std::move(value));
  return *this;
}

Activity& Activity::set_relates_to(ConversationReference value) {
  set_object("relatesTo", std::move(value));
  return *this;
}

Activity& Activity::set_members_added(std::vector<ChannelAccount> values) {
  set_list("membersAdded", std::move(values));
  return *this;
}

Activity& Activity::set_members_removed(std::vector<ChannelAccount> values) {
  set_list("membersRemoved", std::move(values));
  return *this;
}

Activity& Activity::set_reactions_added(std::vector<MessageReaction> values) {
  set_list("reactionsAdded", std::move(values));
  return *this;
}

Activity& Activity::set_reactions_removed(std::vector<MessageReaction> values) {
  set_list("reactionsRemoved", std::move(values));
  return *this;
}

Activity& Activity::add_attachment(Attachment value) {
  append("attachments", json::value(std::move(value).json()));
  return *this;
}

Activity& Activity::add_entity(Entity value) {
  append("entities", json::value(std::move(value).json()));
  return *this;
}

ConversationReference Activity::reference() const {
  json::object fields;
  fields.reserve(7);
  copy_member(json(), "id", json::kind::string, fields, "activityId");
  copy_member(json(), "from", json::kind::object, fields, "user");
  copy_member(json(), "recipient", json::kind::object, fields, "bot");
  copy_member(json(), "conversation", json::kind::object, fields, "conversation");
  copy_member(json(), "channelId", json::kind::string, fields, "channelId");
  copy_member(json(), "locale", json::kind::string, fields, "locale");
  copy_member(json(), "serviceUrl", json::kind::string, fields, "serviceUrl");
  return ConversationReference(std::move(fields));
}

void Activity::apply_reference(const ConversationReference& reference, bool reply) {
  const json::object& source = reference.json();
  json::object& target = json();
  target.reserve(target.size() + 8);
  target.stable_erase("id");
  copy_member(source, "channelId", json::kind::string, target, "channelId");
  copy_member(source, "serviceUrl", json::kind::string, target, "serviceUrl");
  copy_member(source, "conversation", json::kind::object, target, "conversation");
  copy_member(source, "bot", json::kind::object, target, "from");
  copy_member(source, "user", json::kind::object, target, "recipient");
  if (!target.contains("locale")) {
    copy_member(source, "locale", json::kind::string, target, "locale");
  }
  if (is(activity_types::message) && !target.contains("inputHint")) {
    set_input_hint(input_hints::accepting_input);
  }
  if (reply) {
    copy_member(source, "activityId", json::kind::string, target, "replyToId");
  }
}

}  // namespace tern
