#include <tern/testing/user.hpp>

#include "testing/buttons.hpp"
#include "testing/world_impl.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::test {

namespace {

constexpr std::string_view service_url = "http://localhost:9";
constexpr std::string_view bot_id = "bot-1";
constexpr std::string_view bot_name = "Bot";

json::object account(std::string_view id, std::string_view name, std::string_view role) {
  json::object made;
  made["id"] = id;
  made["name"] = name;
  made["role"] = role;
  return made;
}

template <class T>
void put_if_absent(json::object& fields, std::string_view name, T value) {
  if (fields.if_contains(name) == nullptr) {
    fields[name] = std::move(value);
  }
}

std::string text_of(const json::object& action, std::string_view name) {
  const auto* found = action.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

// What an adaptive card sends: the data of its button, with its fields. `inputs`: what the user has put into them.
json::value data_of(const Button& button, const json::object& inputs) {
  const auto* data = button.action.if_contains("data");
  auto fields = button.fields;
  for (const auto& input : inputs) {
    fields[input.key()] = sent_by_a_client(input.value());
  }
  if (text_of(button.action, "associatedInputs") == "none") {
    fields.clear();
  }
  if (data == nullptr) {
    return fields;
  }
  if (!data->is_object()) {
    return *data;
  }
  auto all = data->get_object();
  for (auto& field : fields) {
    all[field.key()] = std::move(field.value());
  }
  return all;
}

}  // namespace

User::User(World& world, std::string id)
    : world_(&world), id_(std::move(id)), name_(id_), conversation_("conversation-of-" + id_) {}

User User::in(std::string conversation_id) const {
  auto other = *this;
  other.conversation_ = std::move(conversation_id);
  other.is_group_ = false;
  return other;
}

User User::in_group(std::string conversation_id) const {
  auto other = in(std::move(conversation_id));
  other.is_group_ = true;
  return other;
}

User User::on(std::string channel_id) const {
  auto other = *this;
  other.channel_ = std::move(channel_id);
  return other;
}

User User::named(std::string name) const {
  auto other = *this;
  other.name_ = std::move(name);
  return other;
}

User User::with_time_zone(std::string name) const {
  auto other = *this;
  other.time_zone_ = std::move(name);
  return other;
}

User User::with_locale(std::string locale) const {
  auto other = *this;
  other.locale_ = std::move(locale);
  return other;
}

User User::with_header(std::string name, std::string value) const {
  auto other = *this;
  other.headers_.emplace_back(std::move(name), std::move(value));
  return other;
}

User User::with_delivery(std::string mode) const {
  auto other = *this;
  other.delivery_ = std::move(mode);
  return other;
}

Activity User::addressed(Activity activity) const {
  auto fields = std::move(activity).json();
  put_if_absent(fields, "id", world_->impl_->new_id());
  put_if_absent(fields, "timestamp", Timestamp::utc(world_->impl_->new_timestamp()).text());
  put_if_absent(fields, "channelId", channel_);
  put_if_absent(fields, "serviceUrl", service_url);
  put_if_absent(fields, "from", account(id_, name_, roles::user));
  put_if_absent(fields, "recipient", account(bot_id, bot_name, roles::bot));
  json::object conversation;
  conversation["id"] = conversation_;
  conversation["conversationType"] = is_group_ ? "groupChat" : "personal";
  conversation["isGroup"] = is_group_;
  put_if_absent(fields, "conversation", std::move(conversation));
  put_if_absent(fields, "locale", locale_);
  if (!time_zone_.empty()) {
    put_if_absent(fields, "localTimezone", time_zone_);
  }
  if (!delivery_.empty()) {
    put_if_absent(fields, "deliveryMode", delivery_);
  }
  return Activity(std::move(fields));
}

Answer User::send(Activity activity) const {
  const auto whole = addressed(std::move(activity));
  return {*world_, std::string(whole.id().value_or("")), world_->impl_->receive(whole, headers_)};
}

Answer User::say(std::string text) const {
  return send(Activity::message(text));
}

Answer User::submit(json::value value) const {
  return send(Activity::of_type(activity_types::message).set_value(std::move(value)));
}

Answer User::invoke(std::string name, json::value value) const {
  auto activity = Activity::of_type(activity_types::invoke).set_name(name);
  return send(activity.set_value(std::move(value)));
}

Answer User::event(std::string name, json::value value) const {
  return send(Activity::event(name, std::move(value)));
}

Answer User::join() const {
  return send(Activity::of_type(activity_types::conversation_update).set_members_added({ChannelAccount(id_, name_)}));
}

Answer User::leave() const {
  return send(Activity::of_type(activity_types::conversation_update).set_members_removed({ChannelAccount(id_, name_)}));
}

Answer User::edit(std::string activity_id, std::string text) const {
  return send(Activity::of_type(activity_types::message_update).set_id(activity_id).set_text(text));
}

Answer User::retract(std::string activity_id) const {
  return send(Activity::of_type(activity_types::message_delete).set_id(activity_id));
}

Answer User::react(std::string activity_id, std::string type) const {
  auto activity = Activity::of_type(activity_types::message_reaction).set_id(activity_id).set_reply_to_id(activity_id);
  return send(activity.set_reactions_added({MessageReaction(type)}));
}

Answer User::unreact(std::string activity_id, std::string type) const {
  auto activity = Activity::of_type(activity_types::message_reaction).set_id(activity_id).set_reply_to_id(activity_id);
  return send(activity.set_reactions_removed({MessageReaction(type)}));
}

Answer User::install() const {
  return send(Activity::of_type(activity_types::installation_update).set_action("add"));
}

Answer User::uninstall() const {
  return send(Activity::of_type(activity_types::installation_update).set_action("remove"));
}

// The newest message first: that is what somebody sees.
Answer User::press(std::string title, const json::object& inputs, std::source_location where) const {
  std::vector<std::string> titles;
  const auto& calls = world_->channel().calls();
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    if (!call->arrived || call->activity.conversation_id() != conversation_) {
      continue;
    }
    for (const auto& button : buttons_of(call->activity)) {
      if (button.title == title) {
        const auto type = text_of(button.action, "type");
        if (type == "Action.OpenUrl" || type == card_action_types::open_url) {
          throw Mismatch("the button \"" + title + "\" opens a page; the bot does not hear of it", where);
        }
        return press_button(button, inputs);
      }
      titles.push_back(button.title);
    }
  }
  throw Mismatch(
      "no button \"" + title + "\" was shown to " + id_ + " in " + conversation_ + "\n" + difference({title}, titles),
      where);
}

Answer User::press_button(const Button& button, const json::object& inputs) const {
  const auto& action = button.action;
  const auto type = text_of(action, "type");
  if (type == "Action.Execute") {
    json::object done;
    done["type"] = type;
    for (const auto* name : {"id", "verb"}) {
      if (const auto* found = action.if_contains(name)) {
        done[name] = *found;
      }
    }
    done["data"] = data_of(button, inputs);
    return invoke("adaptiveCard/action", json::object{{"action", std::move(done)}, {"trigger", "manual"}});
  }
  if (type.starts_with("Action.")) {
    return submit(data_of(button, inputs));
  }
  const auto* value = action.if_contains("value");
  if (type == card_action_types::message_back) {
    auto message = Activity::message(text_of(action, "text"));
    return send(value != nullptr ? message.set_value(*value) : message);
  }
  if (value != nullptr && !value->is_string()) {
    return submit(*value);
  }
  return say(value != nullptr ? std::string(value->get_string()) : text_of(action, "title"));
}

std::vector<Activity> User::messages() const {
  return world_->impl_->messages_in(channel_, conversation_);
}

std::vector<std::string> User::texts() const {
  std::vector<std::string> all;
  for (const auto& message : messages()) {
    all.emplace_back(message.text());
  }
  return all;
}

Activity User::last(std::source_location where) const {
  auto all = messages();
  if (all.empty()) {
    throw Mismatch("no message has arrived in " + conversation_, where);
  }
  return std::move(all.back());
}

void User::expect(const std::vector<std::string>& expected, std::source_location where) const {
  auto came = texts();
  auto& looked_at = world_->impl_->looked_at[channel_ + "/" + conversation_];
  came.erase(came.begin(), came.begin() + static_cast<std::ptrdiff_t>(std::min(looked_at, came.size())));
  looked_at += came.size();
  if (came != expected) {
    throw Mismatch(
        "other messages have arrived in " + conversation_ + " than were expected\n" + difference(expected, came),
        where);
  }
}

ConversationReference User::reference() const {
  return addressed(Activity::of_type(activity_types::message)).reference().without_activity();
}

}  // namespace tern::test
