// How turns end, by themselves or before their time, and who is told.

#include "runtime/refusal.hpp"
#include "runtime/shard_runtime.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace tern::runtime {

namespace {

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

std::exception_ptr make_error(errc code, const char* message) {
  return std::make_exception_ptr(Error(code, message));
}

}  // namespace

void ShardRuntime::finish(Turn& turn, std::exception_ptr error) noexcept {
  shard_.wheel().disarm(turn);
  times_.add(turn.type(), runtime_.clock_.now() - turn.arrived);
  if (turn.cut) {
    runtime_.figures_.cut.inc();
  } else if (error) {
    runtime_.figures_.failed.inc();
    const auto& activity = turn.context.activity();
    log::error("a turn failed", {{"channel", activity.channel_id().value_or("")},
                                 {"conversation", activity.conversation_id().value_or("")},
                                 {"activity", turn.name()},
                                 {"error", describe(error)}});
  } else {
    runtime_.figures_.ok.inc();
  }
  TurnReply reply;
  Turn::Observers observers;
  if (!turn.cut) {
    reply = turn.take_reply(static_cast<bool>(error));
    settle_key(turn, reply);
    observers = turn.take_observers();
  }
  if (turn.continued) {
    const bool is_cut = turn.too_long || (turn.cut && !error);
    turn.continued->done(is_cut ? make_error(errc::timed_out, "The turn was cut.") : error);
  }
  // Whoever sends requests without waiting for their answers may begin the next turn in here, while this one still has
  // its place.
  tell_end(std::move(observers), std::move(reply));
}

void ShardRuntime::retire(Turn& turn) noexcept {
  if (runtime_.options().ordered) {
    if (auto* next = queues_.leave(turn.conversation())) {
      // Posted: a turn that never suspends would otherwise run on the stack of the one before, and so on.
      asio::post(shard_.io(), [this, next] { begin(static_cast<Turn&>(*next)); });
    }
  }
  destroy(turn);
}

void ShardRuntime::tell_all(Turn::Observers observers, const TurnReply& reply) noexcept {
  for (auto& waiting : observers) {
    tell(std::move(waiting.observer), waiting.origin, reply);
  }
}

// For who has nothing left to do.
void ShardRuntime::tell_end(Turn::Observers observers, TurnReply reply) noexcept {
  if (observers.empty()) {
    return;
  }
  auto last = std::move(observers.back());
  observers.pop_back();
  tell_all(std::move(observers), reply);
  tell_last(std::move(last.observer), last.origin, std::move(reply));
}

// Successes only: a failure is worth another try. But what the bot answers to a token exchange, every client of the
// user is to get, as that it needs consent (412).
void ShardRuntime::settle_key(Turn& turn, const TurnReply& reply) {
  if (turn.stream() != nullptr) {
    turn.stream()->end(reply, turn.is_invoke_);
  }
  if (!turn.key) {
    return;
  }
  const auto entry = running_keys_.find(&turn);
  if (entry != running_keys_.end() && *entry == &turn) {
    running_keys_.erase(entry);
    if (reply.status < 300 || (turn.is_token_exchange && reply.status < 500)) {
      if (turn.stream() != nullptr && !turn.stream()->ended()) {
        end_later(*turn.key, turn.stream_);
      } else if (turn.stream() != nullptr) {
        done_.remember(*turn.key, repeated_stream(*turn.stream()));
      } else {
        done_.remember(*turn.key, reply);
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
    return;  // it takes its time to end
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
    cut(turn, TurnReply(504, error_body("GatewayTimeout", "The bot did not finish in time (turn.deadline).")));
    return;
  }
  turn.too_long = true;
  const auto& activity = turn.context.activity();
  log::error("a turn is cut: it went on for longer than turn.longest, and others of its conversation wait for it",
             {{"channel", activity.channel_id().value_or("")},
              {"conversation", activity.conversation_id().value_or("")},
              {"activity", turn.name()},
              {"type", activity.type()}});
  cut(turn, TurnReply(504, error_body("GatewayTimeout", "The bot did not finish in time (turn.longest).")));
}

void ShardRuntime::acknowledge(Turn& turn) noexcept {
  runtime_.figures_.acknowledged.inc();
  turn.acknowledged_ = true;
  if (!turn.waiting()) {
    limit_what_goes_on(turn);
  }
  tell_all(turn.take_observers(), TurnReply(202));
}

// Its commit is under way.
void ShardRuntime::look_again(Turn& turn) noexcept {
  shard_.wheel().arm(turn, Deadline::after(TimingWheel::tick, runtime_.clock_));
}

// Nobody waits for its answer any more, but the next turn of the conversation does.
void ShardRuntime::limit_what_goes_on(Turn& turn) noexcept {
  shard_.wheel().arm(turn, Deadline::after(runtime_.options().longest, runtime_.clock_));
}

void ShardRuntime::cut(Turn& turn, const TurnReply& reply) noexcept {
  turn.cut = true;
  settle_key(turn, reply);
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
    if (turn.continued->id.empty()) {  // the next process runs one of the schedule
      const auto& activity = turn.context.activity();
      log::warn(
          "a continuation is dropped: it waited for its turn until the end of the drain",
          {{"channel", activity.channel_id().value_or("")}, {"conversation", activity.conversation_id().value_or("")}});
    }
    turn.continued->done(not_begun());
  }
  destroy(turn);
}

// Those whose commit is under way are told what comes of it, and are cut when they go on after it.
void ShardRuntime::cut_all() {
  const auto reply = shutting_down_reply();
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
    settle_key(*turn, reply);
    tell_all(turn->take_observers(), reply);
    if (turn->waiting()) {
      drop_waiting(*turn);
    }
  }
  // Each is moved to the back before it is told to end, for it may be destroyed by that, and so may others.
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

void ShardRuntime::tell_last(std::unique_ptr<TurnObserver> observer, std::size_t origin, TurnReply reply) {
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
