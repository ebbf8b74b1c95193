#include "schedule_keys.hpp"

#include <gtest/gtest.h>

namespace tern::detail::rocks {

namespace {

FirstSend first_send() {
  FirstSend first;
  first.came = WallTime(std::chrono::hours(480'000));
  first.key.handle.slot = 17;
  first.key.handle.due = first.came + std::chrono::hours(2);
  first.key.handle.id = new_send_id();
  return first;
}

}  // namespace

TEST(FirstSendRecord, KeepsTheDigest) {
  auto first = first_send();
  first.key.digest.fill(0xA5);
  const auto read = decode_first(encode_first(first));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->came, first.came);
  EXPECT_EQ(read->key.handle, first.key.handle);
  EXPECT_EQ(read->key.digest, first.key.digest);
}

TEST(FirstSendRecord, WithoutADigestIsWhatEarlierVersionsWrote) {
  const auto first = first_send();
  const auto bytes = encode_first(first);
  EXPECT_EQ(bytes.size(), 33U);  // time, slot, due, id
  const auto read = decode_first(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->key.handle, first.key.handle);
  EXPECT_EQ(read->key.digest, SendDigest{});
}

TEST(FirstSendRecord, AnotherLengthIsUnreadable) {
  auto first = first_send();
  first.key.digest.fill(1);
  const auto bytes = encode_first(first);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(decode_first(bytes.substr(0, size)).has_value(), size == 33U) << size;
  }
  EXPECT_FALSE(decode_first(bytes + "x"));
}

TEST(FirstSendRecord, OfASlotThatDoesNotExistIsUnreadable) {
  auto first = first_send();
  first.key.handle.slot = slot_count - 1;
  EXPECT_TRUE(decode_first(encode_first(first)));
  first.key.handle.slot = slot_count;
  EXPECT_FALSE(decode_first(encode_first(first)));
}

TEST(LocationRecord, OfASlotThatDoesNotExistIsUnreadable) {
  Location location{slot_count - 1, {first_send().came, 5}, 2};
  const auto read = decode_location(encode_location(location));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->slot, location.slot);
  EXPECT_EQ(read->place, location.place);
  EXPECT_EQ(read->generation, location.generation);
  location.slot = slot_count;
  EXPECT_FALSE(decode_location(encode_location(location)));
}

}  // namespace tern::detail::rocks
