// Promises an answer in every turn: counts the message in the state of its conversation, and schedules a message that
// carries the count. What the crash loop kills.

#include <tern/tern.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>

namespace {

std::string number(std::int64_t value) {
  return std::to_string(value);
}

}  // namespace

class CrashBot : public tern::ActivityHandler {
  /// "DELAY_MS NAME" promises `NAME COUNT DUE_NS`; "count" answers with the count.
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    const auto text = std::string(turn.activity().text());
    auto count = co_await count_.get(turn);
    if (text == "count") {
      co_await turn.send(number(count));
      co_return;
    }
    const auto space = text.find(' ');
    std::int64_t delay_ms = 0;
    std::from_chars(text.data(), text.data() + text.size(), delay_ms);
    const auto due = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()) +
                     std::chrono::milliseconds(delay_ms);
    ++count;
    co_await count_.set(turn, count);
    const auto due_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(due.time_since_epoch()).count();
    auto message = tern::Activity::message(text.substr(space + 1) + " " + number(count) + " " + number(due_ns));
    co_await turn.proactive().send_at(due, std::move(message));
  }

  const tern::StateProperty<std::int64_t> count_ = tern::ConversationState().property<std::int64_t>("promised");
};

int main(int argc, char** argv) {
  return tern::run<CrashBot>(argc, argv, {{"proactive.enabled", true}});
}
