// Memory that runs out while a token asks for its key.

#include "auth/key_source.hpp"

#include "support/captured_log.hpp"
#include "support/failing_memory.hpp"
#include "support/run.hpp"

#include "fake_issuers.hpp"
#include "test_key.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/json/array.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using tern::test::Further;
using Answer = KeySchedule::Answer;

/// A source whose first token finds no memory for its `nth` allocation. Whether there were so many.
bool serves_after_failure(int nth, Further further) {
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
  const bool failed = tern::test::fails_at(nth, [&] { source.find(key_id); }, further);
  tern::test::drain(io);
  clock.advance(1s);  // the pause after a fetch that failed
  source.find(key_id);
  tern::test::drain(io);
  EXPECT_EQ(source.find(key_id).answer, Answer::use) << nth;
  return failed;
}

TEST(KeySourceMemory, MayRunOutAtAnyPointWhereATokenAsks) {
  int nth = 1;
  while (serves_after_failure(nth, Further::succeed)) {
    ++nth;
  }
  EXPECT_GT(nth, 4);
}

TEST(KeySourceMemory, MayBeGoneFromAnyPointWhereATokenAsks) {
  int nth = 1;
  while (serves_after_failure(nth, Further::fail)) {
    ++nth;
  }
  EXPECT_GT(nth, 4);
}

}  // namespace
}  // namespace tern::auth
