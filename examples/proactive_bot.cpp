// Shows that it is typing, ends the turn, and answers three seconds later: a proactive message.

#include <tern/tern.hpp>

#include <chrono>
#include <utility>

using namespace std::chrono_literals;

class ProactiveBot : public tern::ActivityHandler {
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    co_await turn.send_typing();
    auto answer = tern::Activity::message("You said, \"" + turn.activity().text_without_recipient_mention() + "\"");
    co_await turn.proactive().send_after(3s, std::move(answer));
  }
};

int main(int argc, char** argv) {
  return tern::run<ProactiveBot>(argc, argv, {{"proactive.enabled", true}});
}
