#include "storage/storable_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::detail {

namespace {

using namespace std::string_literals;

// At every offset, since eight plain characters are looked at together.
void expect_everywhere(const std::string& part, bool storable) {
  for (std::size_t before = 0; before < 17; ++before) {
    for (std::size_t after = 0; after < 17; ++after) {
      EXPECT_EQ(is_storable_text(std::string(before, 'a') + part + std::string(after, 'z')), storable)
          << ::testing::PrintToString(part) << " after " << before << " before " << after;
    }
  }
}

}  // namespace

TEST(StorableText, IsUtf8) {
  for (const auto& text : {""s, "\x01"s, "\x7f"s, "\u0080"s, "\u07ff"s, "\u0800"s, "\ud7ff"s, "\ue000"s, "\uffff"s,
                           "\U00010000"s, "\U0010ffff"s}) {
    expect_everywhere(text, true);
  }
}

TEST(StorableText, IsNotWhatPostgresRefuses) {
  for (const auto& text :
       {"\0"s, "\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc3"s, "\xe0\x9f\xbf"s, "\xe2\x82"s, "\xed\xa0\x80"s,
        "\xf0\x8f\xbf\xbf"s, "\xf0\x9f\x98"s, "\xf4\x90\x80\x80"s, "\xf5"s, "\xff"s}) {
    expect_everywhere(text, false);
  }
}

TEST(StorableText, IsMadeOfWhatIsNot) {
  EXPECT_EQ(storable_text("as it is: \u00e9", 100), "as it is: \u00e9");
  EXPECT_EQ(storable_text("a\0b\xff"s, 100), "a?b?");
  EXPECT_EQ(storable_text("cut \u00e9\u00e9", 7), "cut \u00e9") << "no half of a character";
  EXPECT_EQ(storable_text("\xe2\x82", 100), "??");
  EXPECT_EQ(storable_text("", 100), "");
}

}  // namespace tern::detail
