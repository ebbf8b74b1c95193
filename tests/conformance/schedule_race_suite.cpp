// What meets in one moment: writes that go together, pages that are read while retries change, a clock that is set.

#include "conformance/schedule_suite.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <set>
#include <thread>

namespace tern::conformance {

namespace {

awaitable<void> write_into(AnyStorage& store, StoreChanges changes, StoreReceipt& receipt) {
  auto written = co_await store.write(std::move(changes), Deadline::never());
  if (written.has_value()) {
    receipt = std::move(*written);
  }
}

// Starts all of them before any has ended, and behind another write, so that a store which gathers writes takes them
// together.
std::vector<StoreReceipt> write_at_once(AnyStorage& store, std::vector<StoreChanges> writes) {
  StoreChanges before;
  before.upserts.emplace_back("before", "{}");
  writes.push_back(std::move(before));
  std::rotate(writes.begin(), writes.end() - 1, writes.end());
  std::vector<StoreReceipt> receipts(writes.size());
  asio::io_context io{1};
  for (std::size_t i = 0; i < writes.size(); ++i) {
    asio::co_spawn(io, write_into(store, std::move(writes[i]), receipts[i]), [](std::exception_ptr error) {
      if (error) {
        std::rethrow_exception(error);
      }
    });
  }
  io.run();
  receipts.erase(receipts.begin());
  return receipts;
}

StoreChanges edit_of(SendEdit::Kind kind, const SendHandle& handle, WallTime when = {}) {
  StoreChanges changes;
  changes.edits.emplace_back(kind, handle, when);
  return changes;
}

StoreChanges reply_in(const std::string& conversation) {
  StoreChanges changes;
  changes.edits.push_back(SendEdit::on_reply(conversation));
  return changes;
}

constexpr int moments = 20;

}  // namespace

TEST_P(ScheduleSuite, OfWritesThatTakeAKeyAtOnceOneGoesThrough) {
  for (int moment = 0; moment < moments; ++moment) {
    std::vector<StoreChanges> writes(4);
    for (std::size_t i = 0; i < writes.size(); ++i) {
      writes[i].upserts.emplace_back("document " + std::to_string(moment) + "." + std::to_string(i), "{}");
      auto send = make_send("c", at(10));
      send.idempotency_key = "key " + std::to_string(moment);
      send.key_is_new = true;
      writes[i].sends.push_back(std::move(send));
    }
    const auto receipts = write_at_once(*store, std::move(writes));
    int went_through = 0;
    for (std::size_t i = 0; i < receipts.size(); ++i) {
      const bool through = receipts[i].handles.size() == 1;
      went_through += through ? 1 : 0;
      EXPECT_EQ(text_of("document " + std::to_string(moment) + "." + std::to_string(i)), through ? "{}" : "(absent)");
    }
    EXPECT_EQ(went_through, 1);
  }
  EXPECT_EQ(counts().pending, static_cast<std::uint64_t>(moments));
}

// Nobody owns the slot of the send, or another process does: it is no less cancelled for that.
TEST_P(ScheduleSuite, AReplyCancelsTheSendThatCameJustBeforeIt) {
  for (int i = 0; i < moments; ++i) {
    const auto conversation = "conversation " + std::to_string(i);
    auto reminder = make_send(conversation, at(1));
    reminder.cancel_on_reply = conversation;
    StoreChanges send;
    send.sends.push_back(std::move(reminder));
    std::vector<StoreChanges> writes;
    writes.push_back(std::move(send));
    writes.push_back(reply_in(conversation));
    ASSERT_NO_THROW(write_at_once(*store, std::move(writes)));
  }
  const auto now = counts();
  EXPECT_EQ(now.cancelled, static_cast<std::uint64_t>(moments));
  EXPECT_EQ(now.pending, 0u);
  EXPECT_EQ(now.awaiting_reply, 0u);
}

TEST_P(ScheduleSuite, WhatIsSentAgainAndCancelledInOneMomentIsGone) {
  const auto leases = hold("owner");
  for (int i = 0; i < moments; ++i) {
    auto send = make_send("c", at(1));
    send.cancel_on_reply = "c";
    const auto handle = schedule(std::move(send));
    ASSERT_TRUE(report(SendOutcome(Kind::dead, handle, 0, lease_of(leases, handle.slot))));
    std::vector<StoreChanges> writes;
    writes.push_back(edit_of(SendEdit::Kind::redrive, handle, at(2)));
    writes.push_back(i % 2 == 0 ? edit_of(SendEdit::Kind::cancel, handle) : reply_in("c"));
    const auto receipts = write_at_once(*store, std::move(writes));
    EXPECT_EQ(receipts[0].edits.at(0), EditOutcome::done);
    EXPECT_EQ(receipts[1].edits.at(0), EditOutcome::done);
  }
  EXPECT_TRUE(list_dead({}).sends.empty()) << "it could be sent again, and was cancelled";
  const auto now = counts();
  EXPECT_EQ(now.cancelled, static_cast<std::uint64_t>(moments));
  EXPECT_EQ(now.kept_dead, 0u);
  EXPECT_EQ(now.pending, 0u);
}

TEST_P(ScheduleSuite, WhatIsSentAgainAndMovedInOneMomentIsHandedOutToThoseWhoAreTold) {
  const auto leases = hold("owner");
  for (int i = 0; i < moments; ++i) {
    const auto handle = schedule(make_send("c", at(1)));
    (void)load_late(leases);
    ASSERT_TRUE(report(SendOutcome(Kind::dead, handle, 0, lease_of(leases, handle.slot))));
    std::vector<StoreChanges> writes;
    writes.push_back(edit_of(SendEdit::Kind::redrive, handle, at(2)));
    writes.push_back(edit_of(SendEdit::Kind::reschedule, handle, at(3)));
    const auto receipts = write_at_once(*store, std::move(writes));
    EXPECT_EQ(receipts[1].edits.at(0), EditOutcome::done);
    std::vector<ScheduledSend> sends;
    for (const auto& entry : load_late(leases)) {
      std::ranges::move(fetch({entry}), std::back_inserter(sends));
    }
    ASSERT_EQ(sends.size(), 1u);
    EXPECT_EQ(sends[0].handle.due, at(3));
    ASSERT_TRUE(report(SendOutcome(Kind::sent, sends[0].handle, sends[0].generation,  //
                                   lease_of(leases, handle.slot))));
  }
}

// An owner takes the last entry of a page for how far it has got: one that is out of place would hide those before it.
TEST_P(ScheduleSuite, RetriesThatChangeWhileAPageIsReadHideNoOthers) {
  constexpr int many = 2000;
  constexpr int passes = 30;
  const auto lease = lease_of(hold("owner"), slot_of("c"));
  StoreChanges sends;
  StoreChanges first;
  StoreChanges later;
  std::set<std::array<std::uint8_t, 16>> staying;
  for (int i = 0; i < many; ++i) {
    sends.sends.push_back(make_send("c", at(1)));
    SendOutcome retry(Kind::retry, sends.sends.back().handle, 0, lease);
    retry.attempt = 1;
    retry.not_before = at(100 + i);
    first.outcomes.push_back(retry);
    if (i % 2 == 0) {
      staying.insert(retry.handle.id);
    } else {
      retry.not_before = at(100 + i + many);
      later.outcomes.push_back(retry);
    }
  }
  commit(sends);
  commit(first);
  std::erase_if(first.outcomes, [&](const SendOutcome& outcome) { return staying.contains(outcome.handle.id); });
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      (void)write(i % 2 == 0 ? later : first);
    }
  });
  for (int pass = 0; pass < passes && !HasFailure(); ++pass) {
    auto missing = staying;
    DueEntry last;
    last.due = at(2);
    DuePage page;
    do {
      page = load(lease, at(100 + 3 * many), 300, last.due, last.seq);
      for (const auto& entry : page.entries) {
        EXPECT_LT(std::pair(last.due, last.seq), std::pair(entry.due, entry.seq));
        last = entry;
        missing.erase(entry.id);
      }
    } while (page.more && !HasFailure());
    EXPECT_EQ(missing.size(), 0u);
  }
  stop = true;
  writer.join();
}

// While the clock was ahead, all until then was over. It is not, once the clock is right again.
TEST_P(ScheduleSuite, WhatIsScheduledAfterTheClockWasAheadIsDueInItsTime) {
  constexpr std::chrono::hours ahead{24};
  clock.step_wall(ahead);
  for (const auto& lease : hold("first")) {
    (void)load(lease, clock.wall_now());
    if (lease.slot == slot_of("c")) {
      schedule(make_send("c", clock.wall_now() + ahead));  // what the store has learnt is stored with it
      EXPECT_EQ(load(lease, clock.wall_now() + 2 * ahead).entries.size(), 1u);
      release({lease});
    }
  }
  clock.step_wall(-ahead);
  schedule(make_send("c", at(30), "later"));
  schedule(make_send("c", at(10), "sooner"));
  schedule(make_send("c", at(-3600), "overdue"));
  const auto moved = schedule(make_send("c", at(3600), "moved"));
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, moved, at(20)).edits.at(0), EditOutcome::done);
  if (GetParam().reopen) {
    store = GetParam().reopen(std::move(*store), clock);
    test::run(store->open(never));
  }
  const auto lease = lease_of(hold("second"), slot_of("c"));
  const auto entries = load(lease, at(60)).entries;
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_LE(entries[0].due, at(0));
  EXPECT_EQ(entries[1].due, at(10));
  EXPECT_EQ(entries[2].due, at(20));
  EXPECT_EQ(entries[3].due, at(30));
  std::vector<std::string> payloads;
  for (const auto& send : fetch(entries)) {
    payloads.push_back(send.payload);
  }
  EXPECT_EQ(payloads, (std::vector<std::string>{"overdue", "sooner", "moved", "later"}));
  EXPECT_EQ(due_between(-4000, 60), 4u);
}

}  // namespace tern::conformance
