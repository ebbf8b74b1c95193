// The smallest bot: it says what it hears.

#include <tern/tern.hpp>

#include <string>

class EchoBot : public tern::ActivityHandler {
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    co_await turn.send("Echo: " + std::string(turn.activity().text()));
  }
};

int main(int argc, char** argv) {
  return tern::run<EchoBot>(argc, argv);
}
