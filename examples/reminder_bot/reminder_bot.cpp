#include "reminder_bot.hpp"

#include <algorithm>
#include <utility>

using namespace std::chrono_literals;

namespace {

constexpr const char* help_text =
    "Tell me what to remind you of:\n\n"
    "- **remind me in 20 s to stretch**, **remind me at 18:30 to ...**, **remind me tomorrow at 9 to ...**, "
    "**remind me on friday at 10 to ...**\n"
    "- **every day at 9 to drink water**, **every monday at 9 to ...**, **every 2 hours to ...**\n"
    "- **nag me in 20 s to ...** asks again after ten seconds, unless you answer\n"
    "- **list** and **cancel 2**\n"
    "- **time zone Europe/Zurich**, **quiet 22:00 to 7:00**, **quiet off**";

constexpr auto patience = 10s;

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

// What a user should know whose device has told no more than how far its clock is from UTC.
std::string about_offset(const std::string& zone) {
  const bool is_fixed_offset = zone.starts_with("UTC+") || zone.starts_with("UTC-");
  return is_fixed_offset ? " I know no more of your time zone than this, and nothing of summer time. Tell me its name: "
                           "**time zone Europe/Zurich**."
                         : "";
}

}  // namespace

void tag_invoke(tern::json::value_from_tag, tern::json::value& to, const Note& note) {
  to = {{"handle", note.handle}, {"text", note.text}, {"recurs", note.recurs}};
}

Note tag_invoke(tern::json::value_to_tag<Note>, const tern::json::value& from) {
  const auto& fields = from.as_object();
  return {fields.at("handle").as_string().c_str(), fields.at("text").as_string().c_str(),
          fields.at("recurs").as_bool()};
}

ReminderBot::ReminderBot() {
  // By name, so that it is found again by a process that was started after the reminder was set.
  on_continue("nag", [this](tern::TurnContext& turn) { return nag(turn); });
}

tern::awaitable<void> ReminderBot::on_message(tern::TurnContext& turn) {
  // In a group the bot is mentioned: "<at>Bot</at> remind me in 20 s to stretch".
  const auto text = turn.activity().text_without_recipient_mention();
  auto request = parse_request(text);
  co_await std::visit(
      Overloaded{[&](Remind& wanted) { return remind(turn, std::move(wanted)); }, [&](ListThem&) { return list(turn); },
                 [&](Cancel& wanted) { return cancel(turn, wanted.number); },
                 [&](SetZone& wanted) { return set_zone(turn, std::move(wanted.name)); },
                 [&](SetQuiet& wanted) { return set_quiet(turn, wanted); },
                 [&](Explain& wanted) { return explain(turn, std::move(wanted.problem)); }},
      request);
}

tern::awaitable<void> ReminderBot::explain(tern::TurnContext& turn, std::string problem) {
  co_await turn.send(problem.empty() ? help_text : problem);
}

tern::awaitable<void> ReminderBot::remind(tern::TurnContext& turn, Remind wanted) {
  const auto zone = co_await zone_of(turn);
  const auto due = wanted.due(turn.clock().wall_now(), zone);
  auto options = co_await options_of(turn, wanted);
  tern::SendHandle handle;
  if (wanted.nag) {
    handle = co_await turn.proactive().continue_at(due, "nag", tern::json::value(wanted.text), std::move(options));
  } else {
    auto message = tern::Activity::message("Reminder: " + wanted.text);
    handle = co_await turn.proactive().send_at(due, std::move(message), std::move(options));
  }
  // The note and the send are one unit: both are there when the turn has ended, or neither.
  auto notes = co_await notes_.get(turn);
  notes.push_back({handle.to_string(), wanted.text, wanted.again_and_again});
  co_await notes_.set(turn, std::move(notes));
  co_await turn.send("I will remind you to " + wanted.text + (wanted.again_and_again ? ", first on " : " on ") +
                     tern::local_time_text(due, zone) + " (" + zone + ")." + about_offset(zone));
}

// Ten seconds later it asks again, unless the user has answered by then.
tern::awaitable<void> ReminderBot::nag(tern::TurnContext& turn) {
  const auto* value = turn.activity().value();
  const std::string text = value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
  co_await turn.send("Reminder: " + text + ". Done?");
  co_await turn.proactive().send_after(patience, tern::Activity::message("You have not answered: " + text + "!"),
                                       tern::SendOptions().cancel_on_reply());
}

tern::awaitable<void> ReminderBot::list(tern::TurnContext& turn) {
  const auto zone = co_await zone_of(turn);
  std::vector<tern::PendingSend> sends;
  tern::PendingPage page;
  do {
    page = co_await turn.proactive().list(1'000, page.next);
    sends.insert(sends.end(), page.sends.begin(), page.sends.end());
  } while (!page.next.empty());
  // Those that are pending, by time. What is pending no more has been sent; what recurs has another time now.
  const auto notes = co_await notes_.get(turn);
  std::vector<Note> pending;
  std::string text;
  for (const auto& send : sends) {
    const auto note = std::find_if(notes.begin(), notes.end(), [&](const Note& one) {
      return tern::SendHandle::parse(one.handle).value().id == send.handle.id;
    });
    if (note == notes.end()) {
      continue;
    }
    pending.push_back({send.handle.to_string(), note->text, note->recurs});
    text += (text.empty() ? "" : "\n") + std::to_string(pending.size()) + ". " + note->text + ", " +
            (note->recurs ? "next on " : "on ") + tern::local_time_text(send.due, zone);
  }
  co_await notes_.set(turn, std::move(pending));
  co_await turn.send(text.empty() ? "I have nothing to remind you of." : text);
}

tern::awaitable<void> ReminderBot::cancel(tern::TurnContext& turn, std::size_t number) {
  auto notes = co_await notes_.get(turn);
  if (number > notes.size()) {
    co_await turn.send("There is no number " + std::to_string(number) + "; \"list\" shows them.");
    co_return;
  }
  const auto at = notes.begin() + static_cast<std::ptrdiff_t>(number - 1);
  const auto handle = tern::SendHandle::parse(at->handle);
  const auto text = at->text;
  notes.erase(at);
  co_await notes_.set(turn, std::move(notes));
  const auto outcome = co_await turn.proactive().cancel(handle.value());
  co_await turn.send(outcome == tern::CancelOutcome::cancelled
                         ? "I will not remind you to " + text + "."
                         : "Too late: I have reminded you to " + text + ", or am about to.");
}

tern::awaitable<void> ReminderBot::set_zone(tern::TurnContext& turn, std::string name) {
  if (!tern::is_time_zone(name)) {
    co_await turn.send("I know no time zone \"" + name + "\". Write it as Europe/Zurich or America/New_York.");
    co_return;
  }
  const auto now = tern::local_time_text(turn.clock().wall_now(), name);
  co_await zone_.set(turn, name);
  co_await turn.send("Your time zone is " + name + ", where it is " + now +
                     " now. What is set already stays as it is.");
}

tern::awaitable<void> ReminderBot::set_quiet(tern::TurnContext& turn, SetQuiet wanted) {
  if (!wanted.hours) {
    co_await quiet_.remove(turn);
    co_await turn.send("I will remind you at any hour.");
    co_return;
  }
  const auto from = wanted.hours->from().to_string();
  const auto to = wanted.hours->to().to_string();
  co_await quiet_.set(turn, from + to);
  co_await turn.send("From " + from + " until " + to + " I am quiet; what is due then comes at " + to + ".");
}

// The zone that the user has named, that of the user's device, or UTC.
tern::awaitable<std::string> ReminderBot::zone_of(tern::TurnContext& turn) {
  if (turn.activity().from_id()) {  // some channels do not say who wrote
    const auto named = co_await zone_.find(turn);
    if (named) {
      co_return *named;
    }
  }
  const auto device = tern::user_time_zone(turn.activity());
  co_return device ? device->name : "UTC";
}

tern::awaitable<tern::SendOptions> ReminderBot::options_of(tern::TurnContext& turn, const Remind& wanted) {
  auto zone = co_await zone_of(turn);
  tern::SendOptions options;
  options.time_zone(std::move(zone));
  if (wanted.again_and_again) {
    options.every(*wanted.at);
  }
  if (turn.activity().from_id()) {
    const auto quiet = co_await quiet_.get(turn);
    const auto from = tern::TimeOfDay::parse(quiet.substr(0, quiet.size() / 2));
    const auto to = tern::TimeOfDay::parse(quiet.substr(quiet.size() / 2));
    if (from && to) {
      options.quiet_hours(tern::QuietHours(*from, *to));
    }
  }
  co_return options;
}
