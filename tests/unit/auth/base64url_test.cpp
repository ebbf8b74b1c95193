#include "auth/base64url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::auth {
namespace {

TEST(Base64url, ReadsWhatItWrites) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    const std::string text = encode_base64url(bytes);
    EXPECT_EQ(text.find_first_of("+/="), std::string::npos);
    EXPECT_EQ(decode_base64url(text), bytes) << i;
    bytes.push_back(static_cast<char>(i * 37));
  }
}

TEST(Base64url, ReadsTheExamplesOfTheStandard) {
  // RFC 4648, section 10, and RFC 7515, appendix C.
  EXPECT_EQ(decode_base64url(""), "");
  EXPECT_EQ(decode_base64url("Zg"), "f");
  EXPECT_EQ(decode_base64url("Zm8"), "fo");
  EXPECT_EQ(decode_base64url("Zm9v"), "foo");
  EXPECT_EQ(decode_base64url("Zm9vYg"), "foob");
  EXPECT_EQ(decode_base64url("A-z_4ME"), "\x03\xec\xff\xe0\xc1");
}

TEST(Base64url, RefusesASecondTextForTheSameBytes) {
  for (const char* text : {"Zh", "Zi", "Zm9", "Zm9vYh", "_x", "AB"}) {
    EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
  }
}

TEST(Base64url, RefusesWhatIsNoBase64url) {
  for (const std::string text : {"Z", "Zm9vY", "Zg==", "Zg=", "Zm8=", "Zm9v=", "Zm 8", "Zm9v\n", " Zm9v", "Zm+v",
                                 "Zm/v", "Zm.v", "Z\xc3\xbc", "Zm9,"}) {
    EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
  }
  EXPECT_EQ(decode_base64url(std::string("Zm\0v", 4)), std::nullopt);
}

}  // namespace
}  // namespace tern::auth
