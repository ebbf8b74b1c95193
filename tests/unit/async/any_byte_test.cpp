#include "async/any_byte.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace tern::detail {
namespace {

bool has_slash_or_control(const std::string& text) {
  return any_byte(text, [](const ByteBlock& bytes) { return is_byte(bytes, '/') | is_below(bytes, 0x20); });
}

TEST(AnyByte, FindsAByteAtEachPlaceOfTextsOfEachSize) {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string text(size, '0');
    EXPECT_FALSE(has_slash_or_control(text)) << size;
    for (std::size_t at = 0; at < size; ++at) {
      for (const char one : {'/', '\0', '\x1f'}) {
        std::string with = text;
        with[at] = one;
        EXPECT_TRUE(has_slash_or_control(with)) << size << " " << at;
      }
      for (const char one : {'.', '\x20', '\x7f', '\x80', '\xff'}) {
        std::string without = text;
        without[at] = one;
        EXPECT_FALSE(has_slash_or_control(without)) << size << " " << at;
      }
    }
  }
}

TEST(AnyByteOutside, FindsAByteAtEachPlaceOfTextsOfEachSize) {
  for (std::size_t size = 0; size < 70; ++size) {
    for (std::size_t at = 0; at < std::max<std::size_t>(size, 1); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'b');
        if (size > 0) {
          text[at] = static_cast<char>(byte);
        }
        EXPECT_EQ(any_byte_outside(text, ' ', '~'), size > 0 && (byte < ' ' || byte > '~')) << size << " " << at;
      }
    }
  }
}

TEST(AnyByteOutside, BothEndsOfTheRangeMayBeThoseOfAllBytes) {
  const std::string text = std::string(40, 'b') + std::string("\0\xff", 2);
  EXPECT_FALSE(any_byte_outside(text, 0x00, 0xFF));
  EXPECT_TRUE(any_byte_outside(text, 0x01, 0xFF));
  EXPECT_TRUE(any_byte_outside(text, 0x00, 0xFE));
}

TEST(AnyByte, LooksAtTheTextAlone) {
  const std::string text = "/////" + std::string(20, 'b') + "/////";
  EXPECT_FALSE(has_slash_or_control(text.substr(5, 20)));
  EXPECT_FALSE(
      any_byte(std::string_view(text).substr(5, 20), [](const ByteBlock& bytes) { return is_byte(bytes, '/'); }));
  EXPECT_FALSE(
      any_byte(std::string_view(text).substr(5, 7), [](const ByteBlock& bytes) { return is_byte(bytes, '/'); }));
  EXPECT_FALSE(any_byte_outside(std::string_view(text).substr(5, 20), 'a', 'c'));
  EXPECT_FALSE(any_byte_outside(std::string_view(text).substr(5, 7), 'a', 'c'));
}

}  // namespace
}  // namespace tern::detail
