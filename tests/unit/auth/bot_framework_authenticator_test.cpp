#include "auth/bot_framework_authenticator.hpp"

#include "support/captured_log.hpp"

#include "held_clock.hpp"
#include "token_maker.hpp"

#include <tern/async/offload.hpp>
#include <tern/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using test::Attempt;

void wait_until_idle(const BotFrameworkAuthenticator& authenticator) {
  while (authenticator.pending() > 0) {
    std::this_thread::yield();
  }
}

class BotFrameworkAuthenticatorTest : public testing::Test, protected test::AuthWorld {
 protected:
  std::shared_ptr<const Identity> caller(const Attempt& attempt) { return answer(attempt).identity(); }
  AuthRefusal refusal(const Attempt& attempt) { return *answer(attempt).refusal(); }
  /// The answer, if it is known without waiting.
  bool knows(const Attempt& attempt) {
    const test::FakeRequest request(attempt, Deadline::never());
    return authenticator->authenticate(request).known() != nullptr;
  }
};

TEST_F(BotFrameworkAuthenticatorTest, SaysWhoTheCallerIs) {
  const auto channel_caller = caller(channel());
  EXPECT_EQ(channel_caller->kind, Identity::Kind::channel);
  EXPECT_EQ(channel_caller->app_id, "https://api.botframework.com");
  EXPECT_EQ(channel_caller->tenant_id, "");
  EXPECT_EQ(channel_caller->claims.at("aud"), json::value(test::Value(test::bot_id).value));

  const auto agentic_caller = caller(agentic());
  EXPECT_EQ(agentic_caller->kind, Identity::Kind::channel);
  EXPECT_EQ(agentic_caller->app_id, cloud_of("public")->messaging_app);
  EXPECT_EQ(agentic_caller->tenant_id, test::tenant_id);

  const auto emulator = caller(tenant_v1(test::bot_id));
  EXPECT_EQ(emulator->kind, Identity::Kind::emulator);
  EXPECT_EQ(emulator->app_id, test::bot_id);

  const auto bot = caller(tenant(test::caller_id));
  EXPECT_EQ(bot->kind, Identity::Kind::bot);
  EXPECT_EQ(bot->app_id, test::caller_id);
  EXPECT_EQ(bot->tenant_id, test::tenant_id);
}

TEST_F(BotFrameworkAuthenticatorTest, ChallengesACallerWithoutATokenOrWithABadOne) {
  auto none = channel();
  none.authorization = "";
  EXPECT_EQ(refusal(none).challenge(), "Bearer");
  const auto expired = refusal(channel().claim("exp", at(-1h)));
  EXPECT_EQ(expired.status(), 401U);
  EXPECT_EQ(expired.challenge(), R"(Bearer error="invalid_token", error_description="The token has expired.")");
  EXPECT_EQ(expired.message(), "The token has expired.");
  EXPECT_EQ(refusal(tenant(test::stranger_id)).challenge(), "");
}

TEST_F(BotFrameworkAuthenticatorTest, DoesNotTellAStrangerWhoMayCall) {
  // The token is not signed, so whoever sends it has not shown that it is the caller.
  auto attempt = tenant(test::stranger_id);
  attempt.send(test::unsigned_token(attempt.header_text(), attempt.claims_text()) + ".AAAA");
  EXPECT_EQ(status(attempt), 401U);
}

TEST_F(BotFrameworkAuthenticatorTest, VerifiesATokenOnce) {
  const auto attempt = channel();
  EXPECT_EQ(status(attempt), 200U);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(knows(attempt));
    EXPECT_EQ(status(attempt), 200U);
  }
  EXPECT_EQ(figure("valid"), 1);
  EXPECT_EQ(issuers->gets, 2);
}

TEST_F(BotFrameworkAuthenticatorTest, VerifiesATokenOnceWhenManyRequestsBringItAtOnce) {
  const auto attempt = channel();
  std::vector<AuthResult> answers;
  const test::FakeRequest request(attempt, Deadline::after(5s, clock));
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives its coroutines
  const auto ask = [&]() -> awaitable<void> {
    auto given = authenticator->authenticate(request);
    auto found = co_await given.take_later();
    answers.push_back(std::move(found));
  };
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(io, ask(), asio::detached);
  }
  io.restart();
  while (answers.size() < 50) {
    ASSERT_NE(io.run_one_for(tern::test::patience), 0U);
  }
  for (const auto& each : answers) {
    EXPECT_NE(each.identity(), nullptr);
  }
  EXPECT_EQ(figure("valid"), 1);
}

TEST_F(BotFrameworkAuthenticatorTest, ChecksEachActivityOfATokenThatItKnows) {
  auto attempt = channel(test::endorsed_key);
  EXPECT_EQ(status(attempt), 200U);
  attempt.activity.set_channel_id("slack");
  EXPECT_EQ(status(attempt), 403U);
  attempt.activity.set_channel_id("webchat");
  EXPECT_EQ(status(attempt), 200U);
  attempt.activity.set_service_url("https://evil.example/");
  EXPECT_EQ(status(attempt), 403U);
  attempt.activity.set_service_url(test::service).set_recipient(ChannelAccount(test::other_bot_id));
  EXPECT_EQ(status(attempt), 403U);
  EXPECT_EQ(figure("valid"), 1);
}

TEST_F(BotFrameworkAuthenticatorTest, KnowsATokenThatDiffersInItsSignatureForAnother) {
  const auto attempt = channel();
  EXPECT_EQ(status(attempt), 200U);
  auto forged = attempt;
  std::string token = attempt.token();
  token[token.rfind('.') + 10] = token[token.rfind('.') + 10] == 'A' ? 'B' : 'A';
  forged.send(token);
  EXPECT_EQ(status(forged), 401U);
  EXPECT_EQ(status(attempt), 200U);
}

TEST_F(BotFrameworkAuthenticatorTest, AcceptsATokenUntilItExpires) {
  const auto attempt = channel();
  EXPECT_EQ(status(attempt), 200U);
  clock.advance(1h + 300s - 1s);
  EXPECT_EQ(status(attempt), 200U);
  EXPECT_EQ(figure("valid"), 1);
  clock.advance(1s);
  EXPECT_EQ(status(attempt), 401U);
}

TEST_F(BotFrameworkAuthenticatorTest, RefusesAKnownTokenWhoseKeyWasWithdrawn) {
  const auto attempt = channel().claim("exp", at(100h));
  EXPECT_EQ(status(attempt), 200U);
  auto other = test::test_key().jwk("new-key");
  issuers->documents["https://api.botframework.com/keys"] = test::key_document({other});
  EXPECT_EQ(status(channel().head("kid", "new-key")), 200U);
  EXPECT_EQ(status(attempt), 401U);
}

TEST_F(BotFrameworkAuthenticatorTest, FindsOutThatAKeyWasWithdrawnWithItsKnownTokenAlone) {
  const auto attempt = channel().claim("exp", at(100h));
  EXPECT_EQ(status(attempt), 200U);
  issuers->documents["https://api.botframework.com/keys"] = test::key_document({test::test_key().jwk("new-key")});
  clock.advance(24h - 1s);
  EXPECT_TRUE(knows(attempt));
  EXPECT_EQ(issuers->gets, 2);
  clock.advance(1s);
  EXPECT_EQ(status(attempt), 200U);  // the old key serves while the new ones are fetched
  tern::test::drain(io);
  EXPECT_EQ(issuers->gets, 4);
  EXPECT_EQ(status(attempt), 401U);
}

TEST_F(BotFrameworkAuthenticatorTest, SaysThatKeysAreAwayAndServesWhatItKnows) {
  const auto known = channel();
  EXPECT_EQ(status(known), 200U);
  issuers->fails = true;
  const tern::test::CapturedLog log;
  const auto refused = refusal(tenant(test::caller_id));
  EXPECT_EQ(refused.status(), 503U);
  EXPECT_EQ(refused.retry_after(), 5s);
  EXPECT_EQ(status(known), 200U);
  EXPECT_EQ(status(channel().claim("exp", at(2h))), 200U);
}

TEST_F(BotFrameworkAuthenticatorTest, MakesAtMostOneFetchForTenThousandUnknownKeys) {
  EXPECT_EQ(status(channel()), 200U);
  const int before = issuers->gets;
  const auto attempt = channel();
  for (int i = 0; i < 10'000; ++i) {
    auto unknown = attempt;
    unknown.head("kid", "unknown-" + std::to_string(i));
    unknown.send(test::unsigned_token(unknown.header_text(), unknown.claims_text()) + ".AAAA");
    if (i == 0) {
      ASSERT_EQ(status(unknown), 401U);
      continue;
    }
    const auto refused = refusal(unknown);
    ASSERT_EQ(refused.status(), 503U);
    ASSERT_EQ(refused.retry_after(), 5min);
  }
  EXPECT_EQ(issuers->gets, before + 2);  // the OpenID document and the keys
  EXPECT_EQ(figure("invalid"), 0);
}

TEST_F(BotFrameworkAuthenticatorTest, TakesATokenOfANewKeyWhenTheIssuerIsAskedAgain) {
  EXPECT_EQ(status(channel().head("kid", "unknown")), 401U);
  issuers->documents["https://api.botframework.com/keys"] = test::key_document({test::test_key().jwk("new-key")});
  const auto attempt = channel().claim("exp", at(2h)).head("kid", "new-key");
  clock.advance(1h - 90s);
  const auto refused = refusal(attempt);
  EXPECT_EQ(refused.status(), 503U);
  EXPECT_EQ(refused.retry_after(), 90s);
  clock.advance(90s);
  EXPECT_EQ(status(attempt), 200U);
}

TEST_F(BotFrameworkAuthenticatorTest, VerifiesNoSignatureOfATokenThatCheaperChecksRefuse) {
  EXPECT_EQ(status(channel()), 200U);
  for (const auto& attempt :
       {channel().claim("iss", "x"), channel().claim("aud", "x"), channel().claim("exp", 0), channel().head("kid", "x"),
        channel().head("alg", "none"), tenant(test::caller_id).claim("tid", "x")}) {
    EXPECT_TRUE(knows(attempt) || attempt.header.at("kid") == "x");
    EXPECT_EQ(status(attempt), 401U);
  }
  EXPECT_EQ(figure("invalid"), 0);
}

TEST_F(BotFrameworkAuthenticatorTest, TurnsAwayTokensWhenTooManyWaitToBeVerified) {
  auto few = options();
  few.verifications_waiting = 5;
  test::HeldClock held(clock);
  authenticator = std::make_unique<BotFrameworkAuthenticator>(few, io.get_executor(), issuers, held, metrics);
  EXPECT_EQ(status(channel()), 200U);
  std::vector<std::unique_ptr<test::FakeRequest>> requests;
  std::vector<unsigned> statuses;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives its coroutines
  const auto ask = [&](const InboundRequest& request) -> awaitable<void> {
    auto given = authenticator->authenticate(request);
    auto found = co_await given.take_later();
    statuses.push_back(found.refusal()->status());
  };
  const auto attempt = channel();
  for (int i = 0; i < 200; ++i) {
    auto forged = attempt;
    forged.claim("nonce", i);
    forged.send(test::unsigned_token(forged.header_text(), forged.claims_text()) + "." + std::string(342, 'A'));
    requests.push_back(std::make_unique<test::FakeRequest>(std::move(forged), Deadline::after(5s, clock)));
    asio::co_spawn(io, ask(*requests.back()), asio::detached);
  }
  held.hold();
  tern::test::drain(io);
  EXPECT_EQ(statuses, std::vector(200 - 6, 503U)) << "those that found the line full";
  held.let_go();
  io.restart();
  while (statuses.size() < 200) {
    ASSERT_NE(io.run_one_for(tern::test::patience), 0U);
  }
  const auto refused = std::count(statuses.begin(), statuses.end(), 401U);
  EXPECT_EQ(refused, 1 + 5);
  EXPECT_EQ(refused, figure("invalid"));
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 503U), 200 - 6);
  EXPECT_EQ(figure("busy"), 200 - 6);
  authenticator.reset();
}

TEST_F(BotFrameworkAuthenticatorTest, KnowsATokenNextTimeWhoseTimeWasUp) {
  test::HeldClock held(clock);
  authenticator = std::make_unique<BotFrameworkAuthenticator>(options(), io.get_executor(), issuers, held, metrics);
  const auto attempt = channel();
  const test::FakeRequest request(attempt, Deadline::after(5s, clock));
  std::optional<unsigned> answered;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives its coroutine
  const auto ask = [&]() -> awaitable<void> {
    auto given = authenticator->authenticate(request);
    auto found = co_await given.take_later();
    answered = found.refusal() != nullptr ? found.refusal()->status() : 200U;
  };
  held.hold();
  asio::co_spawn(io, ask(), asio::detached);
  tern::test::drain(io);
  EXPECT_FALSE(answered);
  clock.advance(5s);
  tern::test::drain(io);
  EXPECT_EQ(answered, 503U);
  held.let_go();
  wait_until_idle(*authenticator);
  EXPECT_TRUE(knows(attempt));
  EXPECT_EQ(status(attempt), 200U);
  authenticator.reset();
}

TEST_F(BotFrameworkAuthenticatorTest, DoesNotWaitForHandlersThatBlockTheThreadsOfOffload) {
  std::promise<void> opened;
  const auto gate = opened.get_future().share();
  for (unsigned i = 0; i < std::max(2U, std::thread::hardware_concurrency()) + 1; ++i) {
    asio::post(offload_pool(), [gate] { gate.wait(); });
  }
  EXPECT_EQ(status(channel()), 200U);
  opened.set_value();
}

TEST_F(BotFrameworkAuthenticatorTest, MayServeNoEmulator) {
  auto without = options();
  without.trust.allow_emulator = false;
  make(without);
  EXPECT_EQ(status(tenant(test::bot_id)), 403U);
  EXPECT_EQ(status(tenant(test::caller_id)), 200U);
}

TEST_F(BotFrameworkAuthenticatorTest, MayServeEveryBotOfItsTenantsOrNone) {
  auto changed = options();
  changed.trust.allowed_callers = {"*"};
  make(changed);
  EXPECT_EQ(status(tenant(test::stranger_id)), 200U);
  changed.trust.allowed_callers = {};
  make(changed);
  EXPECT_EQ(status(tenant(test::caller_id)), 403U);
}

TEST_F(BotFrameworkAuthenticatorTest, MayServeEveryBotOfItsOwnTenantsButNotOfMicrosofts) {
  const std::string shared(cloud_of("public")->tenants.front());
  serve_tenant(shared);
  auto changed = options();
  changed.trust.allowed_callers = {"*"};
  make(changed);
  EXPECT_EQ(status(tenant(test::stranger_id)), 200U);
  EXPECT_EQ(status(tenant(test::stranger_id, shared)), 403U);
  EXPECT_EQ(status(tenant("*", shared)), 403U);
  EXPECT_EQ(status(tenant(test::bot_id, shared)), 200U) << "the bot itself, as the Emulator";
  changed.trust.allowed_callers = {"*", std::string(test::caller_id)};
  make(changed);
  EXPECT_EQ(status(tenant(test::caller_id, shared)), 200U);
  EXPECT_EQ(status(tenant(test::stranger_id, shared)), 403U);
  changed.trust.tenants.push_back(shared);
  make(changed);
  EXPECT_EQ(status(tenant(test::stranger_id, shared)), 200U) << "it is named";
}

TEST_F(BotFrameworkAuthenticatorTest, ComparesItsOwnOptionsInAnyCase) {
  auto changed = options();
  changed.trust.app_ids = {"B0700000-0000-4000-8000-000000000001"};
  changed.trust.tenants = {"7E4A4700-0000-4000-8000-000000000001"};
  changed.trust.allowed_callers = {"CA11E200-0000-4000-8000-000000000001"};
  make(changed);
  EXPECT_EQ(status(channel()), 200U);
  EXPECT_EQ(status(tenant(test::caller_id)), 200U);
}

TEST_F(BotFrameworkAuthenticatorTest, AcceptsTheIssuersOfItsCloud) {
  auto changed = options();
  changed.trust.cloud = cloud_of("gcc_high");
  make(changed);
  EXPECT_EQ(status(channel()), 401U);
  issuers->documents["https://login.botframework.azure.us/v1/.well-known/openidconfiguration"] =
      R"({"issuer":"https://api.botframework.us","jwks_uri":"https://api.botframework.com/keys"})";
  EXPECT_EQ(status(channel().claim("iss", "https://api.botframework.us")), 200U);
  EXPECT_EQ(status(tenant(test::caller_id)), 401U);
}

TEST_F(BotFrameworkAuthenticatorTest, TakesNoOptionsThatTrustTheWrongOnes) {
  const auto refuses = [&](auto change) {
    auto changed = options();
    change(changed.trust);
    try {
      make(changed);
      return false;
    } catch (const system_error& error) {
      return error.code() == errc::invalid_argument;
    }
  };
  EXPECT_TRUE(refuses([](TrustOptions& trust) { trust.app_ids.clear(); }));
  EXPECT_TRUE(refuses([](TrustOptions& trust) { trust.app_ids.emplace_back(); }));
  EXPECT_TRUE(refuses([](TrustOptions& trust) { trust.tenants.emplace_back("common"); }));
  EXPECT_TRUE(refuses([](TrustOptions& trust) { trust.tenants.emplace_back("example.com"); }));
  EXPECT_TRUE(refuses([](TrustOptions& trust) { trust.tenants.emplace_back("7e4a4700-0000-4000-8000-00000000000/"); }));
  EXPECT_TRUE(refuses([](TrustOptions& trust) { trust.cloud = cloud_of("moon"); }));
  EXPECT_TRUE(refuses([](TrustOptions& trust) { trust.skew = -1s; }));
  EXPECT_TRUE(refuses([](TrustOptions& trust) { trust.channel_metadata = "http://issuer.example"; }));
}

TEST_F(BotFrameworkAuthenticatorTest, ServesSeveralShardsAtOnce) {
  EXPECT_EQ(status(channel()), 200U);  // the keys are there
  const auto shared = channel().claim("exp", at(2h));
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      asio::io_context shard{1};
      for (int j = 0; j < 20; ++j) {
        auto attempt = shared;
        if (j % 2 == 0) {
          attempt.claim("nonce", i * 100 + j);
        }
        const test::FakeRequest request(attempt, Deadline::after(5s, clock));
        auto given = authenticator->authenticate(request);
        const AuthResult found =
            given.known() != nullptr ? *given.known() : tern::test::run_on(shard, given.take_later());
        EXPECT_NE(found.identity(), nullptr);
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(figure("valid"), 1 + 1 + 3 * 10);
}

/// Counts the callers that are accepted.
awaitable<void> count_accepted(awaitable<AuthResult> work, int& accepted) {
  const auto found = co_await std::move(work);
  accepted += found.identity() != nullptr ? 1 : 0;
}

TEST(BotFrameworkAuthenticatorFrames, MayBeDestroyedAtAnyPoint) {
  test::AuthWorld world;
  world.issuers->takes = 1s;
  const test::FakeRequest request(world.channel(), Deadline::never());
  struct Scenario {
    BotFrameworkAuthenticator* authenticator;
    ManualClock* clock;
    int left = 4;
    bool advance() {
      if (authenticator->pending() > 0) {
        std::this_thread::yield();
        return true;
      }
      clock->advance(1s);
      return left-- > 0;
    }
  };
  // The coroutines refer to the authenticator and to the count, which therefore outlive the context.
  std::unique_ptr<BotFrameworkAuthenticator> authenticator;
  int accepted = 0;
  tern::test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    accepted = 0;
    authenticator = std::make_unique<BotFrameworkAuthenticator>(test::AuthWorld::options(), io.get_executor(),
                                                                world.issuers, world.clock, world.metrics);
    for (int i = 0; i < 3; ++i) {
      asio::co_spawn(io, count_accepted(authenticator->authenticate(request).take_later(), accepted), asio::detached);
    }
    return std::make_unique<Scenario>(Scenario{authenticator.get(), &world.clock});
  });
  EXPECT_EQ(accepted, 3) << "the last scenario ends with the answers";
}

/// Runs one handler, or lets time pass when none is ready.
bool step(test::AuthWorld& world) {
  if (world.io.stopped()) {
    world.io.restart();
  }
  if (world.io.poll_one() > 0) {
    return true;
  }
  if (world.authenticator->pending() > 0) {
    std::this_thread::yield();
  } else {
    world.clock.advance(1s);
  }
  return false;
}

TEST(BotFrameworkAuthenticatorFrames, MayBeCancelledAtAnyPoint) {
  for (int n = 0;; ++n) {
    test::AuthWorld world;
    world.issuers->takes = 1s;
    const test::FakeRequest request(world.channel(), Deadline::never());
    asio::cancellation_signal signal;
    bool ended = false;
    std::exception_ptr error;
    int accepted = 0;
    asio::co_spawn(world.io, count_accepted(world.authenticator->authenticate(request).take_later(), accepted),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr why) {
                     error = why;
                     ended = true;
                   }));
    for (int ran = 0; ran < n && !ended;) {
      ran += step(world) ? 1 : 0;
    }
    const bool all = ended;
    signal.emit(asio::cancellation_type::terminal);
    while (!ended) {
      step(world);
    }
    EXPECT_EQ(error == nullptr, accepted == 1) << n;
    // Whoever comes next is answered.
    bool next_ended = false;
    int next_accepted = 0;
    const test::FakeRequest next(world.channel().claim("nonce", n), Deadline::never());
    auto later = world.authenticator->authenticate(next);
    asio::co_spawn(world.io, count_accepted(later.take_later(), next_accepted),
                   [&](std::exception_ptr) { next_ended = true; });
    while (!next_ended) {
      step(world);
    }
    EXPECT_EQ(next_accepted, 1) << n;
    if (all) {
      EXPECT_EQ(accepted, 1);
      EXPECT_GT(n, 5);
      return;
    }
  }
}

}  // namespace
}  // namespace tern::auth
