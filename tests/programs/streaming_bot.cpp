// For the tests: tells its answer bit by bit, as bots do that a model writes for. Before the end it waits until
// somebody says "go on" in another conversation. First it says how it was asked to answer. At "bye" it ends the
// conversation.

#include <tern/tern.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

std::atomic<int> times_told_to_go_on = 0;

tern::json::object part(const char* type, int sequence) {
  return {{"type", "streaminfo"}, {"streamId", "a-stream"}, {"streamType", type}, {"streamSequence", sequence}};
}

tern::Activity told(tern::Activity activity, const char* text, const char* type, int sequence) {
  activity.json()["text"] = text;
  activity.json()["entities"] = tern::json::array{part(type, sequence)};
  return activity;
}

class StreamingBot : public tern::ActivityHandler {
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    if (turn.activity().text() == "go on") {
      ++times_told_to_go_on;
      co_return;
    }
    if (turn.activity().text() == "bye") {
      co_await turn.send("Good-bye.");
      auto end = tern::Activity::end_of_conversation();
      co_await turn.send(std::move(end));
      co_return;
    }
    const int before = times_told_to_go_on;
    const std::string mode(turn.activity().delivery_mode().value_or("normal"));
    co_await turn.send("deliveryMode: " + mode);
    auto first = told(tern::Activity::typing(), "Thinking", "informative", 1);
    co_await turn.send(std::move(first));
    auto second = told(tern::Activity::typing(), "Once", "streaming", 2);
    co_await turn.send(std::move(second));
    auto third = told(tern::Activity::typing(), "Once upon a time", "streaming", 3);
    co_await turn.send(std::move(third));
    while (times_told_to_go_on == before) {
      co_await tern::sleep_for(10ms, turn.clock());
    }
    auto last = told(tern::Activity::message(""), "Once upon a time there was a tern.", "final", 4);
    co_await turn.send(std::move(last));
  }
};

}  // namespace

int main(int argc, char** argv) {
  return tern::run<StreamingBot>(argc, argv);
}
