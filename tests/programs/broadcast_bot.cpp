// For the tests: `N` sends a message to each of N conversations, 400 a second; `progress` says how far that is.

#include <tern/tern.hpp>

#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace {

class BroadcastBot : public tern::ActivityHandler {
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    const std::string text(turn.activity().text());
    int count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    auto& proactive = turn.proactive().all();
    if (count > 0) {
      std::vector<tern::ConversationReference> everybody;
      for (int i = 0; i < count; ++i) {
        auto reference = turn.reference();
        tern::ConversationAccount conversation;
        conversation.set_id("conversation " + std::to_string(i));
        reference.set_conversation(std::move(conversation));
        everybody.push_back(std::move(reference));
      }
      co_await proactive.broadcasts().start(tern::Recipients::of(std::move(everybody)), tern::Activity::message("news"),
                                            tern::BroadcastOptions().id("news").rate(400));
      co_return;
    }
    const auto progress = co_await proactive.broadcasts().progress("news");
    co_await turn.send("sent " + std::to_string(progress ? progress->sent : 0));
  }
};

}  // namespace

int main(int argc, char** argv) {
  return tern::run<BroadcastBot>(argc, argv, {{"proactive.enabled", true}});
}
