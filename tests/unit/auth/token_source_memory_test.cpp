// Memory that runs out while a token is asked for, and while the request ends.

#include "auth/token_source.hpp"

#include "support/captured_log.hpp"
#include "support/failing_memory.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using tern::test::Further;

/// Gives a token, or fails with a message that is too long to be kept without memory.
class OneService final : public TokenFetcher {
 public:
  awaitable<boost::system::result<FreshToken, TokenFailure>> fetch(std::string /*scope*/, Deadline /*by*/) override {
    if (fails) {
      co_return TokenFailure{NoToken::Why::unavailable, std::string(100, 'f'), {}};
    }
    co_return FreshToken{std::make_shared<const AccessToken>("token"), 1h, std::nullopt};
  }

  bool fails = false;
};

/// A source whose first request finds no memory for its `nth` allocation. Whether there were so many.
bool asks_after_failure(int nth, Further further, bool service_fails) {
  ManualClock clock;
  Metrics metrics;
  asio::io_context io{1};
  const auto service = std::make_shared<OneService>();
  service->fails = service_fails;
  TokenSourceOptions options;
  options.scope = "scope";
  TokenSource source(std::move(options), io.get_executor(), service, clock, metrics);
  const tern::test::CapturedLog log;
  const auto ask = [&] {
    [[maybe_unused]] const auto answer = source.token();
    tern::test::drain(io);
  };
  const bool failed = tern::test::fails_at(nth, ask, further);
  service->fails = false;
  tern::test::drain(io);
  clock.advance(1s);  // the pause after a request that failed
  try {
    [[maybe_unused]] const auto answer = source.token();
  } catch (const NoToken& e) {
    ADD_FAILURE() << nth << ": " << e.what();
  }
  tern::test::drain(io);
  EXPECT_TRUE(source.token().is_known()) << nth;
  return failed;
}

void expect_requests_after(Further further, bool service_fails) {
  int nth = 1;
  while (asks_after_failure(nth, further, service_fails)) {
    ++nth;
  }
  EXPECT_GT(nth, 4);
}

TEST(TokenSourceMemory, MayRunOutAtAnyPointOfARequest) {
  expect_requests_after(Further::succeed, false);
}

TEST(TokenSourceMemory, MayBeGoneFromAnyPointOfARequest) {
  expect_requests_after(Further::fail, false);
}

TEST(TokenSourceMemory, MayRunOutAtAnyPointOfARequestThatFails) {
  expect_requests_after(Further::succeed, true);
}

TEST(TokenSourceMemory, MayBeGoneFromAnyPointOfARequestThatFails) {
  expect_requests_after(Further::fail, true);
}

}  // namespace
}  // namespace tern::auth
