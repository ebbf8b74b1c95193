// Tern's own authenticator in a real app over HTTP, with a local authority over TLS.
#include <tern/tern.hpp>

#include "support/captured_log.hpp"
#include "support/raw_client.hpp"

#include "unit/auth/local_authority.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using auth::test::LocalAuthority;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string bot_id = "b0700000-0000-4000-8000-000000000001";
const std::string other_bot_id = "b0700000-0000-4000-8000-000000000002";
const std::string caller_id = "ca11e200-0000-4000-8000-000000000001";
const std::string stranger_id = "ca11e200-0000-4000-8000-000000000666";
const std::string service = "https://smba.example/teams/";

/// Answers who sent the activity, as the bot sees it.
BotFactory witness_bot() {
  return [] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([](TurnContext& turn) -> awaitable<void> {
      const auto& caller = turn.identity();
      constexpr const char* kinds[] = {"anonymous", "channel", "emulator", "bot", "other"};
      co_await turn.send(std::string(kinds[static_cast<int>(caller.kind)]) + "|" + caller.app_id + "|" +
                         caller.tenant_id + "|" + std::string(turn.activity().caller_id().value_or("none")));
    });
    return bot;
  };
}

struct Message {
  std::string id = "in-1";
  std::string channel = "msteams";
  std::string service = tern::service;
  std::string recipient = "28:" + bot_id;

  std::string text() const {
    return json::serialize(json::object{{"type", "message"},
                                        {"id", id},
                                        {"timestamp", "2026-11-29T10:00:00.000Z"},
                                        {"text", "hello"},
                                        {"channelId", channel},
                                        {"serviceUrl", service},
                                        {"deliveryMode", "expectReplies"},
                                        {"callerId", "urn:botframework:azure:forged"},
                                        {"from", {{"id", "u"}}},
                                        {"recipient", {{"id", recipient}}},
                                        {"conversation", {{"id", "c"}}}});
  }
};

class TokensAtTheEdge : public testing::Test {
 protected:
  /// As a program reads it from its configuration.
  Settings settings(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"bot.app_id=" + bot_id,
                                 "bot.tenant_id=" + std::string(LocalAuthority::tenant),
                                 "bot.allowed_callers=" + caller_id,
                                 "bot.channel_issuer=" + std::string(LocalAuthority::channel_issuer),
                                 "bot.openid_url=" + authority.openid_url(),
                                 "bot.login_url=" + authority.login_url(),
                                 "bot.ca_file=" + authority.ca_file(),
                                 "listen.port=0",
                                 "listen.threads=2"};
    all.insert(all.end(), more.begin(), more.end());
    std::vector<const char*> words{"bot"};
    for (const auto& each : all) {
      words.push_back("--set");
      words.push_back(each.c_str());
    }
    return load_config(static_cast<int>(words.size()), words.data(), {}, Environment()).settings;
  }

  json::object channel() { return LocalAuthority::channel_claims(bot_id, service, *clock); }
  json::object of_tenant(const std::string& app) { return authority.tenant_claims(bot_id, app, *clock); }
  static json::object with(json::object claims, const char* name, json::value value) {
    claims[name] = std::move(value);
    return claims;
  }

  static test::RawAnswer post(const App& app, const std::string& token, const Message& message = {}) {
    const std::string body = message.text();
    return test::exchange_bytes(app.port(),
                                "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                "Content-Type: application/json\r\n" +
                                    (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") +
                                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  /// Waits for the answer to a request, and moves the clock on meanwhile.
  test::RawAnswer answer_after_a_while(std::future<test::RawAnswer> answer, ManualClock& time) {
    while (answer.wait_for(1ms) != std::future_status::ready) {
      time.advance(100ms);
    }
    return answer.get();
  }
  void wait_for_fetch() {
    while (authority.server().held_count() == 0) {
      std::this_thread::yield();
    }
  }

  LocalAuthority authority;
  Clock* clock = &system_clock();
};

std::string said(const test::RawAnswer& answer) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.status == 200 ? std::string(json::parse(answer.body).at("activities").at(0).at("text").as_string())
                              : std::string();
}

json::value error_of(const test::RawAnswer& answer) {
  return json::parse(answer.body).at("error");
}

TEST_F(TokensAtTheEdge, AGoodTokenBeginsATurnThatKnowsTheCaller) {
  App app(settings(), witness_bot());
  app.start();
  const std::string tenant(LocalAuthority::tenant);
  EXPECT_EQ(said(post(app, LocalAuthority::token(channel()))),
            "channel|https://channels.example||urn:botframework:azure");
  EXPECT_EQ(said(post(app, LocalAuthority::token(of_tenant(caller_id)))),
            "bot|" + caller_id + "|" + tenant + "|urn:botframework:aadappid:" + caller_id);
  EXPECT_EQ(said(post(app, LocalAuthority::token(of_tenant(bot_id)))),
            "emulator|" + bot_id + "|" + tenant + "|urn:botframework:azure");
  EXPECT_THAT(app.metrics().expose(), AllOf(HasSubstr("tern_authentications_total{outcome=\"accepted\"} 3\n"),
                                            HasSubstr("tern_auth_verifications_total{outcome=\"valid\"} 3\n")));
}

TEST_F(TokensAtTheEdge, ATokenIsVerifiedOnceAndItsKeysAreFetchedOnce) {
  App app(settings(), witness_bot());
  app.start();
  const auto token = LocalAuthority::token(channel());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(post(app, token, {.id = std::to_string(i)}).status, 200);
  }
  EXPECT_EQ(authority.server().request_count(), 2U) << "the OpenID document and the keys";
  EXPECT_THAT(app.metrics().expose(), HasSubstr("tern_auth_verifications_total{outcome=\"valid\"} 1\n"));
}

TEST_F(TokensAtTheEdge, ACallerWithoutATokenGets401AndAChallenge) {
  App app(settings(), witness_bot());
  app.start();
  const auto answer = post(app, "");
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.head, HasSubstr("\r\nWWW-Authenticate: Bearer\r\n"));
  EXPECT_EQ(error_of(answer),
            (json::value{{"code", "Unauthorized"},
                         {"message", "This bot is called with a bearer token. The request has none."}}));
  EXPECT_EQ(authority.server().request_count(), 0U) << "nobody is asked for keys";
}

// Behind a wrong app id stands a channel, whose answers nobody sees.
TEST_F(TokensAtTheEdge, ARefusalIsInTheLogOnceAMinute) {
  test::CapturedLog written;
  App app(settings(), witness_bot());
  app.start();
  const auto other = LocalAuthority::token(with(channel(), "aud", other_bot_id.c_str()));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(post(app, other).status, 401);
  }
  const auto log = written.take();
  const auto first = log.find("a caller was refused");
  ASSERT_NE(first, std::string::npos) << log;
  EXPECT_THAT(log.substr(first), HasSubstr("is for another audience"));
  EXPECT_EQ(log.find("a caller was refused", first + 1), std::string::npos);
}

TEST_F(TokensAtTheEdge, ABadTokenGets401AndTheReason) {
  App app(settings(), witness_bot());
  app.start();
  const auto good = LocalAuthority::token(channel());
  const std::vector<std::pair<std::string, std::string>> bad{
      {"x", "token"},
      {good.substr(0, good.rfind('.') + 1), "token"},
      {good.substr(0, good.size() - 4), "signature"},
      {LocalAuthority::token(channel(), "first", auth::test::other_key()), "has a signature that is not"},
      {LocalAuthority::token(channel(), "unknown"), "is signed with a key that its issuer does not have"},
      {LocalAuthority::token(with(channel(), "aud", other_bot_id.c_str())), "is for another audience"},
      {LocalAuthority::token(with(channel(), "iss", "https://api.botframework.com")), "is of an issuer that"},
      {LocalAuthority::token(with(channel(), "exp", 1)), "has expired"},
      {LocalAuthority::token(with(channel(), "nbf", 7'000'000'000)), "is not valid yet"},
      {LocalAuthority::token(with(of_tenant(caller_id), "tid", "another")), "is not of the tenant of its issuer"},
  };
  for (const auto& [token, why] : bad) {
    const auto answer = post(app, token);
    EXPECT_EQ(answer.status, 401) << why;
    EXPECT_THAT(answer.head,
                HasSubstr("WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"The token"));
    EXPECT_EQ(error_of(answer).at("code"), "Unauthorized");
    EXPECT_THAT(std::string(error_of(answer).at("message").as_string()), HasSubstr(why));
  }
}

TEST_F(TokensAtTheEdge, ACallerThatMayNotSendThisGets403) {
  App app(settings({"bot.further_app_ids=" + other_bot_id}), witness_bot());
  app.start();
  const auto token = LocalAuthority::token(channel());
  for (const auto& [caller, message] : {std::pair{token, Message{.service = "https://evil.example/"}},
                                        std::pair{token, Message{.recipient = other_bot_id}},
                                        std::pair{LocalAuthority::token(of_tenant(stranger_id)), Message{}}}) {
    const auto answer = post(app, caller, message);
    EXPECT_EQ(answer.status, 403) << answer.body;
    EXPECT_EQ(error_of(answer).at("code"), "Forbidden");
    EXPECT_THAT(answer.head, Not(HasSubstr("WWW-Authenticate")));
  }
}

TEST_F(TokensAtTheEdge, AKeyMaySpeakForTheChannelsThatItIsEndorsedForAlone) {
  auto key = auth::test::test_key().jwk("first");
  key["endorsements"] = json::array{"msteams"};
  authority.serve({key});
  App app(settings(), witness_bot());
  app.start();
  const auto token = LocalAuthority::token(channel());
  EXPECT_EQ(post(app, token, {.channel = "msteams"}).status, 200);
  EXPECT_EQ(post(app, token, {.channel = "slack"}).status, 403);
}

TEST_F(TokensAtTheEdge, SeveralBotsShareAProcess) {
  App app(settings({"bot.further_app_ids=" + other_bot_id}), witness_bot());
  app.start();
  const auto token = LocalAuthority::token(with(channel(), "aud", other_bot_id.c_str()));
  EXPECT_EQ(post(app, token, {.recipient = other_bot_id}).status, 200);
  EXPECT_EQ(post(app, token, {.recipient = bot_id}).status, 403);
}

TEST_F(TokensAtTheEdge, WhileTheKeysAreAwayCallersGet503AndComeBack) {
  ManualClock time;
  clock = &time;
  test::CapturedLog written;
  App::Options options;
  options.clock = &time;
  App app(settings(), witness_bot(), std::move(options));
  app.start();
  authority.answer(500);
  const auto token = LocalAuthority::token(channel());
  for (int i = 0; i < 3; ++i) {
    const auto answer = post(app, token);
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("\r\nRetry-After: 5"));
    EXPECT_EQ(error_of(answer).at("code"), "ServiceUnavailable");
  }
  EXPECT_EQ(authority.server().request_count(), 1U) << "there is a pause after a fetch that has failed";
  authority.answer(200);
  time.advance(2s);
  EXPECT_EQ(post(app, token).status, 200);
  EXPECT_THAT(written.take(), AllOf(HasSubstr("keys of tokens could not be fetched"),
                                    HasSubstr("/channels/openid answered with status 500"), Not(HasSubstr(token))));
}

TEST_F(TokensAtTheEdge, AnAuthorityThatIsNotTrustedGivesNoKeys) {
  auto untrusting = settings();
  untrusting.bot.ca_file.clear();
  App app(untrusting, witness_bot());
  app.start();
  EXPECT_EQ(post(app, LocalAuthority::token(channel())).status, 503);
  EXPECT_EQ(authority.server().request_count(), 0U);
}

TEST_F(TokensAtTheEdge, KeysMayChangeWhileTheBotServes) {
  App app(settings(), witness_bot());
  app.start();
  const auto old = LocalAuthority::token(channel());
  const auto fresh = LocalAuthority::token(channel(), "second", auth::test::other_key());
  EXPECT_EQ(post(app, old).status, 200);
  authority.serve({auth::test::test_key().jwk("first"), auth::test::other_key().jwk("second")});
  EXPECT_EQ(post(app, fresh).status, 200) << "an unknown key is asked for";
  EXPECT_EQ(post(app, old, {.id = "in-2"}).status, 200);
}

TEST_F(TokensAtTheEdge, AKeyThatIsWithdrawnSpeaksForNobody) {
  App app(settings(), witness_bot());
  app.start();
  const auto old = LocalAuthority::token(channel());
  EXPECT_EQ(post(app, old).status, 200);
  authority.serve({auth::test::other_key().jwk("second")});
  EXPECT_EQ(post(app, LocalAuthority::token(channel(), "second", auth::test::other_key())).status, 200);
  EXPECT_EQ(post(app, old, {.id = "in-2"}).status, 401) << "the issuer is asked whether it has that key";
}

TEST_F(TokensAtTheEdge, ATokenWaitsForKeysForSomeSecondsOnly) {
  ManualClock time;
  clock = &time;
  App::Options options;
  options.clock = &time;
  App app(settings(), witness_bot(), std::move(options));
  app.start();
  authority.server().hold();
  const auto token = LocalAuthority::token(channel());
  auto answer = std::async(std::launch::async, [&] { return post(app, token); });
  wait_for_fetch();
  EXPECT_EQ(answer_after_a_while(std::move(answer), time).status, 503);
  EXPECT_TRUE(app.stop()) << "the fetch is still under way";
}

TEST_F(TokensAtTheEdge, KeysComeWhileAHandlerBlocksItsShard) {
  App app(settings({"listen.threads=1"}), witness_bot());
  app.start();
  authority.server().hold();
  const auto token = LocalAuthority::token(channel());
  auto answer = std::async(std::launch::async, [&] { return post(app, token); });
  wait_for_fetch();
  std::promise<void> blocked;
  std::promise<void> go_on;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): the app keeps it until it has ended
  auto held = app.post([&]() -> awaitable<void> {
    blocked.set_value();
    go_on.get_future().wait();
    co_return;
  });
  blocked.get_future().wait();
  authority.server().hold(false);
  authority.server().release();
  EXPECT_EQ(authority.server().wait_for(2).size(), 2U) << "the second document is asked for";
  go_on.set_value();
  held.get();
  EXPECT_EQ(answer.get().status, 200);
}

TEST_F(TokensAtTheEdge, AnAppEndsWhileKeysAreFetched) {
  authority.server().hold();
  const auto token = LocalAuthority::token(channel());
  std::future<test::RawAnswer> answer;
  {
    App app(settings({"drain.deadline=100ms"}), witness_bot());
    app.start();
    answer = std::async(std::launch::async, [&] { return post(app, token); });
    wait_for_fetch();
    EXPECT_FALSE(app.stop()) << "the request is cut";
  }
  EXPECT_EQ(answer.get().status, 0);
}

TEST_F(TokensAtTheEdge, AnonymousCallersAreLeftOutWhateverIsAllowed) {
  test::CapturedLog written;
  App app(settings({"bot.allow_anonymous=true"}), witness_bot());
  app.start();
  EXPECT_EQ(post(app, "").status, 401);
  EXPECT_THAT(written.take(), HasSubstr("callers are checked all the same"));
}

TEST_F(TokensAtTheEdge, WithoutAnAppIdNobodyIsAsked) {
  for (const bool anonymous : {false, true}) {
    Settings open;
    open.listen.port = 0;
    open.bot.allow_anonymous = anonymous;
    App app(open, witness_bot());
    app.start();
    EXPECT_EQ(said(post(app, "nonsense")), "anonymous|||none");
  }
}

class OnlyShop final : public Authenticator {
  Authentication authenticate(const InboundRequest&) override {
    return Identity{Identity::Kind::other, "shop", "", {}};
  }
};

TEST_F(TokensAtTheEdge, AnAuthenticatorOfTheBotsOwnIsAskedInstead) {
  test::CapturedLog written;
  App::Options options;
  options.authenticator = [](const BotContext&) { return std::make_unique<OnlyShop>(); };
  App app(settings(), witness_bot(), std::move(options));
  app.start();
  EXPECT_EQ(said(post(app, "nonsense")), "other|shop||none");
  EXPECT_EQ(authority.server().request_count(), 0U);
  EXPECT_THAT(written.take(), HasSubstr("Tern checks no token"));
}

TEST_F(TokensAtTheEdge, TheLogSaysWhomTheBotBelieves) {
  test::CapturedLog written;
  App app(settings(), witness_bot());
  app.start();
  EXPECT_THAT(written.take(), AllOf(HasSubstr("authenticator=\"that of bot.app_id\""),
                                    HasSubstr("the tokens of callers are checked app_id=" + bot_id)));
}

TEST_F(TokensAtTheEdge, AFileWithoutCertificatesStopsTheStart) {
  const test::TemporaryFolder folder;
  const auto file = (folder.path() / "ca.pem").string();
  std::ofstream(file) << "no certificate";
  auto wrong = settings();
  wrong.bot.ca_file = file;
  EXPECT_THAT([&] { App(wrong, witness_bot()); },
              testing::ThrowsMessage<ConfigError>(AllOf(HasSubstr(file), HasSubstr("bot.ca_file"))));
}

}  // namespace
}  // namespace tern
