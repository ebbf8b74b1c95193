// The functions of ShardRuntime that end turns and tell their observers.

#include "async/describe_error.hpp"
#include "runtime/refusal.hpp"
#include "runtime/shard_runtime.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace tern::runtime {

namespace {

std::exception_ptr make_error(errc code, const char* message) {
  return std::make_exception_ptr(Error(code, message));
}

// Only a success is remembered, because a failed activity may be tried again. Every answer below 500 to a token
// exchange is remembered, since all clients of the user need it, such as 412 (consent needed).
bool may_be_remembered(const TurnReply& reply, bool is_token_exchange) noexcept {
  return reply.outcome == TurnOutcome::done && reply.invoke_status < (is_token_exchange ? 500 : 300);
}

}  // namespace

void ShardRuntime::finish(Turn& turn, std::exception_ptr error) noexcept {
  shard_.wheel().disarm(turn);
  const auto now = runtime_.clock_.now();
  times_.add(turn.type(), now - turn.arrived);
  if (turn.cut) {
    runtime_.figures_.cut.inc();
  } else if (error) {
    runtime_.figures_.failed.inc();
    const auto& activity = turn.context.activity();
    log::error("a turn failed", {{"channel", activity.channel_id().value_or("")},
                                 {"conversation", activity.conversation_id().value_or("")},
                                 {"activity", turn.name()},
                                 {"error", detail::describe(error)}});
  } else {
    runtime_.figures_.ok.inc();
  }
  TurnReply reply;
  Turn::Observers observers;
  if (!turn.cut) {
    reply = turn.take_reply(static_cast<bool>(error));
    settle_key(turn, reply, now);
    observers = turn.take_observers();
  }
  if (turn.continued) {
    const bool is_cut = turn.too_long || (turn.cut && !error);
    turn.continued->done(is_cut ? make_error(errc::timed_out, "The turn was cut.") : error);
  }
  // A client that sends requests without waiting for answers may begin its next turn during this call, while this turn
  // still has its place.
  tell_end(std::move(observers), std::move(reply));
}

void ShardRuntime::retire(Turn& turn) noexcept {
  if (runtime_.options().ordered) {
    if (auto* next = queues_.next(turn.conversation())) {
      // Posted, because a turn that never suspends would otherwise run on the stack of the turn before it, and so on.
      asio::post(shard_.io(), [this, next] { begin(static_cast<Turn&>(*next)); });
    }
  }
  destroy(turn);
}

void ShardRuntime::tell_all(Turn::Observers observers, const TurnReply& reply) noexcept {
  tell(std::move(observers.first.observer), observers.first.origin, reply);
  for (auto& waiting : observers.others) {
    tell(std::move(waiting.observer), waiting.origin, reply);
  }
}

// The last observer is told by `on_last_reply`, so the caller must have nothing left to do.
void ShardRuntime::tell_end(Turn::Observers&& observers, TurnReply&& reply) noexcept {
  if (observers.others.empty()) {
    tell_last(std::move(observers.first.observer), observers.first.origin, std::move(reply));
    return;
  }
  auto last = std::move(observers.others.back());
  observers.others.pop_back();
  tell_all(std::move(observers), reply);
  tell_last(std::move(last.observer), last.origin, std::move(reply));
}

void ShardRuntime::settle_key(Turn& turn, const TurnReply& reply, SteadyTime now) {
  if (turn.stream() != nullptr) {
    turn.stream()->end(reply, turn.is_invoke_);
  }
  if (!turn.key) {
    return;
  }
  const auto entry = running_keys_.find(&turn);
  if (entry != running_keys_.end() && *entry == &turn) {
    running_keys_.erase(entry);
    if (may_be_remembered(reply, turn.key->same.is_token_exchange)) {
      if (turn.stream() != nullptr && !turn.stream()->ended()) {
        end_later(*turn.key, turn.stream_);
      } else if (turn.stream() != nullptr) {
        done_.remember(*turn.key, repeated_stream(*turn.stream()), now);
      } else {
        done_.remember(*turn.key, reply, now);
      }
    }
  }
}

void ShardRuntime::destroy(Turn& turn) {
  if (turn.reference_seen) {
    references_.lost(*turn.reference_seen);
  }
  delete &turn;
  runtime_.give_back_place();
}

void ShardRuntime::on_expired(Turn& turn) noexcept {
  if (turn.cut) {
    return;  // it was told to end already
  }
  if (!turn.wants_answer() && !turn.goes_on() && !turn.cut_next) {
    acknowledge(turn);
    return;
  }
  if (turn.is_committing()) {
    look_again(turn);
    return;
  }
  if (turn.cut_next) {
    cut(turn, shutting_down_reply());
    return;
  }
  if (turn.wants_answer()) {
    cut(turn, TurnReply(TurnOutcome::timed_out, "The bot did not finish in time (turn.deadline)."));
    return;
  }
  turn.too_long = true;
  const auto& activity = turn.context.activity();
  log::error("a turn is cut: it ran for longer than turn.longest, and later turns of its conversation wait for it",
             {{"channel", activity.channel_id().value_or("")},
              {"conversation", activity.conversation_id().value_or("")},
              {"activity", turn.name()},
              {"type", activity.type()}});
  cut(turn, TurnReply(TurnOutcome::timed_out, "The bot did not finish in time (turn.longest)."));
}

void ShardRuntime::acknowledge(Turn& turn) noexcept {
  runtime_.figures_.acknowledged.inc();
  turn.acknowledged_ = true;
  if (!turn.waiting()) {
    limit_what_goes_on(turn);
  }
  tell_all(turn.take_observers(), TurnReply::going_on());
}

// The commit of the turn is under way: the turn is looked at again after a tick of the wheel.
void ShardRuntime::look_again(Turn& turn) noexcept {
  shard_.wheel().arm(turn, Deadline::after(TimingWheel::tick, runtime_.clock_));
}

// No client waits for the turn any more, but the next turn of the conversation does.
void ShardRuntime::limit_what_goes_on(Turn& turn) noexcept {
  shard_.wheel().arm(turn, Deadline::after(runtime_.options().longest, runtime_.clock_));
}

void ShardRuntime::cut(Turn& turn, const TurnReply& reply) noexcept {
  turn.cut = true;
  settle_key(turn, reply, runtime_.clock_.now());
  auto observers = turn.take_observers();
  if (turn.waiting()) {
    drop_waiting(turn);
  } else {
    turn.signal.emit(asio::cancellation_type::terminal);
  }
  tell_all(std::move(observers), reply);
}

void ShardRuntime::drop_waiting(Turn& turn) noexcept {
  queues_.abandon(turn);
  runtime_.figures_.cut.inc();
  if (turn.continued) {
    if (turn.continued->id.empty()) {  // a scheduled continuation is run by the next process
      const auto& activity = turn.context.activity();
      log::warn(
          "a continuation is dropped: it waited for its turn until the end of the drain",
          {{"channel", activity.channel_id().value_or("")}, {"conversation", activity.conversation_id().value_or("")}});
    }
    turn.continued->done(not_begun());
  }
  destroy(turn);
}

// A turn whose commit is under way is answered with the outcome of the commit, and is cut if it goes on afterwards.
void ShardRuntime::cut_all() {
  const auto reply = shutting_down_reply();
  const auto now = runtime_.clock_.now();
  std::vector<Turn*> turns;
  for (auto& turn : live_) {
    if (turn.is_committing()) {
      turn.cut_next = true;
      look_again(turn);
    } else {
      turns.push_back(&turn);
    }
  }
  for (auto* turn : turns) {
    turn->cut = true;
    settle_key(*turn, reply, now);
    tell_all(turn->take_observers(), reply);
    if (turn->waiting()) {
      drop_waiting(*turn);
    }
  }
  // Each turn is moved to the back before it is told to end: that may destroy this turn and other turns.
  for (auto left = live_.size(); left > 0 && !live_.empty(); --left) {
    auto& turn = live_.front();
    live_.pop_front();
    live_.push_back(turn);
    if (turn.cut && !std::exchange(turn.cancelled, true)) {
      turn.signal.emit(asio::cancellation_type::terminal);
    }
  }
}

void ShardRuntime::tell(std::unique_ptr<TurnObserver> observer, std::size_t origin, TurnReply reply) {
  if (!observer) {
    return;
  }
  if (origin == shard_.index()) {
    observer->on_reply(std::move(reply));
    return;
  }
  tell_last(std::move(observer), origin, std::move(reply));
}

void ShardRuntime::tell_last(std::unique_ptr<TurnObserver> observer, std::size_t origin, TurnReply&& reply) {
  if (!observer) {
    return;
  }
  if (origin == shard_.index()) {
    observer->on_last_reply(std::move(reply));
    return;
  }
  asio::post(runtime_.shards_[origin].io(), [observer = std::move(observer), reply = std::move(reply)]() mutable {
    observer->on_last_reply(std::move(reply));
  });
}

}  // namespace tern::runtime
