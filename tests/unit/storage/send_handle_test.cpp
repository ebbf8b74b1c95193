#include <tern/storage/schedule_types.hpp>

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace tern {

namespace {

using namespace std::chrono_literals;

}  // namespace

TEST(SendHandle, TextMatchesItsVectors) {
  SendHandle handle;
  EXPECT_EQ(handle.to_string(), "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  handle.slot = 63;
  handle.due = WallTime(std::chrono::duration_cast<WallTime::duration>(1'767'225'600'123'456'789ns));
  for (std::size_t i = 0; i < handle.id.size(); ++i) {
    handle.id[i] = static_cast<std::uint8_t>(i);
  }
  EXPECT_EQ(handle.to_string(), "AQA_GIZyUfVVzRUAAQIDBAUGBwgJCgsMDQ4P");
}

TEST(SendHandle, RoundTrips) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    SendHandle handle;
    handle.slot = static_cast<std::uint16_t>(random() % slot_count);
    handle.due = WallTime(WallTime::duration(static_cast<std::int64_t>(random())));
    handle.id = new_send_id();
    const auto text = handle.to_string();
    EXPECT_EQ(text.size(), 36u);
    EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    const auto parsed = SendHandle::parse(text);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, handle);
  }
}

TEST(SendHandle, RefusesWhatIsNoHandle) {
  const std::string valid = "AQA_GIZyUfVVzRUAAQIDBAUGBwgJCgsMDQ4P";
  ASSERT_TRUE(SendHandle::parse(valid).has_value());
  for (const auto& text : {std::string(), std::string("x"), valid.substr(1), valid + "A", valid + "=",
                           " " + valid.substr(1), valid.substr(0, 35) + "=", valid.substr(0, 35) + "+",
                           valid.substr(0, 35) + "/", valid.substr(0, 35) + '\0', valid.substr(0, 35) + '\xff',
                           std::string("AQBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),     // slot 64
                           std::string("AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")}) {  // version 2
    EXPECT_FALSE(SendHandle::parse(text).has_value()) << text;
  }
}

TEST(SendId, IsARandomUuid) {
  std::set<std::array<std::uint8_t, 16>> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto id = new_send_id();
    EXPECT_EQ(id[6] >> 4, 4);  // version
    EXPECT_EQ(id[8] >> 6, 2);  // variant
    EXPECT_TRUE(seen.insert(id).second);
  }
}

}  // namespace tern
