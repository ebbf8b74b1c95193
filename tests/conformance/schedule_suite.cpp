#include "conformance/schedule_suite.hpp"

#include <algorithm>

namespace tern::conformance {

namespace {

using namespace std::chrono_literals;
using Payloads = std::vector<std::string>;

}  // namespace

TEST_P(ScheduleSuite, ASendComesBackWhole) {
  auto send = make_send("conversation", at(10), R"({"type":"message","text":"\u0000"})");
  send.kind = SendKind::continuation;
  send.idempotency_key = "once";
  send.expires = at(100);
  send.cancel_on_reply = "a conversation";
  send.annotations = R"({"every":"day"})";
  send.at_most_once = true;
  const auto handle = schedule(send);
  EXPECT_EQ(handle, send.handle);
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto entries = load(lease, at(11)).entries;
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].due, send.handle.due);
  EXPECT_EQ(entries[0].slot, handle.slot);
  EXPECT_EQ(entries[0].id, handle.id);
  EXPECT_EQ(entries[0].order_hash, order_hash_of("conversation"));
  EXPECT_EQ(entries[0].attempt, 0);
  const auto fetched = fetch(entries);
  ASSERT_EQ(fetched.size(), 1u);
  EXPECT_EQ(fetched[0].handle, handle);
  EXPECT_EQ(fetched[0].seq, entries[0].seq);
  EXPECT_EQ(fetched[0].kind, SendKind::continuation);
  EXPECT_EQ(fetched[0].order_key, send.order_key);
  EXPECT_EQ(fetched[0].reference, send.reference);
  EXPECT_EQ(fetched[0].payload, send.payload);
  EXPECT_EQ(fetched[0].idempotency_key, "once");
  EXPECT_EQ(fetched[0].client_request_id, send.client_request_id);
  EXPECT_EQ(fetched[0].expires, send.expires);
  EXPECT_EQ(fetched[0].cancel_on_reply, send.cancel_on_reply);
  EXPECT_EQ(fetched[0].annotations, send.annotations);
  EXPECT_TRUE(fetched[0].at_most_once);
  EXPECT_EQ(fetched[0].begun, 0);
}

TEST_P(ScheduleSuite, SendsGoOutByDueTimeThenByTheOrderOfCommit) {
  StoreChanges changes;
  changes.sends.push_back(make_send("c", at(5), "third"));
  changes.sends.push_back(make_send("c", at(5), "fourth"));
  changes.sends.push_back(make_send("c", at(3), "first"));
  const auto receipt = commit(std::move(changes));
  ASSERT_EQ(receipt.seqs.size(), 3u);
  EXPECT_LT(receipt.seqs[0], receipt.seqs[1]);
  schedule(make_send("c", at(5), "fifth"));
  schedule(make_send("c", at(4), "second"));
  EXPECT_EQ(due_payloads(lease_of(hold("owner"), slot_of("c")), at(60)),
            (Payloads{"first", "second", "third", "fourth", "fifth"}));
}

TEST_P(ScheduleSuite, NothingIsLoadedBeforeItsTime) {
  schedule(make_send("c", at(10), "now"));
  schedule(make_send("c", at(10) + 1us, "a microsecond later"));
  const auto lease = lease_of(hold("owner"), slot_of("c"));
  EXPECT_TRUE(due_payloads(lease, at(10)).empty());
  EXPECT_EQ(due_payloads(lease, at(10) + 1us), Payloads{"now"});
  EXPECT_EQ(due_payloads(lease, at(10) + 2us).size(), 2u);
}

TEST_P(ScheduleSuite, LoadDuePagesWithoutGapsOrRepetitions) {
  StoreChanges changes;
  for (int i = 0; i < 250; ++i) {
    changes.sends.push_back(make_send("c", at(i / 10)));  // ten at a time
  }
  commit(std::move(changes));
  const auto lease = lease_of(hold("owner"), slot_of("c"));
  const auto whole = load(lease, at(1000)).entries;
  ASSERT_EQ(whole.size(), 250u);
  for (const std::size_t limit : {1u, 7u, 10u, 250u}) {
    std::vector<std::uint64_t> seqs;
    DuePage page;
    WallTime from{};
    std::uint64_t after = 0;
    do {
      page = load(lease, at(1000), limit, from, after);
      ASSERT_LE(page.entries.size(), limit);
      for (const auto& entry : page.entries) {
        seqs.push_back(entry.seq);
        from = entry.due;
        after = entry.seq;
      }
    } while (page.more);
    ASSERT_EQ(seqs.size(), whole.size()) << "limit " << limit;
    EXPECT_TRUE(std::equal(seqs.begin(), seqs.end(), whole.begin(),
                           [](std::uint64_t seq, const DueEntry& entry) { return seq == entry.seq; }));
  }
  EXPECT_EQ(load(lease, at(1000), 1000, at(20)).entries.size(), 50u);
  EXPECT_TRUE(load(lease, at(5), 1000, at(20)).entries.empty());
}

TEST_P(ScheduleSuite, SlotsAreLoadedApart) {
  ASSERT_NE(slot_of("a"), slot_of("foobar"));
  schedule(make_send("a", at(1), "of a"));
  schedule(make_send("foobar", at(1), "of foobar"));
  const auto leases = hold("owner");
  EXPECT_EQ(due_payloads(lease_of(leases, slot_of("a")), at(2)), Payloads{"of a"});
  EXPECT_EQ(due_payloads(lease_of(leases, slot_of("foobar")), at(2)), Payloads{"of foobar"});
}

TEST_P(ScheduleSuite, CancelledIsNeverSent) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto entries = load(lease, at(2)).entries;
  EXPECT_EQ(cancel(handle), EditOutcome::done);
  EXPECT_TRUE(fetch(entries).empty());
  EXPECT_TRUE(load(lease, at(2)).entries.empty());
  EXPECT_EQ(cancel(handle), EditOutcome::too_late);
}

TEST_P(ScheduleSuite, CancelIsTooLateOnceTheSendIsFetched) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto sends = fetch(load(lease, at(2)).entries);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(cancel(handle), EditOutcome::too_late);
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, handle, at(50)).edits.at(0), EditOutcome::too_late);
  EXPECT_TRUE(report(SendOutcome(Kind::sent, handle, sends[0].generation, lease)));
  EXPECT_EQ(cancel(handle), EditOutcome::too_late);
}

TEST_P(ScheduleSuite, CancelIsPossibleAgainWhileARetryWaits) {
  const auto handle = schedule(make_send("c", at(1)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto sends = fetch(load(lease, at(2)).entries);
  ASSERT_EQ(sends.size(), 1u);
  ASSERT_TRUE(report_retry(sends[0], lease, at(30)));
  EXPECT_EQ(cancel(handle), EditOutcome::done);
  EXPECT_TRUE(load(lease, at(60)).entries.empty());
}

TEST_P(ScheduleSuite, UnknownHandlesAreTooLate) {
  EXPECT_EQ(cancel(make_send("c", at(1)).handle), EditOutcome::too_late);
  SendHandle nonsense;
  nonsense.slot = 9999;
  EXPECT_EQ(cancel(nonsense), EditOutcome::too_late);
}

TEST_P(ScheduleSuite, RescheduleYieldsTheHandleThatIsValidNow) {
  const auto handle = schedule(make_send("c", at(10), "moved"));
  schedule(make_send("c", at(20), "other"));
  const auto lease = lease_of(hold("owner"), handle.slot);
  const auto stale = load(lease, at(11)).entries;
  const auto receipt = edit(SendEdit::Kind::reschedule, handle, at(30));
  ASSERT_EQ(receipt.edits.at(0), EditOutcome::done);
  const auto moved = receipt.edit_handles.at(0);
  EXPECT_EQ(moved, (SendHandle{handle.slot, at(30), handle.id}));
  EXPECT_TRUE(fetch(stale).empty());
  EXPECT_EQ(due_payloads(lease, at(60)), (Payloads{"other", "moved"}));
  EXPECT_EQ(counts().pending, 2u);
  EXPECT_EQ(cancel(handle), EditOutcome::done);  // whoever kept the first handle can still cancel
  EXPECT_EQ(cancel(moved), EditOutcome::too_late);
}

TEST_P(ScheduleSuite, RescheduledEarlierIsDueEarlier) {
  const auto handle = schedule(make_send("c", at(1000)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  EXPECT_TRUE(load(lease, at(30)).entries.empty());
  const auto moved = edit(SendEdit::Kind::reschedule, handle, at(5)).edit_handles.at(0);
  EXPECT_EQ(load(lease, at(30)).entries.size(), 1u);
  EXPECT_EQ(cancel(moved), EditOutcome::done);
}

TEST_P(ScheduleSuite, AReplyCancelsWhatWaitsForIt) {
  const auto waiting = [&](const char* conversation, const char* payload) {
    auto send = make_send(payload, at(10), payload);  // each with an order key of its own, so in several slots
    send.cancel_on_reply = conversation;
    return send;
  };
  schedule(waiting("mine", "a"));
  schedule(waiting("mine", "b"));
  schedule(waiting("other", "c"));
  const auto under_way = schedule(waiting("mine", "d"));
  schedule(make_send("mine", at(10), "e"));
  EXPECT_EQ(counts().awaiting_reply, 4u);
  const auto lease = lease_of(hold("owner"), under_way.slot);
  auto entries = load(lease, at(11)).entries;
  std::erase_if(entries, [&](const DueEntry& entry) { return entry.id != under_way.id; });
  ASSERT_EQ(fetch(entries).size(), 1u);

  StoreChanges changes;
  changes.edits.push_back(SendEdit::on_reply("mine"));
  changes.edits.push_back(SendEdit::on_reply("nobody"));
  const auto receipt = commit(std::move(changes));
  EXPECT_EQ(receipt.edits, (std::vector<EditOutcome>{EditOutcome::done, EditOutcome::done}));
  std::vector<std::string> left;
  for (const auto& send : list({}).sends) {
    left.push_back(send.payload);
  }
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, (Payloads{"c", "d", "e"}));  // what is being sent cannot be cancelled
  EXPECT_EQ(counts().cancelled, 2u);
  EXPECT_EQ(counts().awaiting_reply, 2u);
}

// As a message of one user in a group asks for it: what waits for that user, and what waits for anybody.
TEST_P(ScheduleSuite, AReplyOfOneUserLeavesWhatWaitsForAnother) {
  for (const auto* awaited : {"group", "group/users/a", "group/users/b"}) {
    auto send = make_send(awaited, at(10), awaited);
    send.cancel_on_reply = awaited;
    schedule(std::move(send));
  }
  StoreChanges changes;
  changes.edits.push_back(SendEdit::on_reply("group"));
  changes.edits.push_back(SendEdit::on_reply("group/users/b"));
  (void)commit(std::move(changes));
  const auto left = list({}).sends;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].payload, "group/users/a");
  EXPECT_EQ(counts().awaiting_reply, 1u);
}

TEST_P(ScheduleSuite, CountsKnowWhatIsDueFirst) {
  EXPECT_EQ(counts().oldest, std::nullopt);
  schedule(make_send("c", at(30)));
  schedule(make_send("d", at(20)));
  EXPECT_EQ(counts().oldest, at(20));
  // A store may remember where it need not look.
  schedule(make_send("e", at(-7200)));
  EXPECT_EQ(counts().oldest, at(-7200));
  EXPECT_EQ(due_between(-8000, 100), 3u);
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(counts().oldest, at(-7200));
  const auto moved = schedule(make_send("f", at(7200)));
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, moved, at(-9000)).edits.at(0), EditOutcome::done);
  EXPECT_EQ(counts().oldest, at(-9000));
  EXPECT_EQ(due_between(-10'000, 100), 4u);
}

TEST_P(ScheduleSuite, FewSendsOfAnHourAreCountedExactly) {
  EXPECT_EQ(due_between(0, 100), 0u);
  for (int i = 0; i < 30; ++i) {
    schedule(make_send("c" + std::to_string(i), at(i)));
  }
  EXPECT_EQ(due_between(0, 100), 30u);
  EXPECT_EQ(due_between(10, 20), 10u);  // from its beginning on, and before its end
  EXPECT_EQ(due_between(20, 10), 0u);
  const auto handle = schedule(make_send("late", at(1)));
  const auto lease = lease_of(hold("owner"), handle.slot);
  for (const auto& send : fetch(load(lease, at(2)).entries)) {
    ASSERT_TRUE(report_retry(send, lease, at(50)));
  }
  EXPECT_EQ(due_between(0, 100), 31u);  // what waits for its next attempt is still due when it was
  EXPECT_EQ(due_between(0, 10), 11u);
}

TEST_P(ScheduleSuite, ManySendsOfAnHourAreEstimated) {
  constexpr std::size_t sends = 8000;
  StoreChanges changes;
  for (std::size_t i = 0; i < sends; ++i) {
    changes.sends.push_back(make_send("c" + std::to_string(i), at(10)));
  }
  commit(std::move(changes));
  EXPECT_NEAR(static_cast<double>(due_between(0, 100)), sends, sends * 0.15);  // a thousand counted: 3 % each sigma
}

TEST_P(ScheduleSuite, SendsAndDocumentsAreOneUnit) {
  ASSERT_TRUE(upsert("state", "1").has_value());
  const auto pending = schedule(make_send("c", at(10)));
  StoreChanges changes;
  changes.upserts.emplace_back("state", "2", Expect::etag("not this"));
  changes.sends.push_back(make_send("c", at(20)));
  changes.sends.back().idempotency_key = "key";
  changes.edits.emplace_back(SendEdit::Kind::cancel, pending);
  EXPECT_TRUE(write(changes).has_error());
  EXPECT_EQ(counts().pending, 1u);
  EXPECT_EQ(counts().cancelled, 0u);
  changes.upserts[0].expect = Expect::any();
  const auto written = write(changes);
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->handles.at(0), changes.sends[0].handle);  // the key was not taken by the failed write
  EXPECT_EQ(written->edits.at(0), EditOutcome::done);
  EXPECT_EQ(text_of("state"), "2");
  EXPECT_EQ(counts().pending, 1u);
}

TEST_P(ScheduleSuite, SendInAForeignSlotIsMisuse) {
  auto send = make_send("c", at(10));
  send.handle.slot = static_cast<std::uint16_t>((send.handle.slot + 1) % slot_count);
  StoreChanges changes;
  changes.sends.push_back(send);
  EXPECT_EQ(error_of([&] { (void)write(changes); }), errc::invalid_argument);
}

TEST_P(ScheduleSuite, SameIdTwiceIsMisuse) {
  const auto send = make_send("c", at(10));
  StoreChanges twice;
  twice.upserts.emplace_back("key", "1");
  twice.sends = {send, send};
  EXPECT_EQ(error_of([&] { (void)write(twice); }), errc::invalid_argument);
  schedule(send);
  StoreChanges again;
  again.upserts.emplace_back("key", "1");
  again.sends = {send};
  EXPECT_EQ(error_of([&] { (void)write(again); }), errc::invalid_argument);
  EXPECT_EQ(text_of("key"), "(absent)");
  EXPECT_EQ(counts().pending, 1u);
}

TEST_P(ScheduleSuite, ListsTheSendsOfOneConversationInOrder) {
  for (int i = 0; i < 30; ++i) {
    schedule(make_send(i % 3 == 0 ? "mine" : "other", at(100 - i), std::to_string(i)));
  }
  Payloads listed;
  SendQuery query;
  query.order_key = "mine";
  query.limit = 4;
  do {
    const auto page = list(query);
    EXPECT_LE(page.sends.size(), 4u);
    for (const auto& send : page.sends) {
      EXPECT_EQ(send.order_key, "mine");
      listed.push_back(send.payload);
    }
    query.after = page.next;
  } while (!query.after.empty());
  EXPECT_EQ(listed, (Payloads{"27", "24", "21", "18", "15", "12", "9", "6", "3", "0"}));
  query.order_key = "nobody";
  EXPECT_TRUE(list(query).sends.empty());
}

TEST_P(ScheduleSuite, ListsOneSendByItsHandle) {
  const auto handle = schedule(make_send("c", at(10), "this"));
  schedule(make_send("c", at(10), "other"));
  SendQuery query;
  query.handle = handle;
  const auto page = list(query);
  ASSERT_EQ(page.sends.size(), 1u);
  EXPECT_EQ(page.sends[0].payload, "this");
  EXPECT_EQ(page.next, "");
  query.order_key = "another conversation";
  EXPECT_TRUE(list(query).sends.empty());
  query.order_key.reset();
  cancel(handle);
  EXPECT_TRUE(list(query).sends.empty());
}

TEST_P(ScheduleSuite, ListsEverythingInOrderWithRetriesAtTheirDueTime) {
  const auto leases = hold("owner");
  for (int i = 0; i < 100; ++i) {
    schedule(make_send("conversation " + std::to_string(i * 7 % 31), at(i * 37 % 50), std::to_string(i)));
  }
  for (std::uint16_t slot = 0; slot < 8; ++slot) {
    const auto lease = lease_of(leases, slot);
    for (const auto& send : fetch(load(lease, at(20)).entries)) {
      EXPECT_TRUE(report_retry(send, lease, at(500)));
    }
  }
  std::vector<std::pair<WallTime, std::uint64_t>> places;
  SendQuery query;
  query.limit = 9;
  do {
    const auto page = list(query);
    for (const auto& send : page.sends) {
      places.emplace_back(send.handle.due, send.seq);
    }
    query.after = page.next;
  } while (!query.after.empty());
  EXPECT_EQ(places.size(), 100u);
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  EXPECT_EQ(std::adjacent_find(places.begin(), places.end()), places.end());
}

TEST_P(ScheduleSuite, ListRefusesWhatIsNoPlaceAndNoLimit) {
  SendQuery query;
  query.after = "somewhere";
  EXPECT_EQ(error_of([&] { (void)list(query); }), errc::invalid_argument);
  query.after = "";
  query.limit = 0;
  EXPECT_EQ(error_of([&] { (void)list(query); }), errc::invalid_argument);
  query.limit = 1001;
  EXPECT_EQ(error_of([&] { (void)list(query); }), errc::invalid_argument);
}

TEST_P(ScheduleSuite, ConfirmedSendsSurviveACrash) {
  if (!GetParam().reopen) {
    GTEST_SKIP() << "the backend promises no durability";
  }
  auto keyed = make_send("c", at(10), "kept");
  keyed.idempotency_key = "key";
  const auto handle = schedule(keyed);
  cancel(schedule(make_send("c", at(11))));
  auto crashed = std::move(*store);
  store.reset();
  store = GetParam().reopen(std::move(crashed), clock);
  test::run(store->open(never));
  EXPECT_EQ(counts().pending, 1u);
  auto again = make_send("c", at(10));
  again.idempotency_key = "key";
  EXPECT_EQ(schedule(again), handle);
  EXPECT_EQ(list({}).sends.at(0).payload, "kept");
}

}  // namespace tern::conformance
