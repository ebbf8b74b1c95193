#include "proactive/schedule/outcome_writer.hpp"

#include "proactive/schedule/storage_failure.hpp"
#include "support/failing_storage.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Deadline never = Deadline::never();

class OutcomeWriterTest : public ::testing::Test, private OutcomeWriter::Listener {
 protected:
  OutcomeWriterTest() {
    leases = test::run_on(io, storage.hold_slots("me", {}, slot_count, never)).leases;
    faults->written = [this]() -> awaitable<void> {
      ++writes;
      co_return;
    };
  }

  /// Stores a send, and says of it that it is sent. With `note` that is written too.
  void send(const std::string& name, const std::string& note = {}) {
    ScheduledSend send;
    send.order_key = name;
    send.handle = SendHandle{slot_of(name), clock.wall_now(), new_send_id()};
    send.payload = name;
    StoreChanges changes;
    changes.sends.push_back(send);
    ASSERT_TRUE(test::run_on(io, storage.write(std::move(changes), never)).has_value());
    --writes;
    Unrecorded one{SendOutcome(SendOutcome::Kind::sent, send.handle, 0, leases.at(send.handle.slot)), std::nullopt,
                   std::nullopt, std::nullopt};
    if (!note.empty()) {
      one.note.emplace(note, "{}");
    }
    ready.push_back(std::move(one));
  }
  void add_all() {
    for (auto& one : std::exchange(ready, {})) {
      writer.add(std::move(one));
    }
    test::drain(io);
  }
  std::uint64_t sent() { return test::run_on(io, storage.count_sends(never)).sent; }

  void on_recorded(const Unrecorded&, bool is_refused) override { recorded.push_back(is_refused); }
  void on_batch_recorded() override { ++batches; }
  void on_rest() override { ++rests; }

  asio::io_context io;
  ManualClock clock;
  std::shared_ptr<test::StorageFaults> faults = std::make_shared<test::StorageFaults>();
  AnyStorage storage = AnyStorage::make<test::FailingStorage>(clock, faults);
  Metrics metrics;
  Counter refused = metrics.counter("refused", "x");
  OutcomeWriter writer{io.get_executor(), storage, clock, {4, 5s}, refused, *this};
  std::vector<SlotLease> leases;
  std::vector<Unrecorded> ready;
  std::vector<bool> recorded;
  int writes = 0;
  int batches = 0;
  int rests = 0;
};

TEST_F(OutcomeWriterTest, WhatComesTogetherIsWrittenTogether) {
  for (const auto* name : {"a", "b", "c"}) {
    send(name);
  }
  add_all();
  EXPECT_EQ(writes, 1);
  EXPECT_THAT(recorded, ElementsAre(false, false, false));
  EXPECT_EQ(sent(), 3u);
  EXPECT_TRUE(writer.is_at_rest());
  EXPECT_EQ(rests, 1);
}

TEST_F(OutcomeWriterTest, ABatchIsBounded) {
  for (int i = 0; i < 9; ++i) {
    send(std::to_string(i));
  }
  add_all();
  EXPECT_EQ(writes, 3);
  EXPECT_EQ(batches, 3);
  EXPECT_EQ(sent(), 9u);
}

TEST_F(OutcomeWriterTest, WhatIsNotWrittenIsKeptAndTriedAgain) {
  send("a");
  faults->writes_fail = true;
  add_all();
  EXPECT_EQ(writer.size(), 1u);
  EXPECT_FALSE(writer.is_at_rest());
  EXPECT_EQ(writer.slots().count(), 1u);
  clock.advance(storage_pause);
  test::drain(io);
  EXPECT_THAT(recorded, IsEmpty());
  faults->writes_fail = false;
  clock.advance(storage_pause);
  test::drain(io);
  EXPECT_THAT(recorded, ElementsAre(false));
  EXPECT_EQ(sent(), 1u);
  EXPECT_TRUE(writer.slots().none());
}

TEST_F(OutcomeWriterTest, SaysWhatIsRefusedAndCountsIt) {
  send("a");
  send("b");
  ready.front().outcome.kind = SendOutcome::Kind::retry;
  ready.front().outcome.generation = 7;  // as if it had been edited
  add_all();
  EXPECT_THAT(recorded, ElementsAre(true, false));
  EXPECT_EQ(refused.value(), 1);
}

// A key stands once in a write.
TEST_F(OutcomeWriterTest, ASecondNoteOfADocumentBeginsTheNextWrite) {
  for (const auto* name : {"a", "b", "c"}) {
    send(name, name[0] == 'c' ? "another" : "note");
  }
  add_all();
  EXPECT_EQ(writes, 2);
  EXPECT_EQ(sent(), 3u);
}

// The store takes no such document, now or later.
TEST_F(OutcomeWriterTest, OutcomesGoWithoutANoteThatTheStoreDoesNotTake) {
  send("a", std::string(2'000, 'k'));  // a key has 1,024 bytes at most
  add_all();
  clock.advance(storage_pause);
  test::drain(io);
  EXPECT_EQ(sent(), 1u);
  EXPECT_TRUE(writer.is_at_rest());
}

TEST_F(OutcomeWriterTest, WhatComesWhileItWritesIsWrittenNext) {
  send("a");
  send("b");
  auto second = std::move(ready.back());
  ready.pop_back();
  faults->written = [&, this]() -> awaitable<void> {
    ++writes;
    if (writes == 1) {
      writer.add(std::move(second));
    }
    co_return;
  };
  add_all();
  EXPECT_EQ(writes, 2);
  EXPECT_EQ(sent(), 2u);
  EXPECT_TRUE(writer.is_at_rest());
}

}  // namespace
}  // namespace tern::proactive
