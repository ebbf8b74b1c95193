#include <tern/storage/types.hpp>

#include "support/random_seed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tern {
namespace {

// Lists of one document and of more than a block of the pool has, which are made, moved and dropped.
TEST(StoreList, DoesWhatAPlainVectorDoes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<StoreList<std::uint32_t>> pooled(20);
  std::vector<std::vector<std::uint32_t>> plain(20);
  for (int step = 0; step < 20'000; ++step) {
    const auto one = random() % pooled.size();
    switch (random() % 8) {
      case 0: {
        const auto count = random() % 1'200;
        pooled[one].reserve(count);
        break;
      }
      case 1: {
        const auto other = random() % pooled.size();
        if (one != other) {
          pooled[one] = std::move(pooled[other]);
          plain[one] = std::move(plain[other]);
          pooled[other].clear();
          plain[other].clear();
        }
        break;
      }
      case 2:
        pooled[one] = {};
        plain[one] = {};
        break;
      case 3:
        pooled[one] = pooled[random() % pooled.size()];
        plain[one].assign(pooled[one].begin(), pooled[one].end());
        break;
      default:
        for (auto some = random() % 50; some > 0; --some) {
          pooled[one].push_back(static_cast<std::uint32_t>(step));
          plain[one].push_back(static_cast<std::uint32_t>(step));
        }
    }
    ASSERT_TRUE(std::equal(pooled[one].begin(), pooled[one].end(), plain[one].begin(), plain[one].end()))
        << "step " << step;
  }
}

}  // namespace
}  // namespace tern
