// Counts the messages of each conversation and of each user, and answers `conversation N, user M`.

#include <tern/tern.hpp>

#include <cstdint>
#include <string>

class StateBot : public tern::ActivityHandler {
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    // The turns of a conversation run one at a time, so nothing comes between reading and writing its document.
    auto conversation = co_await in_conversation_.get(turn);
    ++conversation;
    co_await in_conversation_.set(turn, conversation);
    if (!turn.activity().from_id()) {  // some channels do not say who wrote
      co_await turn.send("conversation " + std::to_string(conversation));
      co_return;
    }
    // The same user may be writing in another conversation right now: `update` is applied again to what was written
    // there instead of failing the turn. Only after the commit is the count final, so the answer waits for it.
    co_await by_user_.update(turn, [](std::int64_t& count) { ++count; });
    co_await turn.commit();
    const auto user = co_await by_user_.get(turn);
    co_await turn.send("conversation " + std::to_string(conversation) + ", user " + std::to_string(user));
  }

  const tern::StateProperty<std::int64_t> in_conversation_ =
      tern::ConversationState().property<std::int64_t>("messages");
  const tern::StateProperty<std::int64_t> by_user_ = tern::UserState().property<std::int64_t>("messages");
};

int main(int argc, char** argv) {
  return tern::run<StateBot>(argc, argv);
}
