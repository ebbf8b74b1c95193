#include "async/keyed_hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace tern::detail {
namespace {

KeyedHasher hashed(std::initializer_list<std::string_view> parts) {
  KeyedHasher hasher;
  for (const auto part : parts) {
    hasher.add(part);
  }
  return hasher;
}

TEST(KeyedHash, IsTheSameForTheSameText) {
  const std::string one = "a:1ABCvictim-conversation-0001";
  const std::string same = one;
  EXPECT_EQ(keyed_hash(one), keyed_hash(same));
  EXPECT_NE(keyed_hash(one), keyed_hash("stranger4lqeeas6ZO5YO.~N"));
  EXPECT_NE(keyed_hash(""), keyed_hash(std::string_view("\0", 1)));
}

TEST(KeyedHash, TellsPartsApart) {
  EXPECT_EQ(hashed({"ab", "c"}).hash(), hashed({"ab", "c"}).hash());
  EXPECT_NE(hashed({"ab", "c"}).hash(), hashed({"a", "bc"}).hash());
  EXPECT_NE(hashed({"", "a"}).digest(), hashed({"a", ""}).digest());
  EXPECT_NE(hashed({"a"}).digest(), hashed({"a", ""}).digest());
}

// A length of 255 or more has a word of its own.
TEST(KeyedHash, TakesTextsOfAnyLength) {
  std::set<std::uint64_t> hashes;
  std::set<std::uint64_t> digests;
  for (std::size_t length = 0; length < 1'100; ++length) {
    const std::string text(length, 'x');
    auto hasher = hashed({text, "end"});
    EXPECT_EQ(hasher.digest(), hashed({text, "end"}).digest());
    hashes.insert(hasher.hash());
    digests.insert(hasher.digest().low);
    auto other = text;
    if (!other.empty()) {
      other.front() = 'y';
      EXPECT_NE(hasher.digest(), hashed({other, "end"}).digest()) << length;
    }
  }
  EXPECT_EQ(hashes.size(), 1'100U);
  EXPECT_EQ(digests.size(), 1'100U);
}

TEST(KeyedHash, CountsEveryByte) {
  for (std::size_t length = 1; length < 300; ++length) {
    std::string text(length, '\0');
    std::set<std::uint64_t> hashes{keyed_hash(text), keyed_hash(text + '\0')};
    for (auto& byte : text) {
      byte = 1;
      hashes.insert(keyed_hash(text));
      byte = 0;
    }
    EXPECT_EQ(hashes.size(), length + 2) << length;
  }
}

}  // namespace
}  // namespace tern::detail
