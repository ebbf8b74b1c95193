#pragma once

#include "proactive/schedule/scheduler.hpp"
#include "support/failing_storage.hpp"
#include "support/recording_executor.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::proactive {

/// One scheduler on a manual clock: its store can fail, and its executor notes what it is told to do.
class SchedulerFixture : public ::testing::Test {
 protected:
  static constexpr Deadline never = Deadline::never();

  ~SchedulerFixture() override { scheduler.reset(); }

  /// A message, to be changed before it is stored. Its payload is `name`.
  ScheduledSend make(const std::string& key, const std::string& name, WallTime::duration delay,
                     SendKind kind = SendKind::activity) {
    ScheduledSend send;
    send.order_key = key;
    send.handle = SendHandle{slot_of(key), clock.wall_now() + delay, new_send_id()};
    send.kind = kind;
    send.payload = name;
    return send;
  }
  /// The reference of a conversation, for a send that is to count to limits.
  static std::string reference_to(const std::string& conversation) {
    return R"({"channelId":"c","bot":{"id":"b"},"conversation":{"id":")" + conversation + R"("}})";
  }
  StoreReceipt write(StoreChanges changes) {
    auto written = test::run_on(io, storage.write(std::move(changes), never));
    EXPECT_TRUE(written.has_value());
    return written.has_value() ? std::move(*written) : StoreReceipt();
  }
  SendHandle store(ScheduledSend send) {
    StoreChanges changes;
    changes.sends.push_back(std::move(send));
    return write(std::move(changes)).handles.at(0);
  }
  /// In this process, or in another: the store decides.
  EditOutcome edit(SendEdit::Kind kind, const SendHandle& handle, WallTime when = {}) {
    StoreChanges changes;
    changes.edits.emplace_back(kind, handle, when);
    return write(std::move(changes)).edits.at(0);
  }
  EditOutcome cancel(const SendHandle& handle) { return edit(SendEdit::Kind::cancel, handle); }

  /// Begins sends in a process that dies, `times` such processes one after the other.
  void begin_and_die(const std::vector<SendHandle>& handles, int times = 1) {
    for (int i = 0; i < times; ++i) {
      auto held = test::run_on(io, storage.hold_slots("died " + std::to_string(i), {}, slot_count, never)).leases;
      StoreChanges changes;
      for (const auto& handle : handles) {
        changes.outcomes.emplace_back(SendOutcome::Kind::begin, handle, 0, held.at(handle.slot));
      }
      EXPECT_TRUE(write(std::move(changes)).refused.empty());
      test::run_on(io, storage.release_slots(std::move(held), never));
    }
  }

  /// A process begins: it takes all slots.
  void start() {
    scheduler = std::make_unique<Scheduler>(io.get_executor(), storage, recorder, clock, figures, solo, options);
    leases = test::run_on(io, storage.hold_slots("lives", {}, slot_count, never)).leases;
    scheduler->own(leases);
    asio::co_spawn(io, scheduler->run(), asio::detached);
    test::drain(io);
  }
  void stop() {
    scheduler->stop();
    test::drain(io);
  }
  void pass(std::chrono::milliseconds time, std::chrono::milliseconds step = std::chrono::milliseconds(10)) {
    for (auto passed = std::chrono::milliseconds(0); passed < time; passed += step) {
      clock.advance(step);
      test::drain(io);
      if (asks_for_late) {
        scheduler->on_committed(test::run_on(io, storage.load_late(leases, never)).entries);  // as the keeper of slots
        test::drain(io);
      }
    }
  }

  SendCounts counts() { return test::run_on(io, storage.count_sends(never)); }
  /// Why sends are dead, the first first.
  std::vector<std::string> reasons() {
    std::vector<std::string> reasons;
    for (const auto& dead : test::run_on(io, storage.list_dead({}, never)).sends) {
      reasons.push_back(dead.reason);
    }
    return reasons;
  }

  asio::io_context io;
  ManualClock clock;
  const SteadyTime began = clock.now();
  std::shared_ptr<test::StorageFaults> faults = std::make_shared<test::StorageFaults>();
  AnyStorage storage = AnyStorage::make<test::FailingStorage>(clock, faults);
  Metrics metrics;
  ScheduleFigures figures{metrics};
  SoloGate solo;
  test::RecordingExecutor recorder{clock};
  SchedulerOptions options;
  bool asks_for_late = false;  ///< the scheduler is told of what was committed, as in a bot
  std::vector<SlotLease> leases;
  std::unique_ptr<Scheduler> scheduler;
};

}  // namespace tern::proactive
