#include "direct_line/incoming.hpp"

#include "direct_line/account.hpp"
#include "direct_line/refusal.hpp"
#include "turn/same_activity.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace tern::direct_line {

namespace {

// Others say something about the conversation that only the channel knows.
constexpr std::array<std::string_view, 10> types_of_clients{
    "message",         "event",   "invoke",        "typing",  "endOfConversation",
    "messageReaction", "command", "commandResult", "handoff", "suggestion"};

// It waits in memory for each socket that is behind.
constexpr std::size_t longest_typing = std::size_t{4} * 1024;

std::string type_of(const json::object& fields) {
  const auto* type = fields.if_contains("type");
  if (type == nullptr || !type->is_string() || type->get_string().empty()) {
    throw Refusal(400, "MissingProperty", "An activity needs a type, such as \"message\".");
  }
  if (std::find(types_of_clients.begin(), types_of_clients.end(), std::string_view(type->get_string())) ==
      types_of_clients.end()) {
    refuse_argument("A client does not send activities of this type.");
  }
  return std::string(type->get_string());
}

Account sender_of(const json::object& given, const Caller& caller, const Head& head) {
  auto from = account_in(given, "from");
  if (!caller.claims.user.empty()) {
    from.id = caller.claims.user;
    from.name = caller.claims.name.empty() ? from.name : caller.claims.name;
    return from;
  }
  if (is_reserved(from.id) && !caller.has_secret) {
    refuse_argument("Only a token may give an id that begins with dl_, and this token names no user.");
  }
  if (from.id.empty()) {
    // A reserved id was given by another token.
    from.id = is_reserved(head.user) && !caller.has_secret ? std::string() : head.user;
  }
  if (from.id.empty()) {
    throw Refusal(400, "MissingProperty", "An activity needs a sender: from with an id.");
  }
  from.name = from.name.empty() && from.id == head.user ? head.user_name : from.name;
  return from;
}

bool wants_stream(const json::object& given) {
  const auto* mode = given.if_contains("deliveryMode");
  return mode != nullptr && mode->is_string() && std::string_view(mode->get_string()) == delivery_modes::stream;
}

json::object account_json(const Account& account, std::string_view role) {
  json::object made{{"id", account.id}};
  if (!account.name.empty()) {
    made["name"] = account.name;
  }
  made["role"] = role;
  return made;
}

std::string client_activity_id(const json::object& given) {
  const auto* data = given.if_contains("channelData");
  const auto* fields = data != nullptr ? data->if_object() : nullptr;
  const auto* id = fields != nullptr ? fields->if_contains("clientActivityID") : nullptr;
  return id != nullptr && id->is_string() ? std::string(id->get_string()) : std::string();
}

std::string key_of(const json::object& fields) {
  auto key = client_activity_id(fields);
  if (key.empty()) {
    return key;
  }
  Activity activity(fields);
  activity.set_id("posted");
  key = std::to_string(key.size()) + ':' + key;
  if (const auto same = tern::detail::same_activity(activity)) {
    same->append_to(key);
  }
  return key;
}

}  // namespace

ChannelAccount bot_account(const Options& options) {
  ChannelAccount account(options.bot_id, options.bot_name);
  account.set_role("bot");
  return account;
}

Incoming check_incoming(json::object given, const Caller& caller, const Head& head, std::string_view conversation) {
  Incoming incoming;
  const auto type = type_of(given);
  incoming.is_shown_only = type == activity_types::typing;
  incoming.ends = type == activity_types::end_of_conversation;
  incoming.streams = head.streams || wants_stream(given);
  const auto sender = sender_of(given, caller, head);
  for (const char* name : {"id", "timestamp", "serviceUrl", "callerId", "recipient", "deliveryMode"}) {
    given.erase(name);
  }
  given["from"] = account_json(sender, "user");
  given["channelId"] = head.channel;
  given["conversation"] = json::object{{"id", conversation}};
  incoming.fields = std::move(given);
  if (incoming.is_shown_only && json::serialize(incoming.fields).size() > longest_typing) {
    throw Refusal(413, "MessageSizeTooBig", "Typing may have 4 KiB.");
  }
  incoming.key = incoming.is_shown_only ? std::string() : key_of(incoming.fields);
  return incoming;
}

json::object object_in(std::string_view body, bool may_be_empty) {
  if (may_be_empty && body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return {};
  }
  auto value = parse_json(body);
  if (!value) {
    throw Refusal(400, "BadSyntax", value.error().message);
  }
  auto* object = value->if_object();
  if (object == nullptr && !(may_be_empty && value->is_null())) {
    refuse_argument("The body must be a JSON object.");
  }
  return object != nullptr ? std::move(*object) : json::object();
}

Activity for_bot(const Incoming& incoming, const Options& options, std::string_view id, std::string_view timestamp) {
  Activity activity(incoming.fields);
  activity.set_id(id);
  activity.json()["timestamp"] = timestamp;
  activity.set_service_url(service_url);
  activity.set_recipient(bot_account(options));
  if (incoming.streams) {
    activity.set_delivery_mode(delivery_modes::stream);
  }
  return activity;
}

Activity conversation_update(const Head& head, std::string_view conversation, const Options& options,
                             std::string_view timestamp) {
  Activity activity = Activity::of_type(activity_types::conversation_update);
  const bool is_named = !head.user.empty();
  const ChannelAccount user(account_json({is_named ? head.user : std::string(conversation), head.user_name}, "user"));
  std::vector<ChannelAccount> members;
  members.push_back(bot_account(options));
  if (is_named) {
    members.push_back(user);
  }
  activity.set_id(std::string(conversation) + "|begin");
  activity.json()["timestamp"] = timestamp;
  activity.set_channel_id(head.channel);
  activity.set_service_url(service_url);
  activity.set_conversation(ConversationAccount(conversation));
  activity.set_from(user);
  activity.set_recipient(bot_account(options));
  activity.set_members_added(std::move(members));
  if (!head.locale.empty()) {
    activity.set_locale(head.locale);
  }
  return activity;
}

}  // namespace tern::direct_line
