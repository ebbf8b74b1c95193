#include <tern/tern.hpp>
#include <tern/testing.hpp>

#include <exception>
#include <iostream>

// A test of a bot without any framework.
class WaitingBot : public tern::ActivityHandler {
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    co_await turn.proactive().send_after(std::chrono::hours(1), tern::Activity::message("an hour later"));
  }
};

int main() {
  try {
    tern::test::World world = tern::test::World::of<WaitingBot>();
    const auto ada = world.user("ada");
    ada.say("hello").expect_status(200);
    world.advance(std::chrono::hours(1));
    ada.expect("an hour later");
    world.expect_nothing_pending();
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  return 0;
}
