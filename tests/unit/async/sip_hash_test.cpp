#include "async/sip_hash.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

namespace tern::detail {
namespace {

/// Of the bytes 00, 01 and so on, with the key 00 to 0f.
SipHash hash_of(std::size_t words) {
  SipHash hash({0x0706050403020100, 0x0F0E0D0C0B0A0908});
  for (std::size_t word = 0; word < words; ++word) {
    std::uint64_t bytes = 0;
    for (std::size_t at = 8; at > 0; --at) {
      bytes = bytes << 8 | ((word * 8 + at - 1) & 0xFF);
    }
    hash.add(bytes);
  }
  return hash;
}

// As OpenSSL 3.0 prints it, first byte first: `openssl mac -macopt c-rounds:1 -macopt d-rounds:3 -macopt size:8 ...
// SIPHASH`. The first three are among the tests of Rust's standard library, too.
std::uint64_t printed(std::uint64_t value) {
  std::uint64_t turned = 0;
  for (int byte = 0; byte < 8; ++byte) {
    turned = turned << 8 | ((value >> (8 * byte)) & 0xFF);
  }
  return turned;
}

TEST(SipHash, IsWhatOthersReckon) {
  EXPECT_EQ(hash_of(0).hash(), printed(0xDCC40F055801ACAB));
  EXPECT_EQ(hash_of(0).hash_with(0), printed(0x93CA577DF39BF4C9));
  EXPECT_EQ(hash_of(1).hash(), printed(0x8E9A298D11959036));
  EXPECT_EQ(hash_of(2).hash(), printed(0x668B907D1ADD4FCC));
  EXPECT_EQ(hash_of(2).hash_with(16), printed(0x0CD8DB639068F29C));
  EXPECT_EQ(hash_of(3).hash(), printed(0x8C9C3467B2AE64F4));
  EXPECT_EQ(hash_of(3).hash_with(24), printed(0x79095B702859CD45));
  EXPECT_EQ(hash_of(4).hash_with(32), printed(0xBFF98F7AE5B9544D));
}

// The length is a byte of the last word.
TEST(SipHash, GoesOnBeyond255Bytes) {
  EXPECT_EQ(hash_of(33).hash(), printed(0x665DA389C2DCFEC8));
}

}  // namespace
}  // namespace tern::detail
