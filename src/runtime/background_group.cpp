#include "runtime/background_group.hpp"

#include "async/running.hpp"
#include "turn/background.hpp"
#include "turn/keys.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tern::runtime {

namespace {

/// Names background work for the watchdog, which logs what blocks a shard.
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
  const auto* const run = co_await detail::this_run;
  const detail::RunningScope running(named, run);
  co_await work(std::move(conversation));
}

// The work can be cancelled on its own (BackgroundTask::cancel) and with its group. The cancellation of the group
// reaches this coroutine, which passes it on to the work.
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

// The end of the work is noted however it ends, even when its coroutine is destroyed.
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
    // The end of work that was cancelled is no failure.
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
  auto state = std::make_shared<detail::BackgroundState>(shard_.ex(), environment_);
  state->trail = trail;
  auto key = detail::conversation_key(environment_.bot_id, reference.channel_id().value_or(""),
                                      reference.conversation_id().value_or(""));
  const bool can_type = reference.service_url() && !reference.service_url()->empty();
  // Called by the first message and by the end of the work; only the first call counts.
  auto end_typing = [this, key, ended = !can_type]() mutable {
    if (!std::exchange(ended, true)) {
      typing_.end(key);
    }
  };
  auto conversation =
      detail::BackgroundAccess::conversation(reference, *environment_.proactive, environment_.clock, state);
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
  return detail::BackgroundAccess::task(std::move(state));
}

}  // namespace tern::runtime
