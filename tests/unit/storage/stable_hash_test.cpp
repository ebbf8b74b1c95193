#include <tern/storage/schedule_types.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tern {

namespace {

struct Vector {
  std::string_view bytes;
  std::uint64_t hash;
  std::uint16_t slot;
};

// Computed apart from the code. Stored sends depend on them: never change one.
constexpr Vector vectors[] = {
    {"", 0xefd01f60ba992926, 38},
    {"a", 0x82a2a958a9bece5b, 27},
    {"foobar", 0x2c22194922d1672b, 43},
    {"local/emulator/conv-1", 0x2ff63342ea53ccb8, 56},
    {"\u00fcber/\U0001f426", 0x3a8f4fb51ef7f9f2, 50},
    {std::string_view("\0", 1), 0xb9034ad37056f5fb, 59},
    {"\xff\xfe", 0x75c9056eb1c4b960, 32},
    {"28/msteams/19%3A", 0x17c3adf9c4e03745, 5},
};

}  // namespace

TEST(StableHash, MatchesItsVectors) {
  for (const auto& vector : vectors) {
    EXPECT_EQ(stable_hash(vector.bytes), vector.hash) << vector.bytes;
    EXPECT_EQ(slot_of(vector.bytes), vector.slot) << vector.bytes;
  }
}

// After these eight bytes FNV-1a is at zero, where NULs leave it: texts that differ in them collide, as others do that
// are harder to find.
TEST(OrderHash, TellsApartOrderKeysWhoseFixedHashIsTheSame) {
  const std::string zero = "\xd5\x6b\xb9\x53\x42\x87\x08\x36";
  const auto victims = zero + "local/msteams/a:1";
  const auto strangers = zero + std::string(1, '\0') + "local/msteams/a:1";
  ASSERT_EQ(stable_hash(victims), stable_hash(strangers));
  EXPECT_NE(order_hash_of(victims), order_hash_of(strangers));
  EXPECT_EQ(order_hash_of(victims), order_hash_of(std::string(victims)));
}

TEST(StableHash, SpreadsSimilarKeysOverTheSlots) {
  std::array<int, slot_count> sends{};
  for (int i = 0; i < 64'000; ++i) {
    ++sends[slot_of("bot/channel/conversation-" + std::to_string(i))];
  }
  const auto [least, most] = std::minmax_element(sends.begin(), sends.end());
  EXPECT_GT(*least, 850);  // 1,000 each, give or take
  EXPECT_LT(*most, 1150);
}

}  // namespace tern
