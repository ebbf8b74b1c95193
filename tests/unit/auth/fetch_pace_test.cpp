#include "auth/fetch_pace.hpp"

#include <gtest/gtest.h>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;

class FetchPaceTest : public testing::Test {
 protected:
  /// How long a fetch that fails now is followed by a pause.
  SteadyTime::duration pause_after_failure(double left_out = 0, SteadyTime::duration at_least = {}) {
    EXPECT_TRUE(pace.may_begin(now));
    pace.begin();
    pace.failed(now, left_out, at_least);
    const auto began = now;
    while (pace.pauses(now)) {
      EXPECT_FALSE(pace.may_begin(now));
      now += 250ms;
    }
    return now - began;
  }

  SteadyTime now{1h};
  FetchPace pace{1s, 10s};
};

TEST_F(FetchPaceTest, HasOneFetchUnderWay) {
  EXPECT_TRUE(pace.may_begin(now));
  EXPECT_FALSE(pace.under_way());
  pace.begin();
  EXPECT_TRUE(pace.under_way());
  EXPECT_FALSE(pace.may_begin(now));
  EXPECT_FALSE(pace.may_begin(now + 24h)) << "it is not given up by time alone";
  pace.succeeded();
  EXPECT_TRUE(pace.may_begin(now));
  EXPECT_FALSE(pace.last_failed());
}

TEST_F(FetchPaceTest, PausesTwiceAsLongAfterEachFailureUpToABound) {
  for (const auto pause : {1s, 2s, 4s, 8s, 10s, 10s}) {
    EXPECT_EQ(pause_after_failure(), pause);
    EXPECT_TRUE(pace.last_failed());
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(pause_after_failure(), 10s);
  }
}

TEST_F(FetchPaceTest, ForgetsFailuresAfterASuccess) {
  pause_after_failure();
  pause_after_failure();
  pace.begin();
  pace.succeeded();
  EXPECT_FALSE(pace.last_failed());
  EXPECT_EQ(pause_after_failure(), 1s);
}

TEST_F(FetchPaceTest, LeavesOutAPartOfThePauseAndKeepsToWhatIsAskedFor) {
  EXPECT_EQ(pause_after_failure(0.5), 500ms);
  EXPECT_EQ(pause_after_failure(0.25, 1s), 1500ms);
  EXPECT_EQ(pause_after_failure(0, 7s), 7s);
  EXPECT_EQ(pause_after_failure(0, 30s), 30s) << "longer than the longest";
  EXPECT_EQ(pause_after_failure(), 10s);
}

}  // namespace
}  // namespace tern::auth
