#include "conformance/schedule_suite.hpp"

namespace tern::conformance {

namespace {

using Payloads = std::vector<std::string>;

}  // namespace

TEST_P(ScheduleSuite, DeadAndExpiredAreCountedAndGone) {
  const auto dead = schedule(make_send("c", at(1)));
  const auto expired = schedule(make_send("c", at(2)));
  const auto lease = lease_of(hold("owner"), dead.slot);
  SendOutcome burial(Kind::dead, dead, 0, lease);
  burial.reason = "conversation_gone";
  EXPECT_TRUE(report(burial));
  EXPECT_TRUE(report(SendOutcome(Kind::expired, expired, 0, lease)));
  EXPECT_FALSE(report(burial));  // it is gone
  const auto now = counts();
  EXPECT_EQ(now.dead, 1u);
  EXPECT_EQ(now.expired, 1u);
  EXPECT_EQ(now.pending, 0u);
  EXPECT_TRUE(load(lease, at(60)).entries.empty());
}

// The text of an exception may hold anything; what cannot be stored must not keep the outcome from being written.
TEST_P(ScheduleSuite, AnyReasonCanBeStored) {
  const std::string long_one(600, 'x');
  std::string accents;
  for (int i = 0; i < 300; ++i) {
    accents += "\u00e9";
  }
  const std::vector<std::pair<std::string, std::string>> reasons{{std::string("a\0b\xff", 4), "a?b?"},
                                                                 {long_one, long_one.substr(0, 512)},
                                                                 {"x" + accents, "x" + accents.substr(0, 510)}};
  StoreChanges changes;
  for (const auto& [given, kept] : reasons) {
    const auto handle = schedule(make_send("c", at(1)));
    SendOutcome burial(Kind::dead, handle, 0, lease_of(hold("owner"), handle.slot));
    burial.reason = given;
    changes.outcomes.push_back(burial);
  }
  ASSERT_TRUE(commit(changes).refused.empty());
  const auto dead = list_dead({}).sends;
  ASSERT_EQ(dead.size(), reasons.size());
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    EXPECT_EQ(dead[i].reason, reasons[i].second);
  }
}

// Their number is their place in the list, and they all get one in the same write.
TEST_P(ScheduleSuite, TheDeadAreListedInTheOrderInWhichTheyDied) {
  constexpr int many = 10;
  const auto leases = hold("owner");
  StoreChanges sends;
  for (int i = 0; i < many; ++i) {
    sends.sends.push_back(make_send("conversation " + std::to_string(i), at(100 - i), std::to_string(i)));
  }
  commit(sends);
  StoreChanges burials;
  Payloads died;
  for (int i = 0; i < many; ++i) {
    const auto& send = sends.sends[static_cast<std::size_t>(i * 7 % many)];
    burials.outcomes.emplace_back(Kind::dead, send.handle, 0, lease_of(leases, send.handle.slot));
    burials.outcomes.back().reason = "reason " + send.payload;
    died.push_back(send.payload);
  }
  ASSERT_TRUE(commit(burials).refused.empty());
  Payloads listed;
  for (const auto& dead : list_dead({}).sends) {
    listed.push_back(dead.send.payload);
    EXPECT_EQ(dead.reason, "reason " + dead.send.payload);
  }
  EXPECT_EQ(listed, died);
}

TEST_P(ScheduleSuite, ADeadSendCanBeSentAgain) {
  auto first = make_send("c", at(1), "again");
  first.cancel_on_reply = "c";
  const auto dead = schedule(first);
  const auto lease = lease_of(hold("owner"), dead.slot);
  SendOutcome burial(Kind::dead, dead, 0, lease);
  burial.reason = "conversation_gone";
  ASSERT_TRUE(report(burial));
  auto kept = list_dead({}).sends;
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].send.handle, dead);
  EXPECT_EQ(kept[0].send.payload, "again");
  EXPECT_EQ(kept[0].send.cancel_on_reply, "c");
  EXPECT_EQ(kept[0].reason, "conversation_gone");
  EXPECT_EQ(kept[0].died, clock.wall_now());
  EXPECT_EQ(counts().awaiting_reply, 0u);

  const auto receipt = edit(SendEdit::Kind::redrive, dead, at(5));
  ASSERT_EQ(receipt.edits.at(0), EditOutcome::done);
  EXPECT_EQ(receipt.edit_handles.at(0), (SendHandle{dead.slot, at(5), dead.id}));
  EXPECT_TRUE(list_dead({}).sends.empty());
  EXPECT_EQ(counts().pending, 1u);
  EXPECT_EQ(counts().kept_dead, 0u);
  EXPECT_EQ(counts().awaiting_reply, 1u);
  const auto sends = fetch(load(lease, at(6)).entries);
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].payload, "again");
  EXPECT_EQ(sends[0].attempt, 0u);
  EXPECT_EQ(edit(SendEdit::Kind::redrive, dead, at(5)).edits.at(0), EditOutcome::too_late);
}

TEST_P(ScheduleSuite, ADeadSendCanBeDiscarded) {
  const auto dead = schedule(make_send("c", at(1)));
  const auto lease = lease_of(hold("owner"), dead.slot);
  ASSERT_TRUE(report(SendOutcome(Kind::dead, dead, 0, lease)));
  EXPECT_EQ(edit(SendEdit::Kind::discard, dead).edits.at(0), EditOutcome::done);
  EXPECT_EQ(edit(SendEdit::Kind::discard, dead).edits.at(0), EditOutcome::too_late);
  EXPECT_TRUE(list_dead({}).sends.empty());
  EXPECT_EQ(counts().dead, 1u);
}

TEST_P(ScheduleSuite, DeadSendsAreListedAsTheyDied) {
  const auto leases = hold("owner");
  Payloads died;
  for (int i = 0; i < 25; ++i) {
    const auto text = std::to_string(i);
    const auto handle = schedule(make_send(i % 2 == 0 ? "even" : "odd", at(50 - i), text));
    clock.advance(std::chrono::microseconds(1));
    ASSERT_TRUE(report(SendOutcome(Kind::dead, handle, 0, lease_of(leases, handle.slot))));
    died.push_back(text);
  }
  Payloads listed;
  DeadQuery query;
  query.limit = 4;
  do {
    const auto page = list_dead(query);
    EXPECT_LE(page.sends.size(), 4u);
    for (const auto& dead : page.sends) {
      listed.push_back(dead.send.payload);
    }
    query.after = page.next;
  } while (!query.after.empty());
  EXPECT_EQ(listed, died);
  query.order_key = "odd";
  query.limit = 1000;
  EXPECT_EQ(list_dead(query).sends.size(), 12u);
  query.after = "nowhere";
  EXPECT_EQ(error_of([&] { (void)list_dead(query); }), errc::invalid_argument);
  query.after = "";
  query.limit = 0;
  EXPECT_EQ(error_of([&] { (void)list_dead(query); }), errc::invalid_argument);
}

}  // namespace tern::conformance
