// The tokens that a bot shows, in a real app: a token service and a channel over TLS.
#include <tern/tern.hpp>

#include "support/captured_log.hpp"
#include "support/raw_client.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_certificate.hpp"

#include "unit/http_client/tls_harness.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/turn/credential_provider.hpp>

#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using http_client::test::Authority;
using test::FakeAnswer;
using test::FakeChannel;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string bot_id = "b0700000-0000-4000-8000-000000000001";
const std::string second_id = "b0700000-0000-4000-8000-000000000002";
const std::string tenant = "7e4a4700-0000-4000-8000-000000000001";
const std::string marked_secret = "marked-secret-of-the-bot";
const std::string marked_token = "marked-token-of-the-bot";

/// Everybody is a channel.
class Trusting final : public Authenticator {
 public:
  Authentication authenticate(const InboundRequest& /*request*/) override {
    Identity channel;
    channel.kind = Identity::Kind::channel;
    return channel;
  }
};

class BotCredentialsTest : public testing::Test {
 protected:
  BotCredentialsTest()
      : trusted({{"SSL_CERT_FILE", authority.trusted().ca_file}}),
        login(authority.serving("IP:127.0.0.1")),
        channel(authority.serving("IP:127.0.0.1")) {
    login.answer_with([this](const auto&) { return token_answer("token-" + std::to_string(++given)); });
  }

  static FakeAnswer token_answer(const std::string& token) {
    return FakeAnswer::with(200, R"({"token_type":"Bearer","expires_in":3600,"access_token":")" + token + "\"}");
  }
  /// As a program reads it from its configuration.
  Settings settings(const std::vector<std::string>& more = {"bot.app_password=" + marked_secret}) const {
    std::vector<std::string> all{"bot.app_id=" + bot_id,
                                 "bot.tenant_id=" + tenant,
                                 "bot.allowed_hosts=127.0.0.1",
                                 "bot.login_url=" + login.url(),
                                 "bot.ca_file=" + authority.trusted().ca_file,
                                 "listen.port=0",
                                 "listen.threads=2",
                                 "proactive.enabled=true",
                                 "log.level=warn"};
    all.insert(all.end(), more.begin(), more.end());
    std::vector<const char*> words{"bot"};
    for (const auto& each : all) {
      words.push_back("--set");
      words.push_back(each.c_str());
    }
    return load_config(static_cast<int>(words.size()), words.data(), {}, {}, {}, true).settings;
  }
  static App::Options options() {
    App::Options made;
    made.authenticator = [](const BotContext&) { return std::make_unique<Trusting>(); };
    return made;
  }
  static BotFactory echo_bot() {
    return [] {
      auto bot = std::make_unique<FunctionBot>();
      bot->on_message(
          [](TurnContext& turn) -> awaitable<void> { co_await turn.send(std::string(turn.activity().text())); });
      return bot;
    };
  }
  /// Says something to the bot, and waits for the end of the turn.
  test::RawAnswer say(const App& app, const std::string& recipient = "28:" + bot_id) {
    const json::object activity{{"type", "message"},
                                {"id", "in-" + std::to_string(++said)},
                                {"timestamp", "2026-11-29T10:00:00.000Z"},
                                {"text", "hello"},
                                {"channelId", "msteams"},
                                {"serviceUrl", channel.url("/")},
                                {"from", {{"id", "u"}}},
                                {"recipient", {{"id", recipient}}},
                                {"conversation", {{"id", "c"}}}};
    return test::post_activity(app.port(), json::serialize(activity));
  }
  std::vector<std::string> authorizations() const {
    std::vector<std::string> all;
    for (const auto& request : channel.requests()) {
      all.push_back(request.header("Authorization").value_or("none"));
    }
    return all;
  }
  using Lines = std::vector<std::string>;

  Authority authority;
  http_client::test::Environment trusted;
  FakeChannel login;
  FakeChannel channel;
  std::atomic<int> given{0};
  int said = 0;
};

TEST_F(BotCredentialsTest, RepliesCarryATokenThatTheTenantHasMade) {
  App app(settings(), echo_bot(), options());
  app.start();
  EXPECT_EQ(say(app).status, 200);
  EXPECT_EQ(say(app).status, 200);
  EXPECT_EQ(authorizations(), (Lines{"Bearer token-1", "Bearer token-1"}));
  const auto requests = login.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].target, "/" + tenant + "/oauth2/v2.0/token");
  EXPECT_THAT(requests[0].body, AllOf(HasSubstr("client_id=" + bot_id), HasSubstr("client_secret=" + marked_secret),
                                      HasSubstr("scope=https%3A%2F%2Fapi.botframework.com%2F.default")));
  EXPECT_TRUE(app.stop());
}

TEST_F(BotCredentialsTest, ABotOfManyTenantsAsksTheSharedAuthorityOfItsCloud) {
  for (const auto& [cloud, path, scope] :
       {std::tuple{"public", "/botframework.com/", "api.botframework.com"},
        std::tuple{"gcc_high", "/MicrosoftServices.onmicrosoft.us/", "api.botframework.us"},
        std::tuple{"dod", "/MicrosoftServices.onmicrosoft.us/", "api.botframework.us"},
        std::tuple{"china", "/microsoftservices.partner.onmschina.cn/", "api.botframework.azure.cn"}}) {
    const auto before = login.request_count();
    App app(settings({"bot.tenant_id=", "bot.app_password=x", std::string("bot.cloud=") + cloud}), echo_bot(),
            options());
    app.start();
    EXPECT_EQ(say(app).status, 200);
    const auto request = login.requests().at(before);
    EXPECT_EQ(request.target, std::string(path) + "oauth2/v2.0/token");
    EXPECT_THAT(request.body, HasSubstr(std::string("scope=https%3A%2F%2F") + scope + "%2F.default"));
  }
}

TEST_F(BotCredentialsTest, A401GetsTheReplyThroughWithANewToken) {
  App app(settings(), echo_bot(), options());
  app.start();
  EXPECT_EQ(say(app).status, 200);
  channel.answer_next(FakeAnswer::with(401));
  EXPECT_EQ(say(app).status, 200);
  EXPECT_EQ(authorizations(), (Lines{"Bearer token-1", "Bearer token-1", "Bearer token-2"}));
  EXPECT_EQ(login.request_count(), 2U);
}

TEST_F(BotCredentialsTest, ATokenServiceThatRefusesTheBotFailsItsRepliesWithTheReason) {
  test::CapturedLog log;
  login.answer_with([](const auto&) {
    return FakeAnswer::with(401,
                            R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret"})");
  });
  App app(settings(), echo_bot(), options());
  app.start();
  const auto answer = say(app);
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("AADSTS")));
  EXPECT_EQ(channel.request_count(), 0U);
  EXPECT_THAT(log.take(), HasSubstr("AADSTS7000215"));
}

awaitable<void> promise(Proactive& proactive, ConversationReference to) {
  [[maybe_unused]] const auto handle = co_await proactive.send_after(std::move(to), 0ms, Activity::message("later"));
}

TEST_F(BotCredentialsTest, AScheduledSendOutlivesAnOutageOfTheTokenService) {
  const test::CapturedLog log;
  login.answer_next(FakeAnswer::with(503));
  App app(settings(), echo_bot(), options());
  app.start();
  const ConversationReference reference(json::object{{"channelId", "msteams"},
                                                     {"serviceUrl", channel.url("/")},
                                                     {"bot", {{"id", "28:" + bot_id}}},
                                                     {"user", {{"id", "u"}}},
                                                     {"conversation", {{"id", "c"}}}});
  app.post([&] { return promise(app.proactive(), reference); }).get();
  EXPECT_EQ(channel.wait_for(1).front().header("Authorization"), "Bearer token-1");
  EXPECT_GE(login.request_count(), 2U);
}

TEST_F(BotCredentialsTest, AnotherBotOfTheProcessDoesNotGetTheTokenOfThisOne) {
  const test::CapturedLog log;
  App app(settings({"bot.app_password=x", "bot.further_app_ids=" + second_id}), echo_bot(), options());
  app.start();
  EXPECT_EQ(say(app, second_id).status, 500);
  EXPECT_EQ(say(app, "28:" + second_id).status, 500);
  EXPECT_EQ(channel.request_count(), 0U);
  EXPECT_EQ(say(app, "a name of the channel's").status, 200);
}

TEST_F(BotCredentialsTest, SeveralBotsBringACredentialEach) {
  auto made = options();
  made.credentials = [](const CredentialContext& context) {
    BotSettings second = context.settings.bot;
    second.app_id = second_id;
    second.app_password = "of the second";
    auto bots = std::make_unique<CredentialsOfBots>();
    bots->add(bot_id, bot_credentials(context.settings.bot, context));
    bots->add(second_id, bot_credentials(second, context));
    return bots;
  };
  App app(settings(), echo_bot(), std::move(made));
  app.start();
  EXPECT_EQ(say(app).status, 200);
  EXPECT_EQ(say(app, "28:" + second_id).status, 200);
  EXPECT_EQ(authorizations(), (Lines{"Bearer token-1", "Bearer token-2"}));
  EXPECT_THAT(login.requests()[1].body, HasSubstr("client_id=" + second_id + "&client_secret=of%20the%20second"));
}

/// A credential of the bot's own, without any service.
class OwnToken final : public CredentialProvider {
 public:
  TokenAnswer token(const TokenRequest& request) override {
    return std::make_shared<const AccessToken>("own-for-" + std::string(request.bot));
  }
};

TEST_F(BotCredentialsTest, ABotMayBringItsOwn) {
  auto made = options();
  made.credentials = [](const CredentialContext&) { return std::make_unique<OwnToken>(); };
  App app(settings(), echo_bot(), std::move(made));
  app.start();
  EXPECT_EQ(say(app, "me").status, 200);
  EXPECT_EQ(authorizations(), Lines{"Bearer own-for-me"});
  EXPECT_EQ(login.request_count(), 0U);
  auto none = options();
  none.credentials = [](const CredentialContext&) { return nullptr; };
  EXPECT_THROW(App(settings(), echo_bot(), std::move(none)), Error);
}

TEST_F(BotCredentialsTest, ABotWithoutACredentialSendsWithoutATokenAndSaysSo) {
  test::CapturedLog log;
  App app(settings({}), echo_bot(), options());
  app.start();
  EXPECT_EQ(say(app).status, 200);
  EXPECT_EQ(authorizations(), Lines{"none"});
  EXPECT_THAT(log.take(), AllOf(HasSubstr("credentials=none"), HasSubstr("the bot has an app id and no credential")));
}

std::string why_no_app(Settings settings, BotFactory bot, App::Options options) {
  try {
    const App app(std::move(settings), std::move(bot), std::move(options));
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

TEST_F(BotCredentialsTest, FilesThatCannotBeUsedEndTheStart) {
  const auto start = [&](const std::vector<std::string>& more) {
    return why_no_app(settings(more), echo_bot(), options());
  };
  EXPECT_THAT(start({"bot.app_password_file=/nowhere/secret"}),
              HasSubstr("The file of bot.app_password_file, /nowhere/secret, cannot be read: No such file"));
  EXPECT_THAT(start({"bot.app_password_file=hunter2"}),
              AllOf(HasSubstr("bot.app_password_file cannot be read"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(start({"bot.federated_token_file=/nowhere/token"}), HasSubstr("bot.federated_token_file"));
  const auto ca = authority.trusted().ca_file;
  const test::TemporaryFolder folder;
  const auto key = (folder.path() / "key.pem").string();
  std::ofstream(key) << test::make_certificate("DNS:bot", {.rsa = true}).key;
  EXPECT_THAT(start({"bot.certificate=" + ca, "bot.certificate_key=" + ca}),
              AllOf(HasSubstr("The file of bot.certificate_key, " + ca + ", cannot be used: the key is none in PEM"),
                    HasSubstr("Give the private key that bot.certificate was made for")));
  EXPECT_THAT(start({"bot.certificate=" + key, "bot.certificate_key=" + key}),
              HasSubstr("The file of bot.certificate, " + key + ", cannot be used: the certificate is none in PEM"));
}

// All that a process says of itself while its secrets go everywhere that they have to go.
TEST_F(BotCredentialsTest, NoSecretIsInALogAFigureOrAnAnswer) {
  test::CapturedLog log;
  std::string seen;
  const std::string echo = R"({"error":"invalid_client","error_description":"AADSTS7000215: )" + marked_secret + "\"}";
  login.answer_next(FakeAnswer::with(401, echo));
  login.answer_with([](const auto&) { return token_answer(marked_token); });
  channel.answer_with([](const test::FakeRequest& request) {
    return FakeAnswer::with(
        401, R"({"error":{"code":")" + request.header("Authorization").value_or("") + R"(","message":"no"}})");
  });
  const auto wanted = settings({"bot.app_password=" + marked_secret, "log.level=trace"});
  log::configure(wanted.log.level, wanted.log.format, wanted.log.buffer);
  seen += print_config(wanted);
  ManualClock clock;
  auto made = options();
  made.clock = &clock;
  {
    App app(wanted, echo_bot(), std::move(made));
    app.start();
    seen += say(app).body;
    clock.advance(10min);
    seen += say(app).body;
    EXPECT_THAT(authorizations(), testing::Each(HasSubstr(marked_token)));
    EXPECT_FALSE(authorizations().empty());
    seen += app.metrics().expose() + test::get(app.port(), "/metrics").body + test::get(app.port(), "/readyz").body;
    app.stop();
  }
  log::configure(log::Level::info, log::Format::text);
  seen += log.take();
  EXPECT_THAT(seen, HasSubstr("AADSTS7000215"));
  EXPECT_THAT(seen, HasSubstr("tern_token_requests_total{outcome=\"ok\"}"));
  EXPECT_THAT(seen, HasSubstr("\"bot.app_password\": \"***\""));
  EXPECT_THAT(seen, Not(HasSubstr("marked-")));
}

}  // namespace
}  // namespace tern
