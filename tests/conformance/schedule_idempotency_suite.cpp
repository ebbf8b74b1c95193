#include "conformance/schedule_suite.hpp"

namespace tern::conformance {

namespace {

using namespace std::chrono_literals;

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

}  // namespace tern::conformance
