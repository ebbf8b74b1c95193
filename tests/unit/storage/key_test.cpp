#include <tern/storage/types.hpp>

#include <gtest/gtest.h>

namespace tern {

namespace {

using namespace std::string_literals;

std::string repeat(std::string_view text, std::size_t times) {
  std::string repeated;
  for (std::size_t i = 0; i < times; ++i) {
    repeated += text;
  }
  return repeated;
}

}  // namespace

TEST(KeyPart, LeavesWhatMayStandInAnId) {
  const std::string id = "!@#$^&*()~\\><,.?';\"`~ -_:|{}[]=+\u00fc\u6771\U0001f426";
  EXPECT_EQ(key_part(id), id);
  EXPECT_EQ(key_part(""), "");
}

TEST(KeyPart, EscapesSeparatorPercentAndControls) {
  EXPECT_EQ(key_part("a/users/b"), "a%2Fusers%2Fb");
  EXPECT_EQ(key_part("100%"), "100%25");
  EXPECT_EQ(key_part("%2F"), "%252F");
  EXPECT_EQ(key_part("\0\n\x1f\x7f"s), "%00%0A%1F%7F");
}

TEST(KeyPart, KeepsDifferentPartsApart) {
  EXPECT_NE(key_part("a/b"), key_part("a%2Fb"));
  EXPECT_NE(key_part("a") + '/' + key_part("b/c"), key_part("a/b") + '/' + key_part("c"));
}

TEST(BoundedKey, KeepsWhatFits) {
  EXPECT_EQ(bounded_key(""), "");
  EXPECT_EQ(bounded_key("short"), "short");
  const std::string longest(max_key_bytes, 'k');
  EXPECT_EQ(bounded_key(longest), longest);
}

TEST(BoundedKey, CutsAndAppendsTheHashOfTheWhole) {
  const auto key = bounded_key(std::string(1025, 'k'));
  EXPECT_EQ(key.size(), max_key_bytes);
  EXPECT_EQ(key, std::string(959, 'k') + "~011cc8dcade24f43d2d7f95605d8481da1d0b86475def49be02bfc20cee86e65");
}

TEST(BoundedKey, NeverCutsWithinACharacter) {
  const auto two = bounded_key(std::string(958, 'a') + repeat("\u00e9", 50));
  EXPECT_EQ(two, std::string(958, 'a') + "~9a0dab40e31b1559096471a339d805bc70b6120fff16e96744c47074bd685938");
  const auto four = bounded_key(std::string(956, 'a') + "\U0001f426" + std::string(100, 'b'));
  EXPECT_EQ(four, std::string(956, 'a') + "~e79dea52ac66ee92737fdc5b39a612afc6d5a94a87fcbfb60e9fc2781809e11f");
}

TEST(BoundedKey, CutsWhatIsNoUtf8AtTheLimit) {
  const auto key = bounded_key(std::string(2000, '\x80'));
  EXPECT_EQ(key, std::string(959, '\x80') + "~9907f87ade465115c7576b01d7775eb9eab16e4f72295f68c170e04beca5fe72");
}

TEST(BoundedKey, KeepsLongKeysApart) {
  const std::string common(5000, 'x');
  EXPECT_NE(bounded_key(common + "a"), bounded_key(common + "b"));
}

// Else whoever knows a long key could choose a short one that stands for the same document.
TEST(BoundedKey, NoKeyThatFitsIsTheCutFormOfAnother) {
  for (const std::string& whole :
       {std::string(1025, 'k'), std::string(5000, 'x'), std::string(956, 'a') + "\U0001f426" + std::string(100, 'b'),
        std::string(2000, '\x80')}) {
    const auto cut = bounded_key(whole);
    EXPECT_NE(bounded_key(cut), cut);
    EXPECT_LE(bounded_key(cut).size(), max_key_bytes);
    EXPECT_NE(bounded_key(bounded_key(cut)), bounded_key(cut)) << "and so on";
  }
}

TEST(BoundedKey, KeepsWhatOnlyResemblesACutOne) {
  const std::string digest(64, 'a');
  for (const std::string& key :
       {"~" + digest, std::string(900, 'k') + "~" + digest, std::string(955, 'k') + "~" + digest,
        std::string(959, 'k') + "-" + digest, std::string(959, 'k') + "~" + std::string(64, 'A'),
        std::string(959, 'k') + "~" + std::string(64, 'g')}) {
    EXPECT_EQ(bounded_key(key), key);
  }
}

}  // namespace tern
