#include "runtime/probed_table.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <map>
#include <random>
#include <string>

namespace tern::runtime {
namespace {

struct Numbered {
  std::uint64_t hash = 0;
  int number = 0;
  bool empty() const noexcept { return number == 0; }
};

TEST(ProbedTable, FindsNothingBeforeAnythingIsInserted) {
  ProbedTable<Numbered> table;
  table.fetch(1);
  EXPECT_EQ(table.find(1, [](const Numbered&) { return true; }), nullptr);
  EXPECT_EQ(table.size(), 0U);
}

// Some share a hash, most are close to others, and some begin at the end of the table and go on at its beginning.
TEST(ProbedTable, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 50; ++run) {
    const auto numbers = 1 + random() % 200;
    const auto spread = 1 + random() % 64;
    const auto hash_of = [&](int number) { return static_cast<std::uint64_t>(number) % spread - 8; };
    ProbedTable<Numbered> table;
    std::map<int, bool> there;
    const auto found = [&](int number) {
      return table.find(hash_of(number), [&](const Numbered& each) { return each.number == number; });
    };
    std::size_t size = 0;
    for (int step = 0; step < 1'000; ++step) {
      const auto chosen = static_cast<int>(1 + random() % numbers);
      auto* const before = found(chosen);
      ASSERT_EQ(before != nullptr, there[chosen]) << "run " << run << ", step " << step;
      if (before == nullptr) {
        table.insert({hash_of(chosen), chosen});
        ++size;
      } else if (random() % 2 == 0) {
        table.erase(*before);
        --size;
      } else {
        continue;
      }
      there[chosen] = before == nullptr;
      ASSERT_EQ(table.size(), size);
    }
    for (const auto& [number, is_there] : there) {
      ASSERT_EQ(found(number) != nullptr, is_there) << "run " << run;
    }
  }
}

}  // namespace
}  // namespace tern::runtime
