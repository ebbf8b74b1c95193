#pragma once

#include <tern/schema/activity.hpp>
#include <tern/testing/mismatch.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::test {

class World;
struct Button;
struct TurnAnswer;

/// The HTTP answer to an activity, once it has come. Copies mean the same answer.
///
/// `User` has the messages of the bot in the conversation. They are here as well when the activity asked for them in
/// the answer (`expectReplies`, `stream`).
class Answer {
 public:
  /// For the world.
  Answer(World& world, std::string activity_id, std::shared_ptr<TurnAnswer> answer);

  /// Whether it has come. A turn that waits for the clock is answered once the world has moved on.
  bool has_come() const;
  /// Runs the bot until the answer has come, without moving the clock: for a bot that waits for another thread, as
  /// with `offload`.
  /// Errors: `Mismatch` when the bot waits for something else.
  const Answer& wait(std::source_location where = std::source_location::current()) const;

  /// The status of HTTP: 200 when the turn has ended, 202 when it goes on, 500 when it failed.
  /// Errors: `Mismatch` when it has not come yet.
  int status(std::source_location where = std::source_location::current()) const;
  /// The body, such as the bot's answer to an invoke; null when it is empty.
  json::value body(std::source_location where = std::source_location::current()) const;
  /// The activities in the answer, for an activity that asked for them there.
  std::vector<Activity> activities() const;

  /// Errors: `Mismatch` when it has another status, or has not come yet.
  const Answer& expect_status(int status, std::source_location where = std::source_location::current()) const;
  /// Errors: `Mismatch` with both bodies, when it has another body, or has not come yet.
  const Answer& expect_body(const json::value& body,
                            std::source_location where = std::source_location::current()) const;

  /// The id of the activity that is answered, for `User::edit`, `User::react` and the like.
  const std::string& activity_id() const noexcept { return activity_id_; }

 private:
  World* world_;
  std::string activity_id_;
  std::shared_ptr<TurnAnswer> answer_;
};

/// A user who talks with the bot in one conversation. A value: copies mean the same user in the same conversation.
///
/// An action of a user reaches the bot at once. When the function returns, the bot has done everything that it can do
/// without moving the clock.
class User {
 public:
  /// See `World::user`.
  User(World& world, std::string id);

  /// The same user in another conversation. Default: a conversation of this user and the bot alone, called
  /// `conversation-of-` and the user's id.
  User in(std::string conversation_id) const;
  /// The same user in a conversation of several people.
  User in_group(std::string conversation_id) const;
  /// The same user on another channel. Default: `emulator`.
  User on(std::string channel_id) const;
  /// The same user with this name.
  User named(std::string name) const;
  /// The same user with a device that tells this zone of the IANA database. Default: the device tells none.
  User with_time_zone(std::string name) const;
  /// The same user with this locale. Default: `en-US`.
  User with_locale(std::string locale) const;
  /// The same user with a client that asks for this `deliveryMode`: `expectReplies` or `stream`. Default: messages come
  /// through the channel.
  User with_delivery(std::string mode) const;
  /// The same user with a client that sends this header as well: for bots with an authenticator of their own.
  User with_header(std::string name, std::string value) const;

  /// A message with this text.
  Answer say(std::string text) const;
  /// Presses the last button with this title that the bot has shown in the conversation, on a card, an adaptive card or
  /// among the suggested actions. It does what a client does: an `Action.Execute` becomes an invoke of
  /// `adaptiveCard/action`, an `Action.Submit` or a `postBack` a message with a value, and an `imBack` a message with a
  /// text. `inputs`: what the user has put into the fields of the adaptive card, by their ids; the other fields have
  /// what the card shows. Clients send fields as texts, and so numbers and booleans become texts here.
  /// Errors: `Mismatch` with the titles that there are, when there is none of this title.
  Answer press(std::string title, const json::object& inputs = {},
               std::source_location where = std::source_location::current()) const;
  /// An `invoke` of this name, answered by `Answer::body`.
  Answer invoke(std::string name, json::value value = nullptr) const;
  /// An `event` of this name.
  Answer event(std::string name, json::value value = nullptr) const;
  /// A message with this value and without a text, as a form sends it.
  Answer submit(json::value value) const;
  /// The user joins the conversation.
  Answer join() const;
  /// The user leaves the conversation.
  Answer leave() const;
  /// Edits an earlier message of the user, named by its `Answer::activity_id`.
  Answer edit(std::string activity_id, std::string text) const;
  /// Deletes an earlier message of the user.
  Answer retract(std::string activity_id) const;
  /// Adds a reaction such as `like` to a message of the bot or of a user.
  Answer react(std::string activity_id, std::string type) const;
  /// Removes a reaction.
  Answer unreact(std::string activity_id, std::string type) const;
  /// Installs the bot.
  Answer install() const;
  /// Removes the bot.
  Answer uninstall() const;
  /// Any other activity. Absent members are put in: id, channel, service, conversation, sender and recipient.
  Answer send(Activity activity) const;
  /// The activity that `send` would give the bot: to look at it, change it, or send it twice.
  Activity addressed(Activity activity) const;

  /// The messages that have arrived in the conversation, the oldest first.
  std::vector<Activity> messages() const;
  /// Their texts.
  std::vector<std::string> texts() const;
  /// The last message of the conversation. Errors: `Mismatch` when there is none.
  Activity last(std::source_location where = std::source_location::current()) const;

  /// Expects that exactly these texts have arrived in the conversation since the last `expect` for it. Each message is
  /// looked at once.
  /// Errors: `Mismatch` with the difference.
  void expect(const std::vector<std::string>& texts,
              std::source_location where = std::source_location::current()) const;
  /// The same for one text. It is a template so that a list of two texts is not taken for one text.
  template <std::convertible_to<std::string> Text>
  void expect(const Text& text, std::source_location where = std::source_location::current()) const {
    expect(std::vector<std::string>{std::string(text)}, where);
  }
  /// The same for no text at all.
  void expect_nothing(std::source_location where = std::source_location::current()) const {
    expect(std::vector<std::string>{}, where);
  }

  /// The id of the user.
  const std::string& id() const noexcept { return id_; }
  /// The id of the conversation.
  const std::string& conversation_id() const noexcept { return conversation_; }
  /// How the bot writes to this user in this conversation.
  ConversationReference reference() const;

 private:
  Answer press_button(const Button& button, const json::object& inputs) const;

  World* world_;
  std::string id_;
  std::string name_;
  std::string conversation_;
  bool is_group_ = false;
  std::string channel_ = "emulator";
  std::string locale_ = "en-US";
  std::string time_zone_;
  std::string delivery_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

}  // namespace tern::test
