// Many short runs of the simulation. A run that broke a promise is repeated with `./dev soak --from SEED --seeds 1`.

#include "simulation/simulation.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

namespace tern::simulation {
namespace {

// Sanitizers make each run ten times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t usual_seeds = 40;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t usual_seeds = 40;
#else
constexpr std::uint64_t usual_seeds = 1000;
#endif
#else
constexpr std::uint64_t usual_seeds = 1000;
#endif

std::uint64_t given(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(Simulation, KeepsItsPromisesWhateverHappens) {
  const auto first = given("TERN_TEST_SEED", 1);
  const auto seeds = given("TERN_TEST_SEEDS", usual_seeds);
  Findings all;
  std::uint64_t broken = 0;
  std::uint64_t ran = 0;
  for (auto seed = first; ran < seeds && broken < 5; ++seed) {
    const auto found = simulate(seed);
    ++ran;
    if (ran % 1000 == 0) {
      std::cout << ran << " seeds from " << first << ", " << broken << " with a broken promise\n" << std::flush;
    }
    all.confirmed += found.confirmed;
    all.delivered += found.delivered;
    all.duplicates += found.duplicates;
    all.process_faults += found.process_faults;
    broken += found.broken.empty() ? 0 : 1;
    for (const auto& promise : found.broken) {
      ADD_FAILURE() << "TERN_TEST_SEED=" << seed << ": " << promise;
    }
  }
  std::cout << ran << " seeds from " << first << ": " << all.confirmed << " sends confirmed, " << all.delivered
            << " delivered, " << all.duplicates << " more than once, " << all.process_faults
            << " faults of processes and clocks\n";
}

// The windows of the channel and one judgement too early: a rest of the bot, and a few that are tried.
TEST(Simulation, NobodyIsHeldBackForThoseWhoHaveBlockedTheBot) {
  constexpr std::chrono::seconds latest{30};
  const auto first = given("TERN_TEST_SEED", 1);
  const auto seeds = given("TERN_TEST_SEEDS", usual_seeds) / 10;
  std::uint64_t broken = 0;
  for (auto seed = first; seed < first + seeds && broken < 5; ++seed) {
    const auto found = simulate_users_alone(seed);
    broken += found.broken.empty() && found.latest <= latest ? 0 : 1;
    EXPECT_LE(found.latest, latest) << "TERN_TEST_SEED=" << seed;
    for (const auto& promise : found.broken) {
      ADD_FAILURE() << "TERN_TEST_SEED=" << seed << ": " << promise;
    }
  }
}

TEST(Simulation, TheSameSeedIsTheSameRun) {
  const auto first = simulate(7);
  const auto second = simulate(7);
  EXPECT_EQ(first.confirmed, second.confirmed);
  EXPECT_EQ(first.delivered, second.delivered);
  EXPECT_EQ(first.duplicates, second.duplicates);
  EXPECT_EQ(first.process_faults, second.process_faults);
  EXPECT_GT(first.confirmed, 50u);
}

}  // namespace
}  // namespace tern::simulation
