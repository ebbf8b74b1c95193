#include <tern/tern.hpp>

class ConsumerBot : public tern::ActivityHandler {
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    auto answer = tern::Activity::message("Hello from outside");
    co_await turn.send(std::move(answer));
  }
};

int main(int argc, char** argv) {
  return tern::run<ConsumerBot>(argc, argv);
}
