#pragma once

#include "reminder_request.hpp"

#include <tern/tern.hpp>

#include <string>
#include <vector>

/// What the user is told of a reminder; the send itself is in the schedule.
struct Note {
  std::string handle;
  std::string text;
  bool recurs = false;
};
void tag_invoke(tern::json::value_from_tag, tern::json::value& to, const Note& note);
Note tag_invoke(tern::json::value_to_tag<Note>, const tern::json::value& from);

class ReminderBot : public tern::ActivityHandler {
 public:
  ReminderBot();

 private:
  tern::awaitable<void> on_message(tern::TurnContext& turn) override;

  tern::awaitable<void> remind(tern::TurnContext& turn, Remind wanted);
  tern::awaitable<void> list(tern::TurnContext& turn);
  tern::awaitable<void> cancel(tern::TurnContext& turn, std::size_t number);
  tern::awaitable<void> explain(tern::TurnContext& turn, std::string problem);
  tern::awaitable<void> set_zone(tern::TurnContext& turn, std::string name);
  tern::awaitable<void> set_quiet(tern::TurnContext& turn, SetQuiet wanted);
  tern::awaitable<void> nag(tern::TurnContext& turn);

  tern::awaitable<std::string> zone_of(tern::TurnContext& turn);
  tern::awaitable<tern::SendOptions> options_of(tern::TurnContext& turn, const Remind& wanted);

  const tern::StateProperty<std::vector<Note>> notes_ =
      tern::ConversationState().property<std::vector<Note>>("reminders");
  const tern::StateProperty<std::string> zone_ = tern::UserState().property<std::string>("zone");
  const tern::StateProperty<std::string> quiet_ = tern::UserState().property<std::string>("quiet");
};
