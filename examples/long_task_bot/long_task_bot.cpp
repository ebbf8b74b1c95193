#include "long_task_bot.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

using std::chrono::seconds;

namespace {

constexpr seconds usual_duration{5};
constexpr seconds longest_duration{600};

constexpr const char* help_text =
    "I do slow work in the background and tell you when it is done.\n\n"
    "- **start** begins a task of 5 seconds; **start 20** one of 20 seconds (at most 600)\n"
    "- **tasks** lists what is under way here\n"
    "- **cancel** ends it\n\n"
    "You can start several, and go on talking to me meanwhile.";

std::string conversation_of(const tern::TurnContext& turn) {
  const auto& activity = turn.activity();
  // A channel's ids are its own: two channels may use the same one.
  return std::string(activity.channel_id().value_or("")) + '\n' + std::string(activity.conversation_id().value_or(""));
}

std::string in_words(seconds duration) {
  return std::to_string(duration.count()) + (duration == seconds(1) ? " second" : " seconds");
}

bool same_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
         });
}

/// `start` and `start N`; nullopt for anything else.
std::optional<seconds> wanted_duration(std::string_view text) {
  const auto space = text.find(' ');
  if (!same_word(text.substr(0, space), "start")) {
    return std::nullopt;
  }
  if (space == std::string_view::npos) {
    return usual_duration;
  }
  const auto number = text.substr(text.find_first_not_of(' ', space));
  unsigned count = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), count);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  return whole && count >= 1 && seconds(count) <= longest_duration ? std::optional(seconds(count)) : std::nullopt;
}

}  // namespace

tern::awaitable<void> LongTaskBot::on_message(tern::TurnContext& turn) {
  const auto text = turn.activity().text_without_recipient_mention();  // in a group it is "<at>Bot</at> start"
  const auto duration = wanted_duration(text);
  if (duration) {
    co_await start(turn, *duration);
  } else if (same_word(text, "tasks")) {
    co_await list(turn);
  } else if (same_word(text, "cancel")) {
    co_await cancel(turn);
  } else {
    co_await turn.send(help_text);
  }
}

tern::awaitable<void> LongTaskBot::on_members_added(std::vector<tern::ChannelAccount>, tern::TurnContext& turn) {
  co_await turn.send(help_text);
}

tern::awaitable<void> LongTaskBot::start(tern::TurnContext& turn, seconds duration) {
  const auto key = conversation_of(turn);
  const auto number = tasks_.add(key, in_words(duration));
  if (!number) {
    co_await turn.send("There are many tasks under way here already. Wait for one to end, or write **cancel**.");
    co_return;
  }
  bool started = true;
  try {
    auto task = turn.run_in_background([this, key, number = *number, duration](tern::Conversation conversation) {
      return work(std::move(conversation), key, number, duration);
    });
    tasks_.attach(key, *number, std::move(task));
  } catch (const tern::system_error&) {  // the app has as much work as `limits.background_tasks` allows, or it ends
    tasks_.remove(key, *number);
    started = false;
  }
  if (started) {
    co_await turn.send("Task " + std::to_string(*number) + " has begun: " + in_words(duration) + ".");
  } else {
    co_await turn.send("I have too much to do just now. Please try again in a while.");
  }
}

tern::awaitable<void> LongTaskBot::work(tern::Conversation conversation, std::string key, unsigned number,
                                        seconds duration) {
  // Stands for a slow query. Work that blocks or computes for long goes through `co_await tern::offload(...)`.
  co_await conversation.sleep_for(duration);
  if (!tasks_.remove(key, number)) {
    co_return;  // cancelled in the last moment, and the user was told so
  }
  co_await conversation.send("Task " + std::to_string(number) + " is done after " + in_words(duration) + ".");
}

tern::awaitable<void> LongTaskBot::list(tern::TurnContext& turn) {
  const auto titles = tasks_.titles(conversation_of(turn));
  std::string text = titles.empty() ? "Nothing is under way here." : "Under way here:\n";
  for (const auto& title : titles) {
    text += "\n- " + title;
  }
  co_await turn.send(std::move(text));
}

tern::awaitable<void> LongTaskBot::cancel(tern::TurnContext& turn) {
  const auto ended = tasks_.cancel_all(conversation_of(turn));
  if (ended == 0) {
    co_await turn.send("There is nothing to cancel.");
  } else {
    co_await turn.send(ended == 1 ? "Cancelled 1 task." : "Cancelled " + std::to_string(ended) + " tasks.");
  }
}
