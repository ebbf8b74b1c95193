#include "runtime/background_group.hpp"

#include "turn/background.hpp"
#include "turn/keys.hpp"

#include <tern/async/running.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tern::runtime {

namespace {

/// For who asks what holds a shard.
class NamedWork final : public detail::Running {
 public:
  explicit NamedWork(const Conversation& conversation) : reference_(conversation.reference()) {}
  Name running_name() const override {
    return {std::string(reference_.channel_id().value_or("")), std::string(reference_.conversation_id().value_or("")),
            "background work"};
  }

 private:
  const ConversationReference reference_;
};

awaitable<void> run_named(Conversation conversation, BackgroundWork work) {
  const NamedWork named(conversation);
  const detail::RunningScope running(named);
  co_await work(std::move(conversation));
}

// The work has a cancellation of its own (BackgroundTask::cancel) besides the group's, which reaches this coroutine:
// the one is handed on to the other.
awaitable<void> run_work(std::shared_ptr<detail::BackgroundState> state, Conversation conversation,
                         BackgroundWork work) {
  auto ex = co_await this_coro::executor;
  if (state->cancelled) {
    throw system_error(asio::error::operation_aborted);  // before it began
  }
  auto cancelled = co_await this_coro::cancellation_state;
  auto slot = cancelled.slot();
  if (slot.is_connected()) {
    slot.assign([state](asio::cancellation_type type) { state->signal.emit(type); });
  }
  co_await asio::co_spawn(ex, run_named(std::move(conversation), std::move(work)),
                          asio::bind_cancellation_slot(state->signal.slot(), asio::use_awaitable));
}

// However the work ends, also destroyed, it is said.
awaitable<void> run_and_say(std::shared_ptr<detail::BackgroundState> state, Conversation conversation,
                            BackgroundWork work) {
  struct Ended {
    std::shared_ptr<detail::BackgroundState> state;
    ~Ended() {
      state->running.store(false, std::memory_order_release);
      if (auto end = std::exchange(state->on_message, nullptr)) {
        end();
      }
    }
  };
  const Ended ended{state};
  try {
    co_await run_work(state, std::move(conversation), std::move(work));
  } catch (const system_error& e) {
    // What was cancelled ends like this; it is no failure.
    if (!state->cancelled || e.code() != asio::error::operation_aborted) {
      throw;
    }
  }
}

}  // namespace

BackgroundGroup::BackgroundGroup(Shard& shard, detail::TurnEnvironment& environment, TaskGroup& tasks)
    : shard_(shard), environment_(environment), tasks_(tasks), typing_(shard, environment) {}

BackgroundTask BackgroundGroup::start(ConversationReference reference, BackgroundWork work,
                                      std::shared_ptr<detail::TurnTrail> trail) {
  auto state = std::make_shared<detail::BackgroundState>(shard_.ex());
  state->trail = trail;
  auto key = detail::conversation_key(environment_.bot_id, reference.channel_id().value_or(""),
                                      reference.conversation_id().value_or(""));
  const bool can_type = reference.service_url() && !reference.service_url()->empty();
  // Said once, by the first message or by the end of the work, whichever comes first.
  auto end_typing = [this, key, ended = !can_type]() mutable {
    if (!std::exchange(ended, true)) {
      typing_.end(key);
    }
  };
  Conversation conversation(reference, *environment_.proactive, environment_.clock, state);
  state->on_message = end_typing;
  if (can_type) {
    typing_.begin(key, reference);
  }
  try {
    tasks_.spawn(shard_.ex(), "background work",
                 [state, conversation, work = std::move(work), trail = std::move(trail)] {
                   return run_and_say(state, conversation, work);
                 });
  } catch (...) {
    state->running.store(false, std::memory_order_release);
    end_typing();
    throw;
  }
  return BackgroundTask(std::move(state));
}

}  // namespace tern::runtime
