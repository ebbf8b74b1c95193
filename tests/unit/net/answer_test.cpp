#include "net/answer.hpp"

#include <gtest/gtest.h>

namespace tern::net {
namespace {

using namespace std::chrono_literals;

TEST(KeepAlive, TimeoutIsFoundAmongOthers) {
  EXPECT_EQ(parse_keep_alive("timeout=5"), 5s);
  EXPECT_EQ(parse_keep_alive("max=100, timeout=20"), 20s);
  EXPECT_EQ(parse_keep_alive("timeout=x"), std::nullopt);
  EXPECT_EQ(parse_keep_alive("max=5"), std::nullopt);
  EXPECT_EQ(parse_keep_alive(""), std::nullopt);
  EXPECT_EQ(parse_keep_alive("timeout=-3"), std::nullopt);
  EXPECT_EQ(parse_keep_alive("timeout=99999999999999"), std::nullopt);
}

}  // namespace
}  // namespace tern::net
