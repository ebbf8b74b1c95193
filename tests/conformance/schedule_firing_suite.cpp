// The real scheduler and keeper of slots on each store: what is committed into a window that was loaded is sent soon.

#include "conformance/schedule_suite.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "proactive/schedule/slot_keeper.hpp"

#include <tern/async/metrics.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <iostream>
#include <map>

namespace tern::conformance {

namespace {

using std::chrono_literals::operator""ms;

/// Notes when each send was begun.
class NotingExecutor final : public proactive::SendExecutor {
 public:
  explicit NotingExecutor(Clock& clock) : clock_(clock) {}

  awaitable<void> execute(ScheduledSend send) override {
    begun.emplace(send.payload, clock_.wall_now());
    co_return;
  }
  std::optional<WallTime> next_occurrence(const ScheduledSend&, WallTime) const override { return std::nullopt; }
  std::optional<StoreUpsert> note_of(const ScheduledSend&, const SendOutcome&) const override { return std::nullopt; }
  void on_conversation_gone(const ScheduledSend&) override {}
  WallTime not_before(const ScheduledSend&, WallTime now) const override { return now; }

  std::map<std::string, WallTime> begun;

 private:
  Clock& clock_;
};

/// A process that sends what is due, on a clock that stands still while the store works.
class Sending final : private proactive::SlotWork {
 public:
  Sending(const AnyStorage& store, ManualClock& clock)
      : sends(clock),
        clock_(clock),
        figures_(metrics_),
        scheduler_(io_.get_executor(), store, sends, clock, figures_, solo_),
        keeper_(io_.get_executor(), store, static_cast<SlotWork&>(*this), clock, "the sender") {
    test::run_on(io_, keeper_.take(Deadline::never()));
    start(scheduler_.run(), 2);  // the sender and the loader wait on a timer each
    start(keeper_.run_late(), 1);
    if (keeper_.is_shared()) {
      start(keeper_.run(), 1);
    }
    settle();
  }
  ~Sending() override {
    keeper_.stop();
    scheduler_.stop();
    run_until([this] { return running_ == 0; });
    EXPECT_TRUE(test::run_on(io_, scheduler_.idle(Deadline::never())));
  }
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;

  void advance(SteadyTime::duration time) {
    clock_.advance(time);
    settle();
  }

  NotingExecutor sends;

 private:
  void start(awaitable<void> work, std::size_t timers) {
    ++running_;
    timers_ += timers;
    asio::co_spawn(io_, std::move(work), [this](const std::exception_ptr& error) {
      --running_;
      EXPECT_FALSE(error);
    });
  }
  // Whatever does not wait for the clock waits for the store.
  void settle() {
    run_until([this] { return clock_.waiting() >= timers_ && scheduler_.in_flight() == 0; });
  }
  template <class Condition>
  void run_until(Condition is_so) {
    io_.restart();
    io_.poll();
    while (!is_so()) {
      io_.restart();
      ASSERT_GT(io_.run_one_for(test::patience), 0u) << "the store does not answer";
      io_.poll();
    }
  }
  void own(const std::vector<SlotLease>& leases) override { scheduler_.own(leases); }
  awaitable<bool> quiet(proactive::SlotSet slots, Deadline by) override { return scheduler_.quiet(slots, by); }
  void on_late(std::vector<DueEntry> entries) override { scheduler_.on_committed(std::move(entries)); }

  ManualClock& clock_;
  asio::io_context io_{1};
  Metrics metrics_;
  proactive::ScheduleFigures figures_;
  proactive::SoloGate solo_;
  proactive::Scheduler scheduler_;
  proactive::SlotKeeper keeper_;
  std::size_t running_ = 0;
  std::size_t timers_ = 0;
};

}  // namespace

// Another process commits, and its commit is all that the owner can learn it from.
TEST_P(ScheduleSuite, ACommitIntoALoadedWindowIsSentWithin200Ms) {
  constexpr int commits = 40;
  constexpr auto step = 5ms;
  Sending sending(*store, clock);
  sending.advance(1000ms);
  std::chrono::milliseconds worst{0};
  for (int i = 0; i < commits && !HasFailure(); ++i) {
    const auto name = std::to_string(i);
    const auto due = clock.wall_now() + (i % 4) * 40ms;  // some are late already when the owner asks
    schedule(make_send("conversation " + name, due, name));
    auto waited = std::chrono::milliseconds(0);
    for (; !sending.sends.begun.contains(name) && waited < 1000ms; waited += step) {
      sending.advance(step);
    }
    ASSERT_TRUE(sending.sends.begun.contains(name)) << "not within a second";
    EXPECT_GE(sending.sends.begun.at(name), due) << "early";
    worst = std::max(worst, std::chrono::duration_cast<std::chrono::milliseconds>(sending.sends.begun.at(name) - due));
    sending.advance((i * 7) % 75 * 1ms);  // at another moment between two looks into the inbox
  }
  std::cout << GetParam().name << ": begun at most " << worst.count() << " ms after it was due\n";
  EXPECT_LE(worst, 200ms);
}

}  // namespace tern::conformance
