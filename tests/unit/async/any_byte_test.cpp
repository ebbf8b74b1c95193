#include "async/any_byte.hpp"

#include <gtest/gtest.h>

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

TEST(AnyByte, LooksAtTheTextAlone) {
  const std::string text = "/////" + std::string(20, 'b') + "/////";
  EXPECT_FALSE(has_slash_or_control(text.substr(5, 20)));
  EXPECT_FALSE(
      any_byte(std::string_view(text).substr(5, 20), [](const ByteBlock& bytes) { return is_byte(bytes, '/'); }));
  EXPECT_FALSE(
      any_byte(std::string_view(text).substr(5, 7), [](const ByteBlock& bytes) { return is_byte(bytes, '/'); }));
}

}  // namespace
}  // namespace tern::detail
