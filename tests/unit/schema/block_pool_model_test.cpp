#include "pools/block_pool.hpp"
#include "schema/json_arena.hpp"

#include "schema/spare_text.hpp"
#include "support/random_seed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace tern::detail {
namespace {

/// Memory that is filled with a number of its own: whoever else is given a part of it changes that.
struct Marked {
  unsigned char* memory = nullptr;
  std::size_t bytes = 0;
  unsigned char mark = 0;

  Marked(void* at, std::size_t size, std::uint64_t number)
      : memory(static_cast<unsigned char*>(at)), bytes(size), mark(static_cast<unsigned char>(number % 251 + 1)) {
    std::memset(memory, mark, bytes);
  }
  bool is_whole() const {
    return std::all_of(memory, memory + bytes, [this](unsigned char byte) { return byte == mark; });
  }
};

/// Blocks that their owners pass on, so that many are given back on another thread than they were taken on.
class Exchange {
 public:
  void give(Marked block) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(block);
  }
  std::vector<Marked> take(std::size_t most) {
    const std::lock_guard lock(mutex_);
    const auto count = std::min(most, blocks_.size());
    std::vector<Marked> taken(blocks_.end() - static_cast<std::ptrdiff_t>(count), blocks_.end());
    blocks_.erase(blocks_.end() - static_cast<std::ptrdiff_t>(count), blocks_.end());
    return taken;
  }

 private:
  std::mutex mutex_;
  std::vector<Marked> blocks_;
};

struct Tests;
using Blocks = BlockPool<Tests, 16, 512, 8'192>;

// Of no bytes, of each class, and larger than all.
std::size_t any_size(std::mt19937_64& random) {
  return random() % 8 == 0 ? random() % 2'000 : random() % 530;
}

bool free_whole(const Marked& block) {
  const bool whole = block.is_whole();
  Blocks::deallocate(block.memory, block.bytes);
  return whole;
}

/// How many blocks were found changed.
int use_blocks(std::uint64_t seed, Exchange& exchange) {
  std::mt19937_64 random(seed);
  std::vector<Marked> mine;
  int broken = 0;
  for (int step = 0; step < 4'000; ++step) {
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const auto size = any_size(random);
        mine.emplace_back(Blocks::allocate(size), size, random());
        break;
      }
      case 4:
        if (!mine.empty()) {
          exchange.give(mine.back());
          mine.pop_back();
        }
        break;
      case 5:
        for (const auto& block : exchange.take(random() % 4)) {
          mine.push_back(block);
        }
        break;
      default:
        if (!mine.empty()) {
          std::swap(mine[random() % mine.size()], mine.back());
          broken += free_whole(mine.back()) ? 0 : 1;
          mine.pop_back();
        }
    }
    if (step % 1'000 == 999) {  // all at once: more than a thread keeps
      for (const auto& block : mine) {
        broken += free_whole(block) ? 0 : 1;
      }
      mine.clear();
    }
  }
  return broken;
}

// Without a pool, as under AddressSanitizer, this says nothing of the pool; the sanitizer then looks at its callers.
TEST(BlockPool, DoesWhatAPlainAllocatorDoesOnManyThreads) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  for (int run = 0; run < 3; ++run) {  // threads that end and others that begin
    Exchange exchange;
    std::atomic<int> broken = 0;
    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back(
          [&, from = seed + 10 * static_cast<std::uint64_t>(run) + thread] { broken += use_blocks(from, exchange); });
    }
    for (auto& thread : threads) {
      thread.join();
    }
    for (const auto& block : exchange.take(1'000'000)) {
      broken += free_whole(block) ? 0 : 1;
    }
    ASSERT_EQ(broken, 0) << "run " << run;
  }
}

TEST(JsonArena, DoesWhatAPlainAllocatorDoes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 200; ++run) {
    const auto arena = JsonArena::make(random() % 5'000);
    boost::json::memory_resource& memory = *arena;
    std::vector<Marked> all;
    for (auto steps = random() % 100; steps > 0; --steps) {
      // Nothing, a little, and more than a chunk has at all.
      const auto size = random() % 20 == 0 ? random() % 20'000 : random() % 200;
      const auto alignment = std::size_t{1} << (random() % 5);
      auto* const at = memory.allocate(size, alignment);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(at) % alignment, 0u) << "run " << run;
      all.emplace_back(at, size, random());
    }
    for (const auto& one : all) {
      ASSERT_TRUE(one.is_whole()) << "run " << run;
      memory.deallocate(one.memory, one.bytes, 1);
    }
  }
}

TEST(SpareText, DoesWhatAPlainTextDoes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<std::string> mine;
  for (int step = 0; step < 3'000; ++step) {
    if (mine.empty() || random() % 2 == 0) {
      auto text = spare_text();
      ASSERT_EQ(text, "") << "step " << step;
      text.append(random() % (random() % 10 == 0 ? 12'000 : 600), static_cast<char>('a' + mine.size() % 26));
      mine.push_back(std::move(text));
    } else {
      // Each as its owner left it, whatever was kept and given out since.
      const auto& last = mine.back();
      ASSERT_TRUE(last.empty() || last == std::string(last.size(), static_cast<char>('a' + (mine.size() - 1) % 26)))
          << "step " << step;
      keep_text(std::move(mine.back()));
      mine.pop_back();
    }
  }
}

}  // namespace
}  // namespace tern::detail
