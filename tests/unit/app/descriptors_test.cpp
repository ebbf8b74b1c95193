#include "app/descriptors.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tern::app {
namespace {

TEST(Descriptors, LetAsManyConnectionsBeAsAreWantedWhereThereAreEnough) {
  for (const std::size_t limit : {std::size_t{13'680}, std::size_t{1} << 20, std::numeric_limits<std::size_t>::max()}) {
    EXPECT_EQ(plan_descriptors(limit, 10'000).connections, 10'000U) << limit;
  }
  EXPECT_EQ(plan_descriptors(1024, 5).connections, 5U);
}

TEST(Descriptors, KeepAQuarterForStorageAndOutgoingConnections) {
  const auto plan = plan_descriptors(1024, 10'000);
  EXPECT_EQ(plan.connections + plan.refusals, 768U);
  EXPECT_GE(plan.connections, 600U);
  EXPECT_GE(plan.refusals, 64U);
  EXPECT_LE(plan.metrics_connections, 256U / 8) << "they are out of the reserve";
  EXPECT_EQ(plan.outgoing, 128U);
  EXPECT_LE(plan.outgoing + 2 * plan.metrics_connections + 64, 256U) << "something is left for storage";
  const auto few = plan_descriptors(128, 10'000);
  EXPECT_EQ(few.connections + few.refusals, 64U) << "at least 64 are kept";
}

TEST(Descriptors, GoToChannelsWhereClientsDoNotWantThem) {
  EXPECT_GE(plan_descriptors(65'536, 10'000).outgoing, 40'000U);
  EXPECT_EQ(plan_descriptors(std::numeric_limits<std::size_t>::max(), 10'000).outgoing, 1'000'000U);
}

TEST(Descriptors, LeaveAPlaceHoweverFewThereAre) {
  for (std::size_t limit = 0; limit < 3'000; ++limit) {
    const auto plan = plan_descriptors(limit, 10'000);
    ASSERT_GE(plan.connections, 1U) << limit;
    ASSERT_GE(plan.refusals, 1U) << limit;
    ASSERT_GE(plan.metrics_connections, 1U) << limit;
    ASSERT_GE(plan.outgoing, 1U) << limit;
    if (limit >= 80) {
      const auto edges = plan.connections + plan.refusals + 2 * plan.metrics_connections;
      ASSERT_LE(edges + plan.outgoing + 8, limit) << "something is left for storage";
      ASSERT_LE(plan.connections + plan.refusals + 64, limit);
    }
  }
}

}  // namespace
}  // namespace tern::app
