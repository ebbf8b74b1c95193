// What a store gives away of its schedule, and takes from another's: sends as they are, and idempotency keys.
#include "conformance/schedule_suite.hpp"

namespace tern::conformance {

namespace {

using namespace std::chrono_literals;

SendQuery all() {
  SendQuery query;
  query.limit = 1000;
  return query;
}

SendQuery one(const SendHandle& handle) {
  SendQuery query;
  query.handle = handle;
  return query;
}

}  // namespace

TEST_P(ScheduleSuite, KeysAreListedInByteOrderWithWhatTheyStandFor) {
  const auto list_keys = [&](std::string after, std::size_t limit) {
    return test::run(store->list_keys(KeyQuery{std::move(after), limit}, Deadline::never()));
  };
  EXPECT_TRUE(list_keys("", 10).keys.empty());
  std::vector<SendHandle> handles;
  for (const auto* key : {"b", "a", "c", "\xC3\xBC"}) {
    auto send = make_send("c", at(10), key);
    send.idempotency_key = key;
    send.digest = SendDigest{static_cast<std::uint8_t>(key[0])};
    handles.push_back(schedule(std::move(send)));
  }
  schedule(make_send("c", at(10), "without a key"));
  EXPECT_EQ(cancel(handles[0]), EditOutcome::done);
  edit(SendEdit::Kind::reschedule, handles[1], at(20));

  auto page = list_keys("", 3);
  ASSERT_EQ(page.keys.size(), 3U);
  EXPECT_EQ(page.keys[0].key, "a");
  EXPECT_EQ(page.keys[0].known.handle, handles[1]) << "the first one, wherever it has moved";
  EXPECT_EQ(page.keys[0].known.digest, SendDigest{'a'});
  EXPECT_EQ(page.keys[1].key, "b");
  EXPECT_EQ(page.keys[1].known.handle, handles[0]) << "cancelled";
  EXPECT_GE(page.keys[2].came, at(-1));
  EXPECT_EQ(page.next, "c");
  page = list_keys(page.next, 3);
  ASSERT_EQ(page.keys.size(), 1U);
  EXPECT_EQ(page.keys[0].key, "\xC3\xBC");
  EXPECT_EQ(page.next, "");
}

TEST_P(ScheduleSuite, KeysThatAreForgottenAreNotListed) {
  auto send = make_send("c", at(10));
  send.idempotency_key = "old";
  schedule(std::move(send));
  StoreChanges changes;
  const auto week = std::chrono::hours(7 * 24);
  changes.keys.push_back({"older", {make_send("c", at(5)).handle, {}}, clock.wall_now() - week - 1s});
  changes.keys.push_back({"young", {make_send("c", at(5)).handle, {}}, clock.wall_now() - week + 1h});
  (void)commit(std::move(changes));
  const auto page = test::run(store->list_keys(KeyQuery(), Deadline::never()));
  ASSERT_EQ(page.keys.size(), 2U);
  EXPECT_EQ(page.keys[0].key, "old");
  EXPECT_EQ(page.keys[1].key, "young");
}

// As it was in the store that it comes from, whatever its key says here: it may have been forgotten there, and stand
// for another send by now.
TEST_P(ScheduleSuite, ACopiedSendIsKeptAsItIsAndTakesNoKey) {
  auto first = make_send("c", at(100), "first");
  first.idempotency_key = "key";
  first.attempt = 3;
  first.generation = 2;
  first.not_before = at(200);
  first.cancel_on_reply = "c";
  auto second = make_send("c", at(50), "second");
  second.idempotency_key = "key";
  first.is_copy = second.is_copy = true;
  StoreChanges changes;
  changes.sends = {first, second};
  const auto receipt = commit(std::move(changes));
  EXPECT_EQ(receipt.handles, (std::vector<SendHandle>{first.handle, second.handle}));
  const auto kept = list(all()).sends;
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].payload, "second");
  EXPECT_EQ(kept[1].idempotency_key, "key");
  EXPECT_EQ(kept[1].attempt, 3U);
  EXPECT_EQ(kept[1].generation, 2U);
  EXPECT_EQ(kept[1].not_before, at(200));
  EXPECT_EQ(counts().awaiting_reply, 1U);
  EXPECT_TRUE(test::run(store->list_keys(KeyQuery(), Deadline::never())).keys.empty());

  auto handle = first.handle;
  handle.due = at(1);  // as it was given before the send was moved
  ASSERT_EQ(list(one(handle)).sends.size(), 1U);
  EXPECT_EQ(cancel(handle), EditOutcome::done);
}

TEST_P(ScheduleSuite, ACopiedKeyStandsForItsSend) {
  auto send = make_send("c", at(100), "kept");
  send.is_copy = true;
  StoreChanges sends;
  sends.sends.push_back(send);
  (void)commit(std::move(sends));
  const auto gone = make_send("c", at(5)).handle;
  StoreChanges keys;
  keys.keys.push_back({"gone", {gone, {}}, clock.wall_now() - 24h});
  keys.keys.push_back({"pending", {send.handle, SendDigest{7}}, clock.wall_now() - 24h});
  (void)commit(std::move(keys));

  SendQuery query;
  query.idempotency_key = "pending";
  auto page = list(query);
  ASSERT_TRUE(page.known);
  EXPECT_EQ(page.known->handle, send.handle);
  EXPECT_EQ(page.known->digest, SendDigest{7});
  EXPECT_EQ(page.sends.size(), 1U);
  auto again = make_send("c", at(7), "again");
  again.idempotency_key = "gone";
  StoreChanges changes;
  changes.sends.push_back(again);
  EXPECT_EQ(commit(std::move(changes)).handles.at(0), gone) << "not sent a second time";
  EXPECT_EQ(counts().pending, 1U);

  StoreChanges over;
  over.keys.push_back({"gone", {send.handle, {}}, clock.wall_now()});
  (void)commit(std::move(over));
  query.idempotency_key = "gone";
  EXPECT_EQ(list(query).known->handle, send.handle) << "written over";
}

TEST_P(ScheduleSuite, ACopiedDeadSendIsKeptAndCanBeSentAgain) {
  std::vector<SendHandle> handles;
  StoreChanges changes;
  for (const auto* payload : {"first", "second", "third"}) {
    DeadSend dead;
    dead.send = make_send("c", at(5), payload);
    dead.send.attempt = 12;
    dead.send.cancel_on_reply = "c";
    dead.reason = "rejected with 400";
    dead.died = at(-3600);
    handles.push_back(dead.send.handle);
    changes.dead.push_back(std::move(dead));
  }
  (void)commit(std::move(changes));
  EXPECT_EQ(counts().kept_dead, 3U);
  EXPECT_EQ(counts().pending, 0U);
  const auto kept = list_dead({}).sends;
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(kept[0].send.payload, "first") << "in their order";
  EXPECT_EQ(kept[2].send.payload, "third");
  EXPECT_EQ(kept[0].reason, "rejected with 400");
  EXPECT_EQ(kept[0].died, at(-3600));
  EXPECT_EQ(kept[0].send.attempt, 12U);
  EXPECT_EQ(edit(SendEdit::Kind::redrive, handles[1], at(1)).edits.at(0), EditOutcome::done);
  EXPECT_EQ(edit(SendEdit::Kind::discard, handles[0]).edits.at(0), EditOutcome::done);
  EXPECT_EQ(counts().kept_dead, 1U);
  EXPECT_EQ(counts().pending, 1U);
  EXPECT_EQ(counts().awaiting_reply, 1U);
}

TEST_P(ScheduleSuite, KeysInDisorderAreRefused) {
  const auto refused = [&](std::vector<std::string> names) {
    StoreChanges changes;
    for (auto& name : names) {
      changes.keys.push_back({std::move(name), {make_send("c", at(5)).handle, {}}, clock.wall_now()});
    }
    try {
      (void)commit(std::move(changes));
    } catch (const system_error& error) {
      return error.code() == errc::invalid_argument;
    }
    return false;
  };
  EXPECT_TRUE(refused({""}));
  EXPECT_TRUE(refused({"b", "a"}));
  EXPECT_TRUE(refused({"a", "a"}));
}

}  // namespace tern::conformance
