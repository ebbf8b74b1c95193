#include "app/memory_bounds.hpp"

#include "app/key_table.hpp"

#include <boost/json/value.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace tern::app {
namespace {

using testing::HasSubstr;

const MemoryBound& find(const std::vector<MemoryBound>& bounds, const std::string& what) {
  for (const auto& bound : bounds) {
    if (bound.what.starts_with(what)) {
      return bound;
    }
  }
  throw std::out_of_range("no bound of " + what);
}

DescriptorPlan plan(const Settings& settings, std::size_t descriptors = 1U << 20) {
  return plan_descriptors(descriptors, settings.limits.connections);
}

std::uint64_t sum(const Settings& settings, std::size_t shards = 2) {
  return sum_of(memory_bounds(settings, shards, plan(settings)));
}

TEST(MemoryBounds, AddUpToTheirParts) {
  Settings settings;
  settings.limits.connections = 100;
  settings.limits.header = 1'000;
  settings.limits.body = 10'000;
  settings.limits.dedupe_bytes = 5'000'000;
  const auto bounds = memory_bounds(settings, 2, plan(settings));
  EXPECT_GE(find(bounds, "requests").each, 11'000U);
  EXPECT_EQ(find(bounds, "requests").count, 100U);
  EXPECT_EQ(find(bounds, "answers to what may be repeated").bytes(), 10'000'000U) << "blocks take up to twice as much";
  std::uint64_t all = 0;
  for (const auto& bound : bounds) {
    all += bound.count * bound.each;
  }
  EXPECT_EQ(sum_of(bounds), all);
}

// Whoever lowers a bound sees it in the sum.
TEST(MemoryBounds, EveryBoundOfMemoryCounts) {
  Settings settings;
  settings.proactive.enabled = true;
  for (const char* kind : {"memory", "rocksdb"}) {
    settings.storage.kind = kind;
    const bool memory = settings.storage.kind == "memory";
    std::vector<std::string> keys{"limits.connections",
                                  "limits.header",
                                  "limits.body",
                                  "limits.turns",
                                  "limits.replies",
                                  "limits.background_tasks",
                                  "limits.dedupe_bytes",
                                  "log.buffer",
                                  "connector.in_flight",
                                  "limits.connector_waiting",
                                  "limits.sends_in_flight",
                                  "limits.continuations_in_flight",
                                  "limits.reference",
                                  memory ? "limits.storage_bytes" : "storage.cache_mb",
                                  memory ? "limits.pending_sends" : "limits.storage_queue"};
    const KeyTable table{OwnKeys()};
    for (const auto& name : keys) {
      auto less = settings;
      const auto* key = table.find(name);
      ASSERT_NE(key, nullptr) << name;
      key->assign(less, name == "log.buffer" || name == "limits.storage_bytes" || name == "limits.replies"
                            ? boost::json::value("512KiB")
                            : boost::json::value(name == "limits.header" || name == "limits.reference" ? 512 : 1));
      EXPECT_LT(sum(less), sum(settings)) << name << " on " << kind;
    }
  }
}

// What a process without many descriptors cannot reach is not in the sum.
TEST(MemoryBounds, ConnectionsCountAsFarAsThereAreDescriptors) {
  Settings settings;
  const auto few = plan(settings, 1024);
  const auto bounds = memory_bounds(settings, 2, few);
  EXPECT_EQ(find(bounds, "requests").count, few.connections);
  EXPECT_EQ(find(bounds, "connections to channels").count, 128U) << "an eighth of the descriptors";
  EXPECT_EQ(find(memory_bounds(settings, 2, plan(settings, 1 << 20)), "requests").count, 10'000U);
  settings.metrics.port = 0;
  EXPECT_EQ(find(memory_bounds(settings, 2, few), "requests").count, few.connections + few.metrics_connections);
}

TEST(MemoryBounds, RequestsWhoseClientsHaveGoneCountAsTurnsDo) {
  Settings settings;
  settings.limits.turns = 7;
  EXPECT_EQ(find(memory_bounds(settings, 2, plan(settings)), "requests whose clients have gone").count, 7U);
}

TEST(MemoryBounds, TokensCountWhereTheyAreChecked) {
  Settings settings;
  settings.bot.app_id = "b0700000-0000-4000-8000-000000000001";
  const auto bounds = memory_bounds(settings, 2, plan(settings));
  EXPECT_EQ(find(bounds, "tokens that are known").count, 4096U);
  EXPECT_EQ(find(bounds, "tokens that a shard has seen lately").count, 128U);
  EXPECT_GT(find(bounds, "tokens that wait").each, 16U * 1024);
  EXPECT_LT(sum(Settings()), sum(settings));
  auto more = settings;
  more.bot.tenant_id = "7e4a4700-0000-4000-8000-000000000001";
  EXPECT_LT(sum(settings), sum(more)) << "each issuer may be waited for";
}

TEST(MemoryBounds, GrowWithTheShards) {
  EXPECT_LT(sum(Settings(), 1), sum(Settings(), 8));
}

TEST(MemoryBounds, WhatIsMoreThanCanBeCountedIsTheMost) {
  Settings settings;
  settings.limits.turns = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(sum(settings), std::numeric_limits<std::uint64_t>::max());
  settings.limits.turns = 1;
  settings.limits.storage_bytes = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(sum(settings), std::numeric_limits<std::uint64_t>::max());
}

TEST(MemoryBounds, AreSaidWithTheKeysThatBoundThemAndTheLargestFirst) {
  const auto text = describe({{"requests", "limits.connections", 2, 1'536}, {"the log", "log.buffer", 2, 1U << 20}});
  EXPECT_THAT(text, HasSubstr("  2.0 MiB  the log: 2 x 1.0 MiB (log.buffer)\n  3.0 KiB  requests: 2 x 1.5 KiB "
                              "(limits.connections)\n"));
  EXPECT_THAT(text, HasSubstr("  2.0 MiB  in all\n"));
}

}  // namespace
}  // namespace tern::app
