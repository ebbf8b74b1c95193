#include "conformance/schedule_suite.hpp"

namespace tern::conformance {

namespace {

using namespace std::chrono_literals;

constexpr SendDigest one{1};
constexpr SendDigest two{2};

ScheduledSend keyed(ScheduledSend send, std::string key, const SendDigest& digest = {}) {
  send.idempotency_key = std::move(key);
  send.digest = digest;
  return send;
}

ScheduledSend with_new_key(ScheduledSend send, std::string key) {
  send = keyed(std::move(send), std::move(key));
  send.key_is_new = true;
  return send;
}

SendQuery by_key(std::string key) {
  SendQuery query;
  query.idempotency_key = std::move(key);
  return query;
}

}  // namespace

TEST_P(ScheduleSuite, IdempotencyKeyYieldsTheFirstHandle) {
  auto first = make_send("c", at(10), "first");
  first.idempotency_key = "key";
  auto second = make_send("c", at(20), "second");
  second.idempotency_key = "key";
  auto other = make_send("c", at(20), "other");
  other.idempotency_key = "another key";
  schedule(first);
  StoreChanges changes;
  changes.sends.push_back(second);
  changes.sends.push_back(other);
  const auto receipt = commit(std::move(changes));
  EXPECT_EQ(receipt.handles.at(0), first.handle);
  EXPECT_EQ(receipt.seqs.at(0), 0u);
  EXPECT_EQ(receipt.handles.at(1), other.handle);
  EXPECT_NE(receipt.seqs.at(1), 0u);
  EXPECT_EQ(counts().pending, 2u);
}

TEST_P(ScheduleSuite, IdempotencyKeyHoldsWithinOneWrite) {
  StoreChanges changes;
  for (int i = 0; i < 3; ++i) {
    auto send = make_send("c", at(10 + i));
    send.idempotency_key = "key";
    changes.sends.push_back(std::move(send));
  }
  const auto first = changes.sends[0].handle;
  const auto receipt = commit(std::move(changes));
  EXPECT_EQ(receipt.handles, (std::vector<SendHandle>{first, first, first}));
  EXPECT_EQ(counts().pending, 1u);
}

TEST_P(ScheduleSuite, IdempotencyKeyOutlivesItsSend) {
  for (const bool sent : {true, false}) {
    auto first = make_send("c", at(10));
    first.idempotency_key = sent ? "was sent" : "was cancelled";
    const auto handle = schedule(first);
    if (sent) {
      const auto lease = lease_of(hold("owner"), handle.slot);
      EXPECT_TRUE(report(SendOutcome(Kind::sent, handle, 0, lease)));
    } else {
      EXPECT_EQ(cancel(handle), EditOutcome::done);
    }
    auto again = make_send("c", at(10));
    again.idempotency_key = first.idempotency_key;
    EXPECT_EQ(schedule(again), handle);
    EXPECT_EQ(counts().pending, 0u);
  }
}

TEST_P(ScheduleSuite, IdempotencyKeyIsForgottenAfterAWeek) {
  const auto send_with_key = [&] {
    auto send = make_send("c", clock.wall_now() + 1h);
    send.idempotency_key = "weekly";
    return send;
  };
  const auto first = schedule(send_with_key());
  clock.advance(6 * 24h);
  EXPECT_EQ(schedule(send_with_key()), first);
  clock.advance(2 * 24h);
  const auto again = send_with_key();
  EXPECT_EQ(schedule(again), again.handle);  // eight days after the first
  EXPECT_EQ(counts().pending, 2u);
  clock.advance(6 * 24h);
  EXPECT_EQ(schedule(send_with_key()), again.handle);  // which is the first of another week
  EXPECT_EQ(counts().pending, 2u);
}

TEST_P(ScheduleSuite, KnownKeyYieldsTheHandleThatIsValidNow) {
  const auto first = schedule(keyed(make_send("c", at(10)), "key"));
  const auto moved = edit(SendEdit::Kind::reschedule, first, at(20)).edit_handles.at(0);
  EXPECT_EQ(moved.due, at(20));
  EXPECT_EQ(schedule(keyed(make_send("c", at(10)), "key")), moved);
  const auto again = edit(SendEdit::Kind::reschedule, moved, at(30)).edit_handles.at(0);
  EXPECT_EQ(schedule(keyed(make_send("c", at(10)), "key")), again);
  // One that comes again is pending at its next time.
  SendOutcome sent(Kind::sent, again, 2, lease_of(hold("owner"), first.slot));
  sent.next = at(40);
  EXPECT_TRUE(report(std::move(sent)));
  EXPECT_EQ(schedule(keyed(make_send("c", at(10)), "key")).due, at(40));
  EXPECT_EQ(cancel(first), EditOutcome::done);
  EXPECT_EQ(schedule(keyed(make_send("c", at(10)), "key")), first);
}

TEST_P(ScheduleSuite, KnownKeyInAWriteThatMovesItsSendYieldsTheNewHandle) {
  const auto first = schedule(keyed(make_send("c", at(10)), "key"));
  StoreChanges changes;
  changes.edits.emplace_back(SendEdit::Kind::reschedule, first, at(20));
  changes.sends.push_back(keyed(make_send("c", at(10)), "key"));
  const auto receipt = commit(std::move(changes));
  EXPECT_EQ(receipt.handles.at(0), receipt.edit_handles.at(0));
}

TEST_P(ScheduleSuite, SendIsFoundByItsKey) {
  EXPECT_FALSE(list(by_key("key")).known);
  schedule(make_send("c", at(5)));
  const auto first = schedule(keyed(make_send("c", at(10), "it"), "key", one));
  auto page = list(by_key("key"));
  ASSERT_TRUE(page.known);
  EXPECT_EQ(page.known->handle, first);
  EXPECT_EQ(page.known->digest, one);
  ASSERT_EQ(page.sends.size(), 1U);
  EXPECT_EQ(page.sends[0].payload, "it");
  const auto moved = edit(SendEdit::Kind::reschedule, first, at(20)).edit_handles.at(0);
  EXPECT_EQ(list(by_key("key")).known->handle, moved);
  EXPECT_EQ(cancel(moved), EditOutcome::done);
  page = list(by_key("key"));
  ASSERT_TRUE(page.known);
  EXPECT_EQ(page.known->handle, first);
  EXPECT_TRUE(page.sends.empty());
  clock.advance(8 * 24h);
  EXPECT_FALSE(list(by_key("key")).known);
}

TEST_P(ScheduleSuite, KnownKeyThatIsToBeNewIsAConflict) {
  const auto first = schedule(keyed(make_send("c", at(10)), "key"));
  StoreChanges changes;
  changes.upserts.emplace_back("document", "{}");
  changes.sends.push_back(with_new_key(make_send("c", at(20)), "another key"));
  changes.sends.push_back(with_new_key(make_send("c", at(20)), "key"));
  const auto refused = write(changes);
  ASSERT_FALSE(refused);
  const auto conflict = refused.error();
  EXPECT_TRUE(conflict.keys.empty());
  ASSERT_EQ(conflict.sends.size(), 1U);
  EXPECT_EQ(conflict.sends[0].place, 1U);
  EXPECT_EQ(conflict.sends[0].known.handle, first);
  EXPECT_EQ(text_of("document"), "(absent)");
  EXPECT_EQ(counts().pending, 1U);
  EXPECT_FALSE(list(by_key("another key")).known);
  changes.sends.pop_back();
  EXPECT_TRUE(write(std::move(changes)));
  EXPECT_EQ(counts().pending, 2U);
}

TEST_P(ScheduleSuite, KnownKeyWithAnotherDigestIsAConflict) {
  const auto first = schedule(keyed(make_send("c", at(10)), "key", one));
  EXPECT_EQ(schedule(keyed(make_send("c", at(20)), "key", one)), first);
  EXPECT_EQ(schedule(keyed(make_send("c", at(20)), "key")), first) << "not compared";
  StoreChanges changes;
  changes.upserts.emplace_back("document", "{}");
  changes.sends.push_back(make_send("c", at(20)));
  changes.sends.push_back(keyed(make_send("c", at(20)), "key", two));
  changes.edits.emplace_back(SendEdit::Kind::cancel, first);
  const auto refused = write(std::move(changes));
  ASSERT_FALSE(refused);
  const auto conflict = refused.error();
  ASSERT_EQ(conflict.sends.size(), 1U);
  EXPECT_EQ(conflict.sends[0].place, 1U);
  EXPECT_EQ(conflict.sends[0].known.handle, first);
  EXPECT_EQ(conflict.sends[0].known.digest, one);
  EXPECT_EQ(text_of("document"), "(absent)");
  EXPECT_EQ(counts().pending, 1U);

  const auto without = schedule(keyed(make_send("c", at(10)), "without"));
  EXPECT_EQ(schedule(keyed(make_send("c", at(20)), "without", two)), without) << "as one of an earlier version";
}

TEST_P(ScheduleSuite, ConflictOfADocumentIsToldBeforeThatOfAKey) {
  schedule(keyed(make_send("c", at(10)), "key"));
  ASSERT_TRUE(upsert("document", "1"));
  StoreChanges changes;
  changes.upserts.emplace_back("document", "2", Expect::absent());
  changes.sends.push_back(with_new_key(make_send("c", at(20)), "key"));
  const auto refused = write(std::move(changes));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().keys, std::vector<std::string>{"document"});
  EXPECT_TRUE(refused.error().sends.empty());
}

TEST_P(ScheduleSuite, ForgottenKeyIsNewAndHasTheNewDigest) {
  schedule(keyed(make_send("c", at(10)), "key", one));
  clock.advance(8 * 24h);
  const auto again = schedule(keyed(make_send("c", clock.wall_now() + 1h), "key", two));
  EXPECT_EQ(list(by_key("key")).known->digest, two);
  EXPECT_EQ(schedule(keyed(make_send("c", clock.wall_now() + 2h), "key", two)), again);
}

TEST_P(ScheduleSuite, DigestsSurviveARestart) {
  if (!GetParam().reopen) {
    GTEST_SKIP() << "not durable";
  }
  const auto first = schedule(keyed(make_send("c", at(10)), "key", one));
  store = GetParam().reopen(std::move(*store), clock);
  test::run(store->open(never));
  EXPECT_EQ(list(by_key("key")).known->digest, one);
  EXPECT_EQ(schedule(keyed(make_send("c", at(20)), "key", one)), first);
  StoreChanges changes;
  changes.sends.push_back(keyed(make_send("c", at(20)), "key", two));
  EXPECT_FALSE(write(std::move(changes)));
}

}  // namespace tern::conformance
