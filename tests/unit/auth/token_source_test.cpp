#include "auth/token_source.hpp"

#include "support/captured_log.hpp"
#include "support/run.hpp"
#include "support/started.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Token = std::shared_ptr<const AccessToken>;

/// A token service that gives `token-1`, `token-2`, ... when the test lets it.
class FakeService final : public TokenFetcher {
 public:
  explicit FakeService(Clock& clock) : clock_(clock) {}

  awaitable<boost::system::result<FreshToken, TokenFailure>> fetch(std::string scope, Deadline /*by*/) override {
    scopes.push_back(std::move(scope));
    if (takes > 0ms) {
      co_await sleep_for(takes, clock_);
    }
    if (breaks) {
      throw std::runtime_error("broken");
    }
    if (failure) {
      co_return *failure;
    }
    co_return FreshToken{std::make_shared<const AccessToken>("token-" + std::to_string(++given)), life, std::nullopt};
  }

  std::vector<std::string> scopes;  ///< of the requests so far
  std::chrono::milliseconds takes{0};
  std::optional<TokenFailure> failure;
  bool breaks = false;
  SteadyTime::duration life = 1h;
  int given = 0;

 private:
  Clock& clock_;
};

awaitable<Token> token_of(TokenSource& source) {
  TokenAnswer answer = source.token();
  if (answer.is_known()) {
    co_return answer.take_token();
  }
  auto later = answer.take_later();
  auto token = co_await std::move(later);
  co_return token;
}

class TokenSourceTest : public testing::Test {
 protected:
  TokenSourceTest() : service(std::make_shared<FakeService>(clock)) { make(); }

  void make(TokenSourceOptions options = {}) {
    options.scope = "scope-1";
    options.times.first_pause = 2s;
    source = std::make_unique<TokenSource>(std::move(options), io.get_executor(), service, clock, metrics);
  }
  tern::test::Started<Token> ask() {
    tern::test::Started<Token> asked(io, token_of(*source));
    tern::test::drain(io);
    return asked;
  }
  std::string text_of(tern::test::Started<Token> asked) {
    EXPECT_TRUE(asked.ended());
    return asked.ended() ? asked.get()->authorization() : "";
  }
  std::string failure_of(tern::test::Started<Token> asked, NoToken::Why why) {
    EXPECT_TRUE(asked.ended());
    try {
      asked.get();
    } catch (const NoToken& e) {
      EXPECT_EQ(e.why(), why);
      EXPECT_EQ(e.code(), errc::channel_unreachable);
      return e.what();
    }
    ADD_FAILURE() << "there is a token";
    return {};
  }
  void advance(SteadyTime::duration time) {
    clock.advance(time);
    tern::test::drain(io);
  }
  double requests(const std::string& outcome) {
    return metrics
        .counter("tern_token_requests_total", "Requests for tokens that the bot shows to channels.",
                 {{"outcome", outcome}})
        .value();
  }

  ManualClock clock;
  Metrics metrics;
  std::shared_ptr<FakeService> service;
  std::unique_ptr<TokenSource> source;
  asio::io_context io{1};
};

TEST_F(TokenSourceTest, ManySendsCauseOneRequestAndGetOneToken) {
  service->takes = 100ms;
  std::vector<tern::test::Started<Token>> asked;
  constexpr int sends = 100;
  asked.reserve(sends);
  for (int i = 0; i < sends; ++i) {
    asked.push_back(ask());
  }
  EXPECT_EQ(service->scopes, std::vector<std::string>{"scope-1"});
  EXPECT_FALSE(asked.front().ended());
  advance(100ms);
  for (auto& each : asked) {
    EXPECT_EQ(text_of(each), "Bearer token-1");
  }
  EXPECT_TRUE(source->token().is_known());
  EXPECT_EQ(source->token().take_token(), source->token().take_token()) << "the same text, and not a copy";
  EXPECT_EQ(requests("ok"), 1);
}

TEST_F(TokenSourceTest, ATokenIsRenewedInTheBackgroundBeforeItExpires) {
  EXPECT_EQ(text_of(ask()), "Bearer token-1");
  advance(55min - 1ms);
  EXPECT_EQ(text_of(ask()), "Bearer token-1");
  EXPECT_EQ(service->scopes.size(), 1U);
  service->takes = 1s;
  advance(1ms);
  EXPECT_EQ(text_of(ask()), "Bearer token-1") << "nobody waits";
  EXPECT_EQ(text_of(ask()), "Bearer token-1");
  EXPECT_EQ(service->scopes.size(), 2U);
  advance(1s);
  EXPECT_EQ(text_of(ask()), "Bearer token-2");
  EXPECT_EQ(service->scopes.size(), 2U);
}

TEST_F(TokenSourceTest, TheTimeOfTheRequestCountsToTheLifeOfTheToken) {
  service->takes = 9s;
  service->life = 10s;
  auto asked = ask();
  advance(9s);
  EXPECT_EQ(text_of(asked), "Bearer token-1");
  service->takes = 0s;
  advance(1s);
  EXPECT_EQ(text_of(ask()), "Bearer token-2");
}

TEST_F(TokenSourceTest, TheOldTokenServesWhileTheServiceIsAwayAndThenThereIsNone) {
  tern::test::CapturedLog log;
  EXPECT_EQ(text_of(ask()), "Bearer token-1");
  service->failure = TokenFailure{NoToken::Why::unavailable, "It answered 503.", {}};
  advance(55min);
  EXPECT_EQ(text_of(ask()), "Bearer token-1");
  EXPECT_EQ(text_of(ask()), "Bearer token-1");
  EXPECT_EQ(service->scopes.size(), 2U) << "after a failure there is a pause";
  advance(5min);
  EXPECT_EQ(failure_of(ask(), NoToken::Why::unavailable), "It answered 503. Nothing was sent.");
  EXPECT_EQ(failure_of(ask(), NoToken::Why::unavailable), "It answered 503. Nothing was sent.");
  EXPECT_EQ(service->scopes.size(), 3U);
  service->failure.reset();
  advance(4s);
  EXPECT_EQ(text_of(ask()), "Bearer token-2");
  EXPECT_EQ(requests("unavailable"), 2);
  EXPECT_EQ(requests("ok"), 2);
  const auto text = log.take();
  EXPECT_THAT(text, HasSubstr("the old one serves until it expires"));
  EXPECT_THAT(text, HasSubstr("the bot cannot send"));
  EXPECT_THAT(text, Not(HasSubstr("token-1")));
}

TEST_F(TokenSourceTest, RefusedCredentialsFailEachSendAndAreTriedAgainAfterAPause) {
  tern::test::CapturedLog log;
  service->failure = TokenFailure{NoToken::Why::refused, "invalid_client.", {}};
  EXPECT_EQ(failure_of(ask(), NoToken::Why::refused), "invalid_client. Nothing was sent.");
  for (int i = 0; i < 50; ++i) {
    failure_of(ask(), NoToken::Why::refused);
  }
  EXPECT_EQ(service->scopes.size(), 1U);
  EXPECT_EQ(requests("refused"), 1);
  service->failure.reset();
  advance(2s);
  EXPECT_EQ(text_of(ask()), "Bearer token-1");
}

TEST_F(TokenSourceTest, AFetcherThatThrowsOrHangsIsAnOutage) {
  tern::test::CapturedLog log;
  service->breaks = true;
  EXPECT_THAT(failure_of(ask(), NoToken::Why::unavailable), HasSubstr("broken"));
  service->breaks = false;
  service->takes = 1h;
  advance(2s);
  auto asked = ask();
  EXPECT_FALSE(asked.ended());
  advance(10s);
  EXPECT_THAT(failure_of(asked, NoToken::Why::unavailable), HasSubstr("did not answer in time"));
}

TEST_F(TokenSourceTest, ARefusalByAChannelLeadsToExactlyOneNewToken) {
  const Token first = ask().get();
  service->takes = 1s;
  EXPECT_TRUE(source->refused(first));
  EXPECT_TRUE(source->refused(first));
  auto a = ask();
  auto b = ask();
  EXPECT_EQ(service->scopes.size(), 2U);
  EXPECT_FALSE(a.ended()) << "the refused token does not serve";
  advance(1s);
  const Token second = a.get();
  EXPECT_EQ(second->authorization(), "Bearer token-2");
  EXPECT_EQ(b.get(), second);
  EXPECT_TRUE(source->refused(first)) << "there is another one already";
  EXPECT_EQ(text_of(ask()), "Bearer token-2");
  EXPECT_EQ(service->scopes.size(), 2U);
  EXPECT_FALSE(source->refused(second)) << "the new one was refused as well, so it is not the token";
  EXPECT_EQ(service->scopes.size(), 2U);
}

TEST_F(TokenSourceTest, SendsBeyondTheBoundDoNotWait) {
  TokenSourceOptions options;
  options.most_waiting = 2;
  make(options);
  service->takes = 1s;
  auto a = ask();
  auto b = ask();
  EXPECT_THAT(failure_of(ask(), NoToken::Why::unavailable), HasSubstr("Too many sends wait"));
  advance(1s);
  EXPECT_EQ(text_of(a), "Bearer token-1");
  EXPECT_EQ(text_of(b), "Bearer token-1");
}

TEST_F(TokenSourceTest, ACancelledSendLeavesTheRequestToTheOthers) {
  service->takes = 1s;
  auto a = ask();
  auto b = ask();
  a.cancel();
  tern::test::drain(io);
  EXPECT_EQ(a.code(), asio::error::operation_aborted);
  advance(1s);
  EXPECT_EQ(text_of(b), "Bearer token-1");
}

TEST_F(TokenSourceTest, ASourceThatIsDestroyedEndsItsRequestQuietly) {
  tern::test::CapturedLog log;
  service->takes = 1s;
  ask();
  source.reset();
  advance(10s);
  EXPECT_EQ(log.take(), "");
}

TEST_F(TokenSourceTest, SendsOfOtherThreadsWaitForTheRequestOfThisOne) {
  service->takes = 1s;
  asio::io_context other{1};
  tern::test::Started<Token> asked(other, token_of(*source));
  tern::test::drain(other);
  tern::test::drain(io);
  EXPECT_EQ(service->scopes.size(), 1U);
  std::thread thread([&] {
    other.restart();
    other.run();
  });
  advance(1s);
  thread.join();
  EXPECT_EQ(asked.get()->authorization(), "Bearer token-1");
}

TEST(TokenSourceLifetime, EverythingMayBeDestroyedAtAnyMoment) {
  const tern::test::CapturedLog log;
  ManualClock clock;
  Metrics metrics;
  const auto service = std::make_shared<FakeService>(clock);
  service->takes = 1s;
  struct Scenario {
    Scenario(asio::io_context& io, ManualClock& time, Metrics& figures, std::shared_ptr<FakeService> of)
        : clock(time),
          source(std::make_unique<TokenSource>(TokenSourceOptions{}, io.get_executor(), of, time, figures)) {
      for (int i = 0; i < 3; ++i) {
        asked.emplace_back(io, token_of(*source));
      }
    }
    bool advance() {
      const bool waits = clock.waiting() > 0;
      clock.advance(1s);
      return waits;
    }
    ManualClock& clock;
    std::unique_ptr<TokenSource> source;
    std::vector<tern::test::Started<Token>> asked;
  };
  // The source outlives its coroutines, which end with the context.
  std::vector<std::unique_ptr<TokenSource>> kept;
  struct Keeper {
    std::unique_ptr<Scenario> scenario;
    std::vector<std::unique_ptr<TokenSource>>& kept;
    bool advance() { return scenario->advance(); }
    Keeper(std::unique_ptr<Scenario> s, std::vector<std::unique_ptr<TokenSource>>& k)
        : scenario(std::move(s)), kept(k) {}
    Keeper(Keeper&&) = default;
    ~Keeper() {
      if (scenario) {
        kept.push_back(std::move(scenario->source));
      }
    }
  };
  tern::test::destroy_after_every_n_handlers(
      [&](asio::io_context& io) { return Keeper(std::make_unique<Scenario>(io, clock, metrics, service), kept); });
}

}  // namespace
}  // namespace tern::auth
