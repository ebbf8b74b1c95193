#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace tern::test {

/// A new seed for each run, so that runs add up; TERN_TEST_SEED repeats one. Whoever takes one says it when it fails.
inline std::uint64_t random_seed() {
  const char* given = std::getenv("TERN_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

}  // namespace tern::test
