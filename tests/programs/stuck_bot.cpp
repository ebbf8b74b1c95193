// For the tests: does what no bot should. "hold" holds the thread of its shard for ever, "log" writes to the log for
// ever, "wait" waits without holding anything, "exit" makes the program hang after `run`, "spin" keeps a processor busy
// for a while, "block" holds the thread for a while, "chatter" writes to the log for a while, "print" writes to
// standard output; anything else is answered, and so are the last four.

#include <tern/tern.hpp>

#include <atomic>
#include <chrono>
#include <ctime>
#include <future>
#include <iostream>
#include <string>
#include <thread>

namespace {

std::atomic<bool> hang_at_the_end = false;

void hold_the_thread() {
  std::promise<void>().get_future().wait();
}

void spin() {
  const auto used = [] { return std::clock() / (CLOCKS_PER_SEC / 1000); };
  const auto begin = used();
  while (used() - begin < 200) {
  }
}

void chatter() {
  for (int i = 0; i < 20'000; ++i) {
    tern::log::info("a line that says nothing, and which is not the last one");
  }
}

void print() {
  for (int i = 0; i < 10; ++i) {
    std::cout << "a line" << std::endl;
  }
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
    if (text == "spin") {
      spin();
    }
    if (text == "block") {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    if (text == "chatter") {
      chatter();
    }
    if (text == "print") {
      print();
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
