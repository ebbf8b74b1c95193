// For the tests: does what no bot should. "hold" holds the thread of its shard for ever, "log" writes to the log for
// ever, "wait" waits without holding anything, "exit" makes the program hang after `run`; anything else is answered.

#include <tern/tern.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <string>

namespace {

std::atomic<bool> hang_at_the_end = false;

void hold_the_thread() {
  std::promise<void>().get_future().wait();
}

class StuckBot : public tern::ActivityHandler {
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    const auto text = std::string(turn.activity().text());
    tern::log::info("was told", {{"text", text}});
    if (text == "hold") {
      hold_the_thread();
    }
    while (text == "log") {
      tern::log::info("a line that says nothing, and which is not the last one");
    }
    if (text == "wait") {
      co_await tern::sleep_for(std::chrono::hours(1), turn.clock());
    }
    hang_at_the_end = hang_at_the_end || text == "exit";
    co_await turn.send("done");
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int status = tern::run<StuckBot>(argc, argv);
  if (hang_at_the_end) {
    hold_the_thread();
  }
  return status;
}
