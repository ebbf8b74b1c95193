#include "conformance/schedule_suite.hpp"

#include <algorithm>

namespace tern::conformance {

TEST_P(ScheduleSuite, FirstOwnerTakesAllSlotsAndTheNextNone) {
  const auto first = hold("first");
  ASSERT_EQ(first.size(), slot_count);
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    EXPECT_GT(lease_of(first, slot).epoch, 0u);
    EXPECT_GT(lease_of(first, slot).until, clock.now());
  }
  EXPECT_TRUE(hold("second").empty());
}

TEST_P(ScheduleSuite, RenewingKeepsTheEpoch) {
  const auto first = hold("owner");
  const auto renewed = hold("owner", slot_count, first);
  ASSERT_EQ(renewed.size(), first.size());
  for (const auto& lease : first) {
    EXPECT_EQ(lease_of(renewed, lease.slot).epoch, lease.epoch);
  }
}

TEST_P(ScheduleSuite, SlotsAreSharedByWant) {
  const auto first = hold("first", 40);
  EXPECT_EQ(first.size(), 40u);
  const auto second = hold("second", 40);
  EXPECT_EQ(second.size(), 24u);
  for (const auto& lease : second) {
    EXPECT_TRUE(std::none_of(first.begin(), first.end(), [&](const SlotLease& l) { return l.slot == lease.slot; }));
  }
  EXPECT_EQ(hold("first", 0, first).size(), 40u);  // nothing new, nothing given up
  EXPECT_EQ(test::run(store->hold_slots("first", first, 0, never)).owners, 2);
}

TEST_P(ScheduleSuite, EpochGrowsWhenASlotChangesHands) {
  const auto first = hold("first");
  release(first);
  const auto second = hold("second");
  ASSERT_EQ(second.size(), slot_count);
  for (const auto& lease : second) {
    EXPECT_GT(lease.epoch, lease_of(first, lease.slot).epoch);
  }
  release(first);  // stale, so it takes nothing from the new owner
  EXPECT_TRUE(hold("first").empty());
}

TEST_P(ScheduleSuite, OwnerNeedsAName) {
  EXPECT_EQ(error_of([&] { (void)hold(""); }), errc::invalid_argument);
}

TEST_P(ScheduleSuite, StaleLeaseLoadsNothing) {
  schedule(make_send("c", at(1)));
  const auto old = hold("first");
  release(old);
  EXPECT_TRUE(load(lease_of(old, slot_of("c")), at(60)).entries.empty());
  const auto now = hold("second");
  EXPECT_TRUE(load(lease_of(old, slot_of("c")), at(60)).entries.empty());
  EXPECT_EQ(load(lease_of(now, slot_of("c")), at(60)).entries.size(), 1u);
}

TEST_P(ScheduleSuite, QueriesOutOfRangeAreMisuse) {
  const auto lease = lease_of(hold("owner"), 0);
  EXPECT_EQ(error_of([&] { (void)load(lease, at(1), 0); }), errc::invalid_argument);
  SlotLease nowhere;
  nowhere.slot = slot_count;
  EXPECT_EQ(error_of([&] { (void)load(nowhere, at(1)); }), errc::invalid_argument);
}

TEST_P(ScheduleSuite, SentIsCountedOnce) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  EXPECT_TRUE(report(SendOutcome(Kind::sent, handle, 0, lease)));
  EXPECT_TRUE(report(SendOutcome(Kind::sent, handle, 0, lease)));
  EXPECT_EQ(counts().sent, 1u);
  EXPECT_EQ(counts().pending, 0u);
  EXPECT_TRUE(load(lease, at(60)).entries.empty());
}

TEST_P(ScheduleSuite, RetryWaitsAndKeepsItsDueTime) {
  const auto handle = schedule(make_send("c", at(1), "retried"));
  schedule(make_send("c", at(20), "other"));
  const auto lease = lease_of(hold("owner"), handle.slot);
  auto sends = fetch(load(lease, at(2)).entries);
  ASSERT_EQ(sends.size(), 1u);
  ASSERT_TRUE(report_retry(sends[0], lease, at(30)));
  EXPECT_EQ(due_payloads(lease, at(30)), std::vector<std::string>{"other"});
  const auto entries = load(lease, at(31)).entries;
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].due, at(30));
  EXPECT_EQ(entries[1].attempt, 1);
  sends = fetch({entries[1]});
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].handle, handle);
  EXPECT_EQ(sends[0].attempt, 1u);
  EXPECT_EQ(sends[0].not_before, at(30));
  ASSERT_TRUE(report_retry(sends[0], lease, at(40)));
  EXPECT_EQ(load(lease, at(41)).entries.at(1).attempt, 2);
}

TEST_P(ScheduleSuite, RescheduledRetryForgetsItsWait) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto sends = fetch(load(lease, at(2)).entries);
  ASSERT_EQ(sends.size(), 1u);
  ASSERT_TRUE(report_retry(sends[0], lease, at(3000)));
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, handle, at(10)).edits.at(0), EditOutcome::done);
  const auto entries = load(lease, at(11)).entries;
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].due, at(10));
}

TEST_P(ScheduleSuite, ARecurringSendStaysWithItsNextTime) {
  const auto handle = schedule(make_send("c", at(1), "daily"));
  const auto lease = lease_of(hold("owner"), handle.slot);
  ASSERT_TRUE(report_retry(fetch(load(lease, at(2)).entries).at(0), lease, at(3)));
  auto sends = fetch(load(lease, at(4)).entries);
  ASSERT_EQ(sends.size(), 1u);
  SendOutcome sent(Kind::sent, handle, sends[0].generation, lease);
  sent.next = at(100);
  ASSERT_TRUE(report(sent));
  EXPECT_FALSE(report(sent));  // that occurrence is over
  EXPECT_EQ(counts().pending, 1u);
  EXPECT_EQ(counts().sent, 1u);
  EXPECT_TRUE(load(lease, at(100)).entries.empty());
  sends = fetch(load(lease, at(101)).entries);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].handle, (SendHandle{handle.slot, at(100), handle.id}));
  EXPECT_EQ(sends[0].attempt, 0u);
  EXPECT_EQ(sends[0].payload, "daily");

  SendOutcome expired(Kind::expired, sends[0].handle, sends[0].generation, lease);
  expired.next = at(200);
  ASSERT_TRUE(report(expired));
  SendOutcome dead(Kind::dead, handle, sends[0].generation + 1, lease);
  dead.next = at(300);
  ASSERT_TRUE(report(dead));
  EXPECT_EQ(counts().expired, 1u);
  EXPECT_EQ(counts().dead, 1u);
  EXPECT_TRUE(list_dead({}).sends.empty());
  EXPECT_EQ(cancel(handle), EditOutcome::done);  // the first handle names it for good
  EXPECT_EQ(counts().pending, 0u);
}

TEST_P(ScheduleSuite, ABeginIsCountedUntilAnOutcome) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto old = lease_of(hold("first"), handle.slot);
  ASSERT_EQ(fetch(load(old, at(2)).entries).at(0).begun, 0);
  EXPECT_TRUE(report(SendOutcome(Kind::begin, handle, 0, old)));
  EXPECT_EQ(cancel(handle), EditOutcome::too_late);  // it is still under way
  release({old});
  EXPECT_FALSE(report(SendOutcome(Kind::begin, handle, 0, old)));
  const auto now = lease_of(hold("second"), handle.slot);
  auto sends = fetch(load(now, at(2)).entries);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].begun, 1);
  ASSERT_TRUE(report_retry(sends[0], now, at(3)));
  EXPECT_EQ(fetch(load(now, at(4)).entries).at(0).begun, 0);
}

TEST_P(ScheduleSuite, WhatIsPutOffKeepsThatItHadBegun) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto old = lease_of(hold("first"), handle.slot);
  ASSERT_EQ(fetch(load(old, at(2)).entries).size(), 1u);
  ASSERT_TRUE(report(SendOutcome(Kind::begin, handle, 0, old)));
  release({old});
  const auto now = lease_of(hold("second"), handle.slot);
  const auto sends = fetch(load(now, at(2)).entries);
  ASSERT_EQ(sends.size(), 1u);
  SendOutcome put_off(Kind::retry, handle, sends[0].generation, now);
  put_off.not_before = at(3);
  put_off.begun = sends[0].begun;
  ASSERT_TRUE(report(put_off));
  const auto again = fetch(load(now, at(4)).entries);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].begun, 1);
  EXPECT_EQ(again[0].attempt, 0u);
}

// Moved it would be as if it had never been tried, and what may arrive at most once would be sent again.
TEST_P(ScheduleSuite, WhatHadBegunCannotBeMovedAfterItsOwnerEnded) {
  auto once = make_send("c", at(1));
  once.at_most_once = true;
  const auto handle = schedule(once);
  const auto old = lease_of(hold("first"), handle.slot);
  ASSERT_EQ(fetch(load(old, at(2)).entries).size(), 1u);
  ASSERT_TRUE(report(SendOutcome(Kind::begin, handle, 0, old)));
  release({old});
  (void)hold("second");
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, handle, at(100)).edits.at(0), EditOutcome::too_late);
  EXPECT_EQ(cancel(handle), EditOutcome::done);  // from now on it is not sent
}

// What is read under a lease that went and came back belongs to the new one, whose owner alone may report on it.
TEST_P(ScheduleSuite, NothingIsHandedOutUnderAnotherEpoch) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto old = lease_of(hold("first"), handle.slot);
  auto entries = load(old, at(2)).entries;
  ASSERT_EQ(entries.size(), 1u);
  release({old});
  const auto now = lease_of(hold("second"), handle.slot);
  entries[0].epoch = old.epoch;
  EXPECT_TRUE(fetch(entries).empty());
  entries[0].epoch = now.epoch;
  const auto sends = fetch(entries);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_TRUE(report(SendOutcome(Kind::sent, handle, sends[0].generation, now)));
}

TEST_P(ScheduleSuite, StaleEpochMayReportSentAndNothingElse) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto old = lease_of(hold("first"), handle.slot);
  const auto sends = fetch(load(old, at(2)).entries);
  ASSERT_EQ(sends.size(), 1u);
  release({old});
  EXPECT_FALSE(report_retry(sends[0], old, at(30)));  // nobody holds the slot
  const auto now = lease_of(hold("second"), handle.slot);
  EXPECT_FALSE(report_retry(sends[0], old, at(30)));
  EXPECT_FALSE(report(SendOutcome(Kind::dead, handle, 0, old)));
  EXPECT_FALSE(report(SendOutcome(Kind::expired, handle, 0, old)));
  EXPECT_FALSE(report(SendOutcome(Kind::begin, handle, 0, old)));
  EXPECT_EQ(load(now, at(2)).entries.size(), 1u);
  EXPECT_TRUE(report(SendOutcome(Kind::sent, handle, 0, old)));
  EXPECT_TRUE(load(now, at(2)).entries.empty());
  EXPECT_EQ(counts().sent, 1u);
}

TEST_P(ScheduleSuite, RefusedOutcomesAreNamedByPosition) {
  const auto first = schedule(make_send("c", at(1)));
  const auto second = schedule(make_send("c", at(2)));
  const auto lease = lease_of(hold("owner"), first.slot);
  auto stale = lease;
  stale.epoch += 1;
  StoreChanges changes;
  changes.outcomes.emplace_back(Kind::dead, first, 0, stale);
  changes.outcomes.emplace_back(Kind::sent, second, 0, lease);
  changes.outcomes.emplace_back(Kind::retry, first, 1, lease);  // a generation that it never had
  EXPECT_EQ(commit(std::move(changes)).refused, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(counts().pending, 1u);
}

TEST_P(ScheduleSuite, OutcomeOfAnOlderGenerationIsRefused) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto old = lease_of(hold("first"), handle.slot);
  const auto sends = fetch(load(old, at(2)).entries);
  ASSERT_EQ(sends.size(), 1u);
  release({old});
  const auto now = lease_of(hold("second"), handle.slot);
  // The first owner is gone, so its mark is, and the send can be edited.
  ASSERT_EQ(edit(SendEdit::Kind::reschedule, handle, at(1)).edits.at(0), EditOutcome::done);
  EXPECT_FALSE(report(SendOutcome(Kind::retry, handle, sends[0].generation, now)));
  EXPECT_EQ(load(now, at(2)).entries.size(), 1u);
}

TEST_P(ScheduleSuite, NewOwnerMayCancelWhatTheOldOneHadFetched) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto old = hold("first");
  ASSERT_EQ(fetch(load(lease_of(old, handle.slot), at(2)).entries).size(), 1u);
  EXPECT_EQ(cancel(handle), EditOutcome::too_late);
  release(old);
  hold("second");
  EXPECT_EQ(cancel(handle), EditOutcome::done);
}

TEST_P(ScheduleSuite, CommitsIntoALoadedWindowComeLate) {
  const auto leases = hold("owner");
  const auto lease = lease_of(leases, slot_of("c"));
  EXPECT_TRUE(load(lease, at(30)).entries.empty());
  const auto soon = schedule(make_send("c", at(5)));
  schedule(make_send("c", at(100'000)));  // a later load finds it
  const auto late = load_late(leases);
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].id, soon.id);
  EXPECT_EQ(late[0].due, at(5));
  EXPECT_EQ(fetch(late).size(), 1u);
  EXPECT_TRUE(load_late(leases).empty());
}

TEST_P(ScheduleSuite, RescheduledIntoALoadedWindowComesLate) {
  const auto leases = hold("owner");
  const auto handle = schedule(make_send("c", at(100'000)));
  EXPECT_TRUE(load(lease_of(leases, handle.slot), at(30)).entries.empty());
  EXPECT_TRUE(load_late(leases).empty());
  const auto moved = edit(SendEdit::Kind::reschedule, handle, at(7)).edit_handles.at(0);
  const auto late = load_late(leases);
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].due, at(7));
  const auto sends = fetch(late);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].handle, moved);
}

TEST_P(ScheduleSuite, LateCommitsAreForTheOwnerOfTheSlotOnly) {
  const auto leases = hold("owner");
  schedule(make_send("c", at(5)));
  std::vector<SlotLease> others;
  for (const auto& lease : leases) {
    if (lease.slot != slot_of("c")) {
      others.push_back(lease);
    }
  }
  EXPECT_TRUE(load_late(others).empty());
  auto stale = lease_of(leases, slot_of("c"));
  ++stale.epoch;
  EXPECT_TRUE(load_late({stale}).empty());
  EXPECT_EQ(load_late(leases).size(), 1u);
}

TEST_P(ScheduleSuite, FetchKeepsTheOrderAskedFor) {
  for (int i = 0; i < 20; ++i) {
    schedule(make_send("c", at(i), std::to_string(i)));
  }
  const auto lease = lease_of(hold("owner"), slot_of("c"));
  auto entries = load(lease, at(60)).entries;
  ASSERT_EQ(entries.size(), 20u);
  std::reverse(entries.begin(), entries.end());
  const auto sends = fetch(entries);
  ASSERT_EQ(sends.size(), 20u);
  EXPECT_EQ(sends.front().payload, "19");
  EXPECT_EQ(sends.back().payload, "0");
}

TEST_P(ScheduleSuite, ASendIsHandedOutOnceUntilItsOutcome) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto entries = load(lease, at(2)).entries;
  ASSERT_EQ(entries.size(), 1u);
  const auto sends = fetch({entries[0], entries[0]});
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_TRUE(fetch(entries).empty());
  ASSERT_TRUE(report_retry(sends[0], lease, at(30)));
  EXPECT_TRUE(fetch(entries).empty());  // what is due now is its second attempt
  EXPECT_EQ(fetch(load(lease, at(31)).entries).size(), 1u);
}

// It is due, and waits for something else.
TEST_P(ScheduleSuite, WhatIsPutBackCanBeEditedAndIsHandedOutAgain) {
  const auto leases = hold("owner");
  const auto first = schedule(make_send("a", at(1)));
  const auto second = schedule(make_send("b", at(1)));
  const auto third = schedule(make_send("c", at(1)));
  const auto entry_of = [&](const SendHandle& handle) {
    auto entry = load(lease_of(leases, handle.slot), at(2)).entries.at(0);
    entry.epoch = lease_of(leases, handle.slot).epoch;
    return entry;
  };
  const std::vector<DueEntry> entries{entry_of(first), entry_of(second), entry_of(third)};
  ASSERT_EQ(fetch(entries).size(), 3u);
  EXPECT_EQ(cancel(first), EditOutcome::too_late);
  store->put_back({entries[0], entries[1]});
  EXPECT_EQ(cancel(first), EditOutcome::done);
  EXPECT_EQ(cancel(third), EditOutcome::too_late) << "it was not put back";
  const auto again = fetch(entries);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].handle, second);
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, second, at(9)).edits.at(0), EditOutcome::too_late);
  EXPECT_TRUE(report(SendOutcome(Kind::sent, second, 0, lease_of(leases, second.slot))));
}

TEST_P(ScheduleSuite, WhatWasPutBackAndMovedIsHandedOutUnderItsNewTimeOnly) {
  const auto leases = hold("owner");
  const auto handle = schedule(make_send("c", at(1)));
  const auto lease = lease_of(leases, handle.slot);
  auto entry = load(lease, at(2)).entries.at(0);
  entry.epoch = lease.epoch;
  ASSERT_EQ(fetch({entry}).size(), 1u);
  store->put_back({entry});
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, handle, at(5)).edits.at(0), EditOutcome::done);
  EXPECT_TRUE(fetch({entry}).empty());
  const auto moved = load(lease, at(6)).entries;
  ASSERT_EQ(moved.size(), 1u);
  store->put_back({entry});  // of what it was before
  EXPECT_EQ(fetch(moved).size(), 1u);
  store->put_back({entry});
  EXPECT_EQ(cancel(handle), EditOutcome::too_late) << "it is being sent";
}

TEST_P(ScheduleSuite, AnOldOwnerPutsNothingBack) {
  const auto old = hold("old");
  const auto handle = schedule(make_send("c", at(1)));
  auto entry = load(lease_of(old, handle.slot), at(2)).entries.at(0);
  entry.epoch = lease_of(old, handle.slot).epoch;
  ASSERT_EQ(fetch({entry}).size(), 1u);
  release(old);
  const auto leases = hold("new");
  auto again = load(lease_of(leases, handle.slot), at(2)).entries;
  ASSERT_EQ(again.size(), 1u);
  ASSERT_EQ(fetch(again).size(), 1u);
  store->put_back({entry});
  EXPECT_EQ(cancel(handle), EditOutcome::too_late) << "the new owner is sending it";
}

TEST_P(ScheduleSuite, NewOwnerIsHandedWhatTheOldOneHadFetched) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto old = hold("first");
  ASSERT_EQ(fetch(load(lease_of(old, handle.slot), at(2)).entries).size(), 1u);
  release(old);
  const auto now = lease_of(hold("second"), handle.slot);
  EXPECT_EQ(fetch(load(now, at(2)).entries).size(), 1u);
}

TEST_P(ScheduleSuite, TenThousandSendsAreLoadedInOrder) {
  constexpr int conversations = 500;
  StoreChanges changes;
  for (int i = 0; i < 10'000; ++i) {
    changes.sends.push_back(make_send("conversation " + std::to_string(i % conversations), at(i % 977)));
  }
  commit(std::move(changes));
  EXPECT_EQ(counts().pending, 10'000u);
  std::size_t loaded = 0;
  for (const auto& lease : hold("owner")) {
    const auto page = load(lease, at(1000));
    EXPECT_FALSE(page.more);
    EXPECT_TRUE(std::is_sorted(page.entries.begin(), page.entries.end(), [](const DueEntry& a, const DueEntry& b) {
      return std::pair(a.due, a.seq) < std::pair(b.due, b.seq);
    }));
    loaded += page.entries.size();
  }
  EXPECT_EQ(loaded, 10'000u);
}

}  // namespace tern::conformance
