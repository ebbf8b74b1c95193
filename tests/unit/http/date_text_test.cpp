#include "http/date_text.hpp"

#include <gtest/gtest.h>

namespace tern::http {
namespace {

using namespace std::chrono_literals;

TEST(DateText, IsTheDateOfHttpAndFollowsTheClockBothWays) {
  const WallTime example{784'111'777s};  // of RFC 9110
  DateText date;
  EXPECT_EQ(date.at(example), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(example + 999ms), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(example + 1s), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(date.at(example - 1ms), "Sun, 06 Nov 1994 08:49:36 GMT");
  EXPECT_EQ(date.at(WallTime{951'782'400s}), "Tue, 29 Feb 2000 00:00:00 GMT");
}

}  // namespace
}  // namespace tern::http
