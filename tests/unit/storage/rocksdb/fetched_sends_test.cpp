#include "fetched_sends.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tern::detail::rocks {
namespace {

SendId numbered(std::uint8_t number) {
  SendId id{};
  id[0] = number;
  return id;
}

std::vector<StoredSend> one(std::uint8_t number, std::string payload = "{}") {
  StoredSend stored;
  stored.send.handle.id = numbered(number);
  stored.send.payload = std::move(payload);
  stored.place.seq = number;
  return {stored};
}

class KeptFetchedSends : public ::testing::Test {
 protected:
  void forget(std::uint8_t number) {
    const std::vector<SendId> ids{numbered(number)};
    kept.forget(ids);
  }

  FetchedSends kept;
};

TEST_F(KeptFetchedSends, ArePartsWithWhatARemovalNeeds) {
  auto stored = one(1, std::string(1000, 'x')).at(0);
  stored.send.handle.slot = 5;
  stored.send.order_key = "order";
  stored.send.cancel_on_reply = "conversation";
  stored.send.not_before = WallTime(std::chrono::seconds(7));
  stored.send.generation = 3;
  stored.send.attempt = 2;
  stored.send.begun = 1;
  const auto part = FetchedSends::part_of(stored);
  EXPECT_EQ(part.place, stored.place);
  EXPECT_EQ(part.send.handle.slot, 5);
  EXPECT_EQ(part.send.handle.id, stored.send.handle.id);
  EXPECT_EQ(part.send.order_key, "order");
  EXPECT_EQ(part.send.cancel_on_reply, "conversation");
  EXPECT_EQ(part.send.not_before, stored.send.not_before);
  EXPECT_EQ(part.send.generation, 3U);
  EXPECT_EQ(part.send.attempt, 2U);
  EXPECT_EQ(part.send.begun, 1U);
  EXPECT_TRUE(part.send.payload.empty());
}

TEST_F(KeptFetchedSends, AreTakenOnce) {
  kept.keep(kept.begin(), one(1, "one"));
  kept.keep(kept.begin(), one(2));
  const auto taken = kept.take(numbered(1));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->send.payload, "one");
  EXPECT_EQ(taken->place.seq, 1U);
  EXPECT_FALSE(kept.take(numbered(1)));
  EXPECT_TRUE(kept.take(numbered(2)));
}

TEST_F(KeptFetchedSends, AreTheLastThatWereKept) {
  kept.keep(kept.begin(), one(1, "old"));
  kept.keep(kept.begin(), one(1, "new"));
  EXPECT_EQ(kept.take(numbered(1))->send.payload, "new");
  EXPECT_FALSE(kept.take(numbered(1)));
}

TEST_F(KeptFetchedSends, AreForgottenAloneWhenTheirRecordsMayChange) {
  kept.keep(kept.begin(), one(1));
  kept.keep(kept.begin(), one(2));
  forget(1);
  EXPECT_FALSE(kept.take(numbered(1)));
  EXPECT_TRUE(kept.take(numbered(2)));
}

// The fetch may have read before the write and keeps after it.
TEST_F(KeptFetchedSends, AreNotKeptWhenOneWasForgottenMeanwhile) {
  const auto begun = kept.begin();
  forget(1);
  kept.keep(begun, one(1));
  EXPECT_FALSE(kept.take(numbered(1)));
  kept.keep(kept.begin(), one(1));
  EXPECT_TRUE(kept.take(numbered(1)));
}

TEST_F(KeptFetchedSends, ForgettingNoneLeavesAFetchAlone) {
  const auto begun = kept.begin();
  kept.forget({});
  kept.keep(begun, one(1));
  EXPECT_TRUE(kept.take(numbered(1)));
}

TEST_F(KeptFetchedSends, StartAnewWhenTheyAreTooMany) {
  const std::string half(FetchedSends::most_bytes / 2, 'x');
  kept.keep(kept.begin(), one(1, half));
  kept.keep(kept.begin(), one(2));
  kept.keep(kept.begin(), one(3, half));
  EXPECT_FALSE(kept.take(numbered(1)));
  EXPECT_FALSE(kept.take(numbered(2)));
  EXPECT_TRUE(kept.take(numbered(3)));
  kept.keep(kept.begin(), one(4, half));  // what was taken takes no room
  kept.keep(kept.begin(), one(5));
  EXPECT_TRUE(kept.take(numbered(4)));
  EXPECT_TRUE(kept.take(numbered(5)));
}

TEST_F(KeptFetchedSends, AreNotForgottenForOneThatIsTooLarge) {
  kept.keep(kept.begin(), one(1));
  kept.keep(kept.begin(), one(2, std::string(FetchedSends::most_bytes, 'x')));
  EXPECT_TRUE(kept.take(numbered(1)));
  EXPECT_FALSE(kept.take(numbered(2)));
}

}  // namespace
}  // namespace tern::detail::rocks
