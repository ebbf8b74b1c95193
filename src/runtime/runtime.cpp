#include "runtime/runtime.hpp"

#include "runtime/refusal.hpp"
#include "runtime/shard_runtime.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/post.hpp>

#include <functional>
#include <utility>

namespace tern::runtime {

namespace {

// For turns that are cut at the deadline of a drain.
constexpr std::chrono::milliseconds time_to_let_go{500};

// Only a shared store has other processes that write to it.
std::optional<std::chrono::milliseconds> trust_in_last_conversations(const detail::TurnEnvironment& environment,
                                                                     const RuntimeOptions& options) {
  return environment.storage.traits().shared ? std::optional(options.last_conversation_trust) : std::nullopt;
}

}  // namespace

Runtime::Runtime(ShardPool& shards, MakeBot make_bot, RuntimeOptions options,
                 std::vector<std::unique_ptr<detail::TurnEnvironment>> environments, Clock& clock, Metrics& metrics)
    : shards_(shards),
      make_bot_(std::move(make_bot)),
      options_(options),
      clock_(clock),
      environments_(std::move(environments)),
      background_(options.background_tasks),
      last_conversations_(clock, trust_in_last_conversations(*environments_.front(), options)) {
  const auto figure = [&](const char* outcome) {
    return metrics.counter("tern_turns_total", "Turns by outcome.", {{"outcome", outcome}});
  };
  figures_ = {figure("ok"),           figure("failed"), figure("refused"),
              figure("acknowledged"), figure("cut"),    figure("repeated")};
  metrics.gauge_from("tern_turns_in_flight", "Turns that run or wait.",
                     [this] { return static_cast<double>(turns_in_flight()); });
  metrics.gauge_from("tern_background_tasks", "Background tasks that run.",
                     [this] { return static_cast<double>(background_.count()); });
  const auto lost_references = metrics.counter(
      "tern_references_lost_total", "Conversation references that were not stored: too large, or the store is full.");
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    environments_[i]->lost_references = lost_references;
    environments_[i]->has_continuation = [this](std::string_view name) { return has_continuation(name); };
    homes_.push_back(std::make_unique<ShardRuntime>(*this, shards_[i], *environments_[i]));
  }
  add_times(metrics);
}

void Runtime::add_times(Metrics& metrics) {
  const auto& buckets = TurnTimes::buckets;
  for (std::size_t type = 0; type < TurnTimes::types.size(); ++type) {
    metrics.histogram_from("tern_turn_seconds", "Time from an activity's arrival to the end of its turn.",
                           {buckets.begin(), buckets.end()}, {{"type", std::string(TurnTimes::types[type])}},
                           [this, type] {
                             Distribution all;
                             for (const auto& home : homes_) {
                               home->times().read(type, all);
                             }
                             return all;
                           });
  }
}

Runtime::~Runtime() = default;

void Runtime::abandon_turns() noexcept {
  for (auto& home : homes_) {
    home->abandon_turns();
  }
}

bool Runtime::has_continuation(std::string_view name) const {
  return bot_->continuation(name) != nullptr;
}

bool Runtime::take_place() noexcept {
  if (in_flight_.fetch_add(1) < options_.turns) {
    return true;
  }
  give_back_place();
  return false;
}

void Runtime::give_back_place() noexcept {
  if (in_flight_.fetch_sub(1) != 1 || !draining()) {
    return;
  }
  const std::lock_guard lock(idle_mutex_);
  if (on_idle_) {
    on_idle_();
  }
}

void Runtime::receive(TurnRequest request) noexcept {
  // First: a drain waits until all places are free, and a refused request must not take one.
  if (draining()) {
    figures_.refused.inc();
    request.observer->on_reply(shutting_down_reply());
    return;
  }
  if (!take_place()) {
    figures_.refused.inc();
    request.observer->on_reply(
        overloaded_reply("The bot is at its capacity (limits.turns). Send the activity again later."));
    return;
  }
  // These views stay valid when the activity is moved.
  const auto head = detail::head_of(request.activity);
  const ConversationKey conversation(head.channel, head.conversation);
  const auto home = shards_.home_of(conversation.hash);
  if (home == request.origin) {
    homes_[home]->receive(std::move(request), head, conversation);
    return;
  }
  asio::post(shards_[home].io(),
             [this, home, head, conversation, moved = std::make_unique<TurnRequest>(std::move(request))] {
               homes_[home]->receive(std::move(*moved), head, conversation);
             });
}

std::size_t Runtime::home_of(const ConversationReference& conversation) const noexcept {
  const ConversationKey key(conversation.channel_id().value_or(""), conversation.conversation_id().value_or(""));
  return shards_.home_of(key.hash);
}

void Runtime::spawn(std::size_t shard, std::string_view name, std::function<awaitable<void>()> work) {
  if (draining()) {
    throw_error(errc::shutting_down, "The bot is shutting down and takes no new work.");
  }
  background_.spawn(shards_[shard].ex(), name, std::move(work));
}

void Runtime::submit(Continuation continuation) {
  const auto home = home_of(continuation.reference);
  const bool placed = take_place();
  asio::post(shards_[home].io(), [this, home, placed, moved = std::make_unique<Continuation>(std::move(continuation))] {
    if (placed) {
      homes_[home]->submit(std::move(*moved));
    } else {
      figures_.refused.inc();
      moved->refuse(std::make_exception_ptr(
          NotBegun(errc::overloaded, "Too many turns are in flight (limits.turns); try again later.")));
    }
  });
}

// The count is read again after each wake-up, because a request that is just being refused may have a place for a
// moment.
awaitable<void> Runtime::wait_until_idle(Deadline by) {
  auto ex = co_await this_coro::executor;
  auto timer = std::make_shared<Timer>(clock_, ex);
  {
    const std::lock_guard lock(idle_mutex_);
    on_idle_ = [timer, ex] { asio::post(ex, [timer] { timer->cancel(); }); };
  }
  while (turns_in_flight() > 0 && !by.expired(clock_)) {
    co_await timer->wait_until(by.when());
  }
  const std::lock_guard lock(idle_mutex_);
  on_idle_ = nullptr;
}

awaitable<bool> Runtime::drain_turns(Deadline by) {
  draining_.store(true);
  co_await wait_until_idle(by);
  if (turns_in_flight() == 0) {
    co_return true;
  }
  log::warn("turns are cut at the end of the drain", {{"turns", turns_in_flight()}});
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    asio::post(shards_[i].io(), [this, i] { homes_[i]->cut_all(); });
  }
  // Turns whose commit is under way get its outcome, and all turns get time to end.
  co_await wait_until_idle(Deadline::after(time_to_let_go, clock_));
  co_return false;
}

void Runtime::forget_reference(std::string channel, std::string user, std::string conversation) {
  // On each shard: turns of a group and of a user may be at home on different shards.
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    asio::post(shards_[i].io(),
               [this, i, channel, user, conversation] { homes_[i]->references().forget(channel, user, conversation); });
  }
}

awaitable<bool> Runtime::drain_background(Deadline by) {
  const bool ended = co_await background_.drain(by, clock_);
  if (!ended) {
    log::warn("background work is cancelled at the end of the drain", {{"tasks", background_.count()}});
    background_.cancel();
  }
  co_return ended;
}

}  // namespace tern::runtime
