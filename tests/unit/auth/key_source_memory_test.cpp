// Memory that runs out while a token asks for its key.

#include "auth/key_source.hpp"

#include "support/captured_log.hpp"
#include "support/run.hpp"

#include "fake_issuers.hpp"
#include "test_key.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/json/array.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace {

thread_local int allocations_left = 0;  // 0: none fails
thread_local bool all_after_it = false;

/// Runs `work`; its `nth` allocation fails, and with `all` those after it too. Whether there were so many.
bool fails_at(int nth, bool all, const std::function<void()>& work) {
  allocations_left = nth;
  all_after_it = all;
  try {
    work();
  } catch (const std::bad_alloc&) {
    // Seen below: nothing is left.
  }
  const bool failed = allocations_left <= 0;
  allocations_left = 0;
  all_after_it = false;
  return failed;
}

bool must_fail() noexcept {
  if (allocations_left == 0) {
    return false;
  }
  if (allocations_left > 1) {
    --allocations_left;
    return false;
  }
  allocations_left = all_after_it ? -1 : 0;
  return true;
}

}  // namespace

void* operator new(std::size_t bytes) {
  if (must_fail()) {
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) {
    return memory;
  }
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes) {  // a sanitizer's own would not call the one above
  return operator new(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using Answer = KeySchedule::Answer;

/// A source whose first token finds no memory for its `nth` allocation. Whether there were so many.
bool serves_after_failure(int nth, bool all) {
  ManualClock clock;
  Metrics metrics;
  asio::io_context io{1};
  const auto issuers = std::make_shared<test::FakeIssuers>(clock);
  issuers->documents["https://issuer.example/openid"] =
      R"({"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/keys"})";
  // Too long a name to be kept without memory.
  const std::string key_id(100, 'k');
  issuers->documents["https://issuer.example/keys"] = test::key_document({test::test_key().jwk(key_id)});
  KeySourceOptions options;
  options.metadata_url = "https://issuer.example/openid";
  options.issuer = "https://issuer.example";
  KeySource source(std::move(options), io.get_executor(), issuers, clock, metrics);
  const tern::test::CapturedLog log;
  const bool failed = fails_at(nth, all, [&] { source.find(key_id); });
  tern::test::drain(io);
  clock.advance(1s);  // the pause after a fetch that failed
  source.find(key_id);
  tern::test::drain(io);
  EXPECT_EQ(source.find(key_id).answer, Answer::use) << nth;
  return failed;
}

TEST(KeySourceMemory, MayRunOutAtAnyPointWhereATokenAsks) {
  int nth = 1;
  while (serves_after_failure(nth, false)) {
    ++nth;
  }
  EXPECT_GT(nth, 4);
}

TEST(KeySourceMemory, MayBeGoneFromAnyPointWhereATokenAsks) {
  int nth = 1;
  while (serves_after_failure(nth, true)) {
    ++nth;
  }
  EXPECT_GT(nth, 4);
}

}  // namespace
}  // namespace tern::auth
