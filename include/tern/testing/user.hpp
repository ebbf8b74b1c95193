#pragma once

#include <tern/schema/activity.hpp>
#include <tern/testing/mismatch.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace tern::test {

class World;
struct TurnAnswer;

/// What came back over HTTP for an activity, once it has. Copies mean the same answer.
///
/// What the bot says in the conversation is not here, but with `User`, unless the activity asked for it in the answer
/// (`expectReplies`, `stream`); then it is at both places.
class Answer {
 public:
  Answer(World& world, std::string activity_id, std::shared_ptr<TurnAnswer> answer);

  /// Whether it has come. A turn that waits for the clock is answered once the world has moved on.
  bool has_come() const;
  /// Runs the bot until the answer has come, without moving the clock: for a bot that waits for another thread, as
  /// with `offload`.
  /// Errors: `Mismatch` when the bot waits for something else.
  Answer& wait(std::source_location where = std::source_location::current());

  /// The status of HTTP: 200 when the turn has ended, 202 when it goes on, 500 when it failed.
  /// Errors: `Mismatch` when it has not come yet.
  int status(std::source_location where = std::source_location::current()) const;
  /// The body: of an invoke what the bot has answered it; null when it is empty.
  json::value body(std::source_location where = std::source_location::current()) const;
  /// The activities in the answer, for an activity that asked for them there.
  std::vector<Activity> activities() const;

  /// Errors: `Mismatch` when it has another status, or has not come yet.
  Answer& expect_status(int status, std::source_location where = std::source_location::current());
  /// Errors: `Mismatch` with both bodies, when it has another body, or has not come yet.
  Answer& expect_body(const json::value& body, std::source_location where = std::source_location::current());

  /// The id of the activity that is answered, for `User::edit`, `User::react` and the like.
  const std::string& activity_id() const noexcept { return activity_id_; }

 private:
  World* world_;
  std::string activity_id_;
  std::shared_ptr<TurnAnswer> answer_;
};

/// Somebody who talks with the bot in one conversation. A value: copies mean the same user in the same conversation.
///
/// What a user does reaches the bot at once, and the bot has done all that it can do without the clock when the
/// function returns.
class User {
 public:
  User(World& world, std::string id);

  /// The same user in another conversation. Default: a conversation of this user and the bot alone, called
  /// `conversation-of-` and the user's id.
  User in(std::string conversation_id) const;
  /// The same user in a conversation of several people.
  User in_group(std::string conversation_id) const;
  /// The same user on another channel. Default: `emulator`.
  User on(std::string channel_id) const;
  User named(std::string name) const;
  /// Whose device is in this zone of the IANA database. Default: it tells none.
  User with_time_zone(std::string name) const;
  /// Default: `en-US`.
  User with_locale(std::string locale) const;
  /// Whose client wants the bot's messages in this way: `expectReplies`, `stream`. Default: through the channel.
  User with_delivery(std::string mode) const;

  Answer say(std::string text) const;
  /// The last button of this title that the bot has shown in the conversation: on a card, an adaptive card or among the
  /// suggested actions. It does what a client does: an `Action.Execute` is an invoke of `adaptiveCard/action`, an
  /// `Action.Submit` and a `postBack` are a message with a value, an `imBack` is said.
  /// `inputs`: what the user has put into the fields of the adaptive card, by their ids.
  /// Errors: `Mismatch` with the titles that there are, when there is none of this title.
  Answer press(std::string title, json::object inputs = {},
               std::source_location where = std::source_location::current()) const;
  /// An `invoke` of this name, answered by `Answer::body`.
  Answer invoke(std::string name, json::value value = nullptr) const;
  Answer event(std::string name, json::value value = nullptr) const;
  /// A message without text whose value this is, as a form sends it.
  Answer submit(json::value value) const;
  /// The user joins the conversation; `leave`: leaves it.
  Answer join() const;
  Answer leave() const;
  /// Says something else in place of an earlier message, by its `Answer::activity_id`.
  Answer edit(std::string activity_id, std::string text) const;
  /// Takes an earlier message back.
  Answer retract(std::string activity_id) const;
  /// Adds a reaction such as `like` to a message, the bot's or another; `unreact` removes it.
  Answer react(std::string activity_id, std::string type) const;
  Answer unreact(std::string activity_id, std::string type) const;
  /// Installs the bot; `uninstall`: removes it.
  Answer install() const;
  Answer uninstall() const;
  /// Anything else. What it lacks is put in: id, channel, service, conversation, who sends it and to whom.
  Answer send(Activity activity) const;
  /// The activity that `send` would give the bot: to look at it, change it, or send it twice.
  Activity addressed(Activity activity) const;

  /// The messages that have arrived in the conversation, the oldest first.
  std::vector<Activity> messages() const;
  std::vector<std::string> texts() const;
  /// The last message of the conversation. Errors: `Mismatch` when there is none.
  Activity last(std::source_location where = std::source_location::current()) const;

  /// That exactly these texts have arrived in the conversation since the last `expect` of it. What was looked at is not
  /// looked at again.
  /// Errors: `Mismatch` with the difference.
  void expect(const std::vector<std::string>& texts,
              std::source_location where = std::source_location::current()) const;
  /// The same of one text. A template, for a list of two texts must not be taken for one.
  template <std::convertible_to<std::string> Text>
  void expect(const Text& text, std::source_location where = std::source_location::current()) const {
    expect(std::vector<std::string>{std::string(text)}, where);
  }
  void expect_nothing(std::source_location where = std::source_location::current()) const {
    expect(std::vector<std::string>{}, where);
  }

  const std::string& id() const noexcept { return id_; }
  const std::string& conversation_id() const noexcept { return conversation_; }
  /// How the bot writes to this user in this conversation.
  ConversationReference reference() const;

 private:
  Answer press_action(const json::object& action, json::object inputs) const;

  World* world_;
  std::string id_;
  std::string name_;
  std::string conversation_;
  bool is_group_ = false;
  std::string channel_ = "emulator";
  std::string locale_ = "en-US";
  std::string time_zone_;
  std::string delivery_;
};

}  // namespace tern::test
