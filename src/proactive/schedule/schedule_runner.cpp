#include "proactive/schedule/schedule_runner.hpp"

#include "proactive/schedule/send_runner.hpp"
#include "storage/awaited_replies.hpp"
#include "storage/process_name.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace tern::proactive {

namespace {

// Runs it on a shard; the caller goes on where it was.
template <class T>
auto on_shard(runtime::Shard& shard, awaitable<T> work) {
  return asio::co_spawn(shard.io(), std::move(work), asio::use_awaitable);
}

// A process that has heard it knows it for good. So the hint need not be in every write; on PostgreSQL writes with
// hints are committed one after the other.
constexpr std::chrono::seconds between_hints{1};
// One that begins to hear may have missed the hint that the others rely on, and its count what they commit after it. So
// it takes it that there are such sends until they must have told it again; a write may take the rest of this time.
constexpr std::chrono::seconds time_of_doubt = 2 * between_hints;

Counter slot_changes(Metrics& metrics, const char* change) {
  return metrics.counter("tern_schedule_slot_changes_total", "Slots of the schedule that changed their owner.",
                         {{"change", change}});
}

}  // namespace

struct ScheduleRunner::Home {
  Home(runtime::Shard& on, runtime::Runtime& runtime, detail::TurnEnvironment& environment, Clock& clock,
       ScheduleFigures& figures, SoloGate& solo, Broadcaster& broadcaster, const SchedulerOptions& options)
      : shard(on),
        sends(on.ex(), runtime, environment, broadcaster),
        scheduler(on.ex(), environment.storage, sends, clock, figures, solo, options) {}
  runtime::Shard& shard;
  SendRunner sends;
  Scheduler scheduler;
};

ScheduleRunner::ScheduleRunner(runtime::ShardPool& shards, runtime::Runtime& runtime, SchedulerOptions options,
                               Clock& clock, Metrics& metrics, SendLimits limits)
    : shards_(shards),
      runtime_(runtime),
      clock_(clock),
      figures_(metrics),
      slots_(metrics.gauge("tern_schedule_slots", "Slots of the schedule that this process owns, of 64.")),
      slots_taken_(slot_changes(metrics, "taken")),
      slots_gone_(slot_changes(metrics, "gone")),
      clock_ahead_(metrics.gauge("tern_schedule_clock_ahead_seconds",
                                 "By how much the clock of the schedule's store is ahead of this machine's.")),
      watch_(shards[0].ex(), runtime.environment(0).storage, clock, runtime.environment(0).storage_timeout, metrics,
             options.watch_interval),
      limiter_(std::move(limits)),
      replies_(clock, limiter_, figures_, metrics, options.reply_patience, options.policy.longest_retry_after) {
  options.limiter = &limiter_;
  auto& first = runtime.environment(0);
  replies_.set_send_timeout(first.send_timeout);
  broadcaster_ =
      std::make_unique<Broadcaster>(first.storage, clock, first.bot_id, first.storage_timeout,
                                    [this](const auto& sends, const auto& seqs) { on_scheduled(sends, seqs); });
  options.window_entries = std::max<std::size_t>(1, options.window_entries / shards.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    auto& environment = runtime.environment(i);
    environment.observer = this;
    environment.replies = &replies_;
    homes_.push_back(
        std::make_unique<Home>(shards[i], runtime, environment, clock, figures_, solo_, *broadcaster_, options));
  }
  keeper_ = std::make_unique<SlotKeeper>(shards[0].ex(), runtime.environment(0).storage, static_cast<SlotWork&>(*this),
                                         clock, storage::process_name(), options.late_poll);
}

ScheduleRunner::~ScheduleRunner() = default;

Deadline ScheduleRunner::storage_deadline() const noexcept {
  return Deadline::after(runtime_.environment(0).storage_timeout, clock_);
}

awaitable<void> ScheduleRunner::start(Deadline by) {
  co_await on_shard(shards_[0], keeper_->take(by));
  hear_of_awaited_replies();  // before the count; what comes without a hint is for `doubt_awaited_replies`
  co_await look_for_awaited_replies(by);
  for (auto& home : homes_) {
    asio::co_spawn(home->shard.io(), home->scheduler.run(), [](std::exception_ptr error) {
      if (error) {
        log::error("a scheduler ended with an exception");
      }
    });
  }
  run_keeper();
  run_watch();
}

void ScheduleRunner::run_watch() {
  asio::co_spawn(shards_[0].io(), watch_.run(), [](std::exception_ptr error) {
    if (error) {
      log::error("the watch over the schedule ended with an exception");
    }
  });
}

void ScheduleRunner::hear_of_awaited_replies() {
  if (!keeper_->is_shared()) {
    return;
  }
  doubt_awaited_replies();
  awaited_elsewhere_ = runtime_.environment(0).storage.listen(
      std::string(storage::awaited_replies_topic), [this](std::string_view topic) {
        if (!topic.empty()) {
          awaits_replies_.store(true, std::memory_order_relaxed);
        } else {
          doubt_awaited_replies();
          asio::post(shards_[0].io(), [this] { look_again_for_awaited_replies(); });
        }
      });
}

void ScheduleRunner::doubt_awaited_replies() noexcept {
  doubts_until_.store(clock_.now() + time_of_doubt, std::memory_order_relaxed);
}

void ScheduleRunner::hint_at_awaited_replies(StoreChanges& changes) const {
  if (keeper_->is_shared() && clock_.now() >= told_until_.load(std::memory_order_relaxed)) {
    storage::hint_at_awaited_replies(changes);
  }
}

void ScheduleRunner::on_hinted_at_awaited_replies() noexcept {
  told_until_.store(clock_.now() + between_hints, std::memory_order_relaxed);
}

void ScheduleRunner::look_again_for_awaited_replies() {
  if (!awaits_replies_.load(std::memory_order_relaxed) && !std::exchange(looking_, true)) {
    asio::co_spawn(shards_[0].io(), look_for_awaited_replies(storage_deadline()),
                   [this](std::exception_ptr) { looking_ = false; });
  }
}

awaitable<void> ScheduleRunner::look_for_awaited_replies(Deadline by) {
  auto schedule = runtime_.environment(0).storage;
  auto doubts_until = doubts_until_.load(std::memory_order_relaxed);
  const bool ends_doubt = clock_.now() >= doubts_until;
  const auto counts = co_await schedule.count_sends(by);
  if (counts.awaiting_reply > 0) {
    awaits_replies_.store(true, std::memory_order_relaxed);
  } else if (ends_doubt) {  // unless it has begun anew meanwhile
    doubts_until_.compare_exchange_strong(doubts_until, no_doubt, std::memory_order_relaxed);
  }
}

void ScheduleRunner::run_keeper() {
  const auto log_end = [](std::exception_ptr error) {
    if (error) {
      log::error("the keeper of the schedule's slots ended with an exception");
    }
  };
  if (keeper_->is_shared()) {
    asio::co_spawn(shards_[0].io(), keeper_->run(), log_end);
  }
  asio::co_spawn(shards_[0].io(), keeper_->run_late(), log_end);
}

void ScheduleRunner::count_slots(const std::vector<SlotLease>& leases) {
  SlotSet now;
  for (const auto& lease : leases) {
    now.set(lease.slot);
  }
  slots_.set(static_cast<double>(now.count()));
  slots_taken_.inc(static_cast<double>((now & ~held_).count()));
  slots_gone_.inc(static_cast<double>((held_ & ~now).count()));
  held_ = now;
}

void ScheduleRunner::own(const std::vector<SlotLease>& leases) {
  count_slots(leases);
  clock_ahead_.set(std::chrono::duration<double>(keeper_->clock_ahead()).count());
  limiter_.set_processes(keeper_->owners());
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    std::vector<SlotLease> mine;
    std::copy_if(leases.begin(), leases.end(), std::back_inserter(mine),
                 [&](const SlotLease& lease) { return lease.slot % homes_.size() == i; });
    auto& home = *homes_[i];
    asio::post(home.shard.io(), [&home, mine = std::move(mine)] { home.scheduler.own(mine); });
  }
  if (keeper_->is_shared()) {  // hints may be lost, and some stores pass none on
    look_again_for_awaited_replies();
  }
}

awaitable<bool> ScheduleRunner::quiet(SlotSet slots, Deadline by) {
  bool all = true;
  for (auto& home : homes_) {
    const bool here = co_await on_shard(home->shard, home->scheduler.quiet(slots, by));
    all = all && here;
  }
  co_return all;
}

void ScheduleRunner::on_late(std::vector<DueEntry> entries) {
  std::vector<std::vector<DueEntry>> by_home(homes_.size());
  for (const auto& entry : entries) {
    by_home[entry.slot % homes_.size()].push_back(entry);
  }
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    if (!by_home[i].empty()) {
      homes_[i]->scheduler.on_committed(std::move(by_home[i]));
    }
  }
}

// Coroutines below, so that their first line runs on the home's shard too: a scheduler belongs to its shard.
awaitable<bool> ScheduleRunner::drain(Deadline by) {
  auto stop_taking = [](ScheduleRunner* self) -> awaitable<void> {
    self->keeper_->take_no_more();
    self->watch_.stop();
    co_return;
  };
  co_await on_shard(shards_[0], stop_taking(this));
  auto stop_sending = [](Home* where) -> awaitable<void> {
    where->scheduler.stop();
    co_return;
  };
  for (auto& home : homes_) {
    co_await on_shard(home->shard, stop_sending(home.get()));
  }
  bool clean = true;
  for (auto& home : homes_) {
    const bool idle = co_await on_shard(home->shard, home->scheduler.idle(by));
    clean = clean && idle;
  }
  co_return clean;
}

awaitable<void> ScheduleRunner::release(Deadline by) {
  awaited_elsewhere_ = {};
  auto give_back = [](ScheduleRunner* self, Deadline until) -> awaitable<void> {
    self->keeper_->stop();
    co_await self->keeper_->release(until);
  };
  co_await on_shard(shards_[0], give_back(this, by));
}

awaitable<SlotSet> ScheduleRunner::under_way() {
  auto ask = [](Home* where) -> awaitable<SlotSet> { co_return where->scheduler.busy(); };
  SlotSet all;
  for (auto& home : homes_) {
    const auto here = co_await on_shard(home->shard, ask(home.get()));
    all |= here;
  }
  co_return all;
}

void ScheduleRunner::on_cancelled(const std::vector<SendHandle>& handles) {
  std::map<std::size_t, std::vector<SendHandle>> by_home;
  for (const auto& handle : handles) {
    by_home[handle.slot % homes_.size()].push_back(handle);
  }
  for (auto& [home, cancelled] : by_home) {
    homes_[home]->scheduler.on_cancelled(std::move(cancelled));
  }
}

void ScheduleRunner::on_scheduled(const std::vector<ScheduledSend>& sends,
                                  const std::vector<std::uint64_t>& seqs) noexcept {
  std::map<std::size_t, std::vector<DueEntry>> by_home;
  for (std::size_t i = 0; i < sends.size() && i < seqs.size(); ++i) {
    if (!sends[i].cancel_on_reply.empty()) {
      awaits_replies_.store(true, std::memory_order_relaxed);
    }
    if (seqs[i] != 0) {
      by_home[sends[i].handle.slot % homes_.size()].push_back(entry_of(sends[i], seqs[i]));
    }
  }
  for (auto& [home, entries] : by_home) {
    homes_[home]->scheduler.on_committed(std::move(entries));
  }
}

}  // namespace tern::proactive
