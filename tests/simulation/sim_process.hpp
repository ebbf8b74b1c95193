#pragma once

#include "proactive/schedule/scheduler.hpp"
#include "proactive/schedule/slot_keeper.hpp"
#include "simulation/sim_sender.hpp"
#include "simulation/sim_store.hpp"
#include "support/run.hpp"

#include <tern/async/metrics.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::simulation {

/// What one process is made of. A crash destroys it where it is.
class Process final : private proactive::SlotWork {
 public:
  Process(SharedSchedule& schedule, SimChannel& channel, Metrics& metrics, const std::string& name)
      : view_(name, schedule.clock(), schedule.records()),
        clock_(schedule.clock(), schedule.faults().skew()),
        storage_(AnyStorage::make<SimStore>(schedule, view_)),
        figures_(metrics),
        limiter_(limits()),
        sender_(channel, schedule, view_, storage_, clock_) {
    proactive::SchedulerOptions options;
    options.policy.longest_delay = std::chrono::seconds(10);
    options.policy.longest_ambiguous_delay = std::chrono::seconds(10);
    options.policy.longest_retry_after = longest_retry_after;
    options.limiter = &limiter_;
    options.continuations = schedule.faults().places();
    options.waiting = schedule.faults().places() < 256 ? 6 : 1'024;
    options.waiting_for_share = options.waiting;
    options.in_flight = schedule.faults().places() < 256 ? 16 : 256;
    options.window_entries = schedule.faults().window_entries();
    scheduler_ = std::make_unique<proactive::Scheduler>(ex_, storage_, sender_, clock_, figures_, solo_, options);
    keeper_ = std::make_unique<proactive::SlotKeeper>(ex_, storage_, static_cast<SlotWork&>(*this), clock_, name);
    asio::co_spawn(ex_, begin(), asio::detached);
  }
  ~Process() override {
    view_.is_interrupted();
    keeper_.reset();
    scheduler_.reset();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const executor& ex() const noexcept { return ex_; }
  Clock& clock() noexcept { return clock_; }
  AnyStorage& storage() noexcept { return storage_; }
  proactive::Scheduler& scheduler() noexcept { return *scheduler_; }
  ProcessView& view() noexcept { return view_; }

  /// Does what is ready, unless it is stalled. True when it did something.
  bool poll() { return !is_stalled() && test::drain(io_) > 0; }
  void stall(SteadyTime::duration time) {
    stalled_until_ = clock_.now() + time;
    view_.is_interrupted();
  }
  bool is_stalled() const noexcept { return clock_.now() < stalled_until_; }
  SteadyTime stalled_until() const noexcept { return stalled_until_; }

  /// Ends as SIGTERM ends it; `ended` says when.
  void stop() {
    if (!stopping_) {
      stopping_ = true;
      asio::co_spawn(ex_, leave(), asio::detached);
    }
  }
  bool ended() const noexcept { return ended_; }
  bool stopping() const noexcept { return stopping_; }

 private:
  static proactive::SendLimits limits() {
    proactive::SendLimits limits;
    limits.others.conversation = {conversation_window};
    limits.others.bot = {bot_window};
    limits.slow_start = 10;
    return limits;
  }

  awaitable<void> begin() {
    for (bool taken = false; !taken && !stopping_;) {
      try {
        co_await keeper_->take(Deadline::after(std::chrono::milliseconds(1500), clock_));
        taken = true;
      } catch (const system_error&) {
      }
      if (!taken) {
        co_await sleep_for(std::chrono::milliseconds(200), clock_);
      }
    }
    asio::co_spawn(ex_, scheduler_->run(), asio::detached);
    asio::co_spawn(ex_, keeper_->run(), asio::detached);
    asio::co_spawn(ex_, keeper_->run_late(), asio::detached);
  }
  awaitable<void> leave() {
    keeper_->stop();
    scheduler_->stop();
    const bool idle = co_await scheduler_->idle(Deadline::after(std::chrono::seconds(30), clock_));
    try {
      if (idle) {
        co_await keeper_->release(Deadline::after(std::chrono::seconds(5), clock_));
      }
    } catch (const system_error&) {
    }
    ended_ = true;
  }
  void own(const std::vector<SlotLease>& leases) override {
    view_.own(leases);
    scheduler_->own(leases);
  }
  awaitable<bool> quiet(proactive::SlotSet slots, Deadline by) override {
    const bool is_quiet = co_await scheduler_->quiet(slots, by);
    co_return is_quiet;
  }
  void on_late(std::vector<DueEntry> entries) override { scheduler_->on_committed(std::move(entries)); }

  // The frames of suspended coroutines go with `io_`. They refer to nothing but what is before it by then.
  ProcessView view_;
  SkewedClock clock_;
  asio::io_context io_;
  const executor ex_{io_.get_executor()};
  AnyStorage storage_;
  proactive::ScheduleFigures figures_;
  proactive::SoloGate solo_;
  proactive::Limiter limiter_;
  SimSender sender_;
  std::unique_ptr<proactive::Scheduler> scheduler_;
  std::unique_ptr<proactive::SlotKeeper> keeper_;
  SteadyTime stalled_until_ = SteadyTime::min();
  bool stopping_ = false;
  bool ended_ = false;
};

}  // namespace tern::simulation
