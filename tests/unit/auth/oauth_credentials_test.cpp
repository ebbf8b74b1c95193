// All four kinds of credentials against fakes of the services, over real sockets.
#include "auth/oauth_credentials.hpp"

#include "support/captured_log.hpp"
#include "unit/http_client/tls_harness.hpp"

#include "auth/base64url.hpp"

#include <tern/async/log.hpp>
#include <tern/async/manual_clock.hpp>

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using http_client::test::Authority;
using tern::test::FakeAnswer;
using tern::test::FakeChannel;
using tern::test::make_certificate;
using testing::HasSubstr;
using testing::Not;
using Token = std::shared_ptr<const AccessToken>;

const std::string app_of_bot = "11111111-2222-3333-4444-555555555555";
const std::string channel_scope = "https://api.botframework.com/.default";
const std::string encoded_scope = "https%3A%2F%2Fapi.botframework.com%2F.default";
// What may never be seen.
const std::string marked_secret = "marked-secret-of-the-bot";
const std::string marked_token = "marked-token-of-the-bot";

FakeAnswer token_answer(const std::string& token, int life = 3600) {
  return FakeAnswer::with(
      200, R"({"token_type":"Bearer","expires_in":)" + std::to_string(life) + R"(,"access_token":")" + token + "\"}");
}

awaitable<Token> token_of(CredentialProvider& provider, std::string for_scope) {
  TokenAnswer answer = provider.token({"28:" + app_of_bot, for_scope});
  if (answer.is_known()) {
    co_return answer.take_token();
  }
  auto later = answer.take_later();
  auto token = co_await std::move(later);
  co_return token;
}

class OAuthCredentialsTest : public testing::Test {
 protected:
  OAuthCredentialsTest() : login(authority.serving("DNS:localhost,IP:127.0.0.1")) {
    login.answer_with([this](const auto&) { return token_answer("token-" + std::to_string(++given)); });
  }

  void make(std::unique_ptr<TokenGrant> grant) {
    OAuthOptions options;
    options.scope = channel_scope;
    options.ca_file = authority.trusted().ca_file;
    auto fetcher = oauth_fetcher(options, std::move(grant), clock);
    credentials =
        std::make_unique<OAuthCredentials>(std::move(options), std::move(fetcher), io.get_executor(), clock, metrics);
  }
  TokenEndpoint endpoint() const { return {login.url("/tenant/oauth2/v2.0/token"), app_of_bot}; }
  /// A file with this content.
  std::string file(const std::string& name, const std::string& content) {
    const auto path = folder.path() / name;
    std::ofstream(path) << content;
    return path.string();
  }
  std::string token(const std::string& for_scope = {}) {
    return tern::test::run_on(io, token_of(*credentials, for_scope))->authorization();
  }
  std::string failure(NoToken::Why why) {
    try {
      ADD_FAILURE() << token();
    } catch (const NoToken& e) {
      EXPECT_EQ(e.why(), why) << e.what();
      return e.what();
    }
    return {};
  }
  /// So late that the token has expired, and so has each pause.
  void expire() { clock.advance(2h); }

  ManualClock clock;
  Metrics metrics;
  tern::test::TemporaryFolder folder;
  Authority authority;
  FakeChannel login;
  int given = 0;
  std::unique_ptr<OAuthCredentials> credentials;
  asio::io_context io{1};
};

TEST_F(OAuthCredentialsTest, AClientSecretGetsATokenOverTls) {
  make(secret_grant(endpoint(), {marked_secret, {}, {}}));
  EXPECT_EQ(token(), "Bearer token-1");
  EXPECT_EQ(token(), "Bearer token-1");
  const auto requests = login.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/tenant/oauth2/v2.0/token");
  EXPECT_EQ(requests[0].body, "grant_type=client_credentials&client_id=" + app_of_bot +
                                  "&client_secret=" + marked_secret + "&scope=" + encoded_scope);
}

TEST_F(OAuthCredentialsTest, ASecretInAFileIsReadAgainForEachToken) {
  const auto name = file("secret", "first\n");
  make(secret_grant(endpoint(), {{}, name, "bot.app_password_file"}));
  EXPECT_EQ(token(), "Bearer token-1");
  file("secret", "second\n");
  EXPECT_EQ(token(), "Bearer token-1");
  expire();
  EXPECT_EQ(token(), "Bearer token-2");
  EXPECT_THAT(login.requests()[0].body, HasSubstr("client_secret=first&"));
  EXPECT_THAT(login.requests()[1].body, HasSubstr("client_secret=second&"));
}

TEST_F(OAuthCredentialsTest, AFileThatIsAwayForAMomentIsAnOutage) {
  const tern::test::CapturedLog log;
  make(secret_grant(endpoint(), {{}, (folder.path() / "secret").string(), "bot.app_password_file"}));
  EXPECT_THAT(failure(NoToken::Why::unavailable), HasSubstr("The file of bot.app_password_file, "));
  file("secret", "first");
  expire();
  EXPECT_EQ(token(), "Bearer token-1");
}

/// The assertion in a request.
boost::json::object assertion_claims(const std::string& body) {
  const std::string name = "&client_assertion=";
  const auto begin = body.find(name) + name.size();
  const auto assertion = body.substr(begin, body.find('&', begin) - begin);
  const auto first = assertion.find('.') + 1;
  return boost::json::parse(*decode_base64url(assertion.substr(first, assertion.find('.', first) - first))).as_object();
}

TEST_F(OAuthCredentialsTest, ACertificateSignsANewAssertionForEachToken) {
  const auto made = make_certificate("DNS:bot.test", {.rsa = true});
  const auto certificate = file("cert.pem", made.pem);
  const auto key = file("key.pem", made.key);
  make(certificate_grant(endpoint(), certificate, key));
  EXPECT_EQ(token(), "Bearer token-1");
  const auto renewed = make_certificate("DNS:bot.test", {.rsa = true});
  file("cert.pem", renewed.pem);
  file("key.pem", renewed.key);
  expire();
  EXPECT_EQ(token(), "Bearer token-2") << "with the certificate that is there now";
  const auto requests = login.requests();
  EXPECT_THAT(requests[0].body,
              HasSubstr("&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"));
  EXPECT_THAT(requests[0].body, Not(HasSubstr("client_secret")));
  const auto first = assertion_claims(requests[0].body);
  const auto second = assertion_claims(requests[1].body);
  EXPECT_EQ(first.at("aud").as_string(), endpoint().url);
  EXPECT_EQ(first.at("iss").as_string(), app_of_bot);
  EXPECT_NE(first.at("jti"), second.at("jti"));
}

TEST_F(OAuthCredentialsTest, ACertificateWithAnotherKeyIsTold) {
  const tern::test::CapturedLog log;
  const auto made = make_certificate("DNS:bot.test", {.rsa = true});
  const auto other = make_certificate("DNS:bot.test", {.rsa = true});
  make(certificate_grant(endpoint(), file("cert.pem", made.pem), file("key.pem", other.key)));
  EXPECT_THAT(failure(NoToken::Why::unavailable),
              HasSubstr("Of bot.certificate and bot.certificate_key the key is not that of the certificate"));
}

TEST_F(OAuthCredentialsTest, AFederatedTokenIsReadAgainForEachToken) {
  const auto name = file("federated", "e30.e30.first\n");
  make(federated_grant(endpoint(), {{}, name, "bot.federated_token_file"}));
  EXPECT_EQ(token(), "Bearer token-1");
  file("federated", "e30.e30.second\n");
  expire();
  EXPECT_EQ(token(), "Bearer token-2");
  EXPECT_THAT(login.requests()[0].body, HasSubstr("&client_assertion=e30.e30.first&scope="));
  EXPECT_THAT(login.requests()[1].body, HasSubstr("&client_assertion=e30.e30.second&scope="));
}

TEST_F(OAuthCredentialsTest, AManagedIdentityAsksTheMetadataEndpointPastEveryProxy) {
  const http_client::test::Environment proxy({{"http_proxy", "http://127.0.0.1:1"}});
  FakeChannel metadata;
  metadata.answer_with([](const auto&) {
    return FakeAnswer::with(200, R"({"access_token":"of-the-machine","expires_in":"86399","token_type":"Bearer"})");
  });
  make(identity_grant(identity_endpoint(metadata.url("/metadata/identity/oauth2/token"), "identity-1")));
  EXPECT_EQ(token(), "Bearer of-the-machine");
  const auto request = metadata.wait_for(1).front();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target,
            "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fapi.botframework.com&"
            "client_id=identity-1");
  EXPECT_EQ(request.header("Metadata"), "true");
}

TEST_F(OAuthCredentialsTest, EachScopeHasATokenOfItsOwn) {
  make(secret_grant(endpoint(), {marked_secret, {}, {}}));
  EXPECT_EQ(token(), "Bearer token-1");
  EXPECT_EQ(token("https://graph.microsoft.com/.default"), "Bearer token-2");
  EXPECT_EQ(token(channel_scope), "Bearer token-1");
  EXPECT_EQ(token("https://graph.microsoft.com/.default"), "Bearer token-2");
  EXPECT_THAT(login.requests()[1].body, HasSubstr("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"));
}

TEST_F(OAuthCredentialsTest, ScopesHaveABound) {
  make(secret_grant(endpoint(), {marked_secret, {}, {}}));
  for (int i = 0; i < 64; ++i) {
    token("scope-" + std::to_string(i));
  }
  EXPECT_THROW(token("one-more"), NoToken);
  EXPECT_EQ(token(), "Bearer token-65");
}

TEST_F(OAuthCredentialsTest, ATokenServiceThatNobodyTrustsGetsNoSecret) {
  const tern::test::CapturedLog log;
  const Authority stranger;
  FakeChannel server(stranger.serving("IP:127.0.0.1"));
  make(secret_grant({server.url("/token"), app_of_bot}, {marked_secret, {}, {}}));
  EXPECT_THAT(failure(NoToken::Why::unavailable), HasSubstr("its certificate is refused"));
  EXPECT_EQ(server.request_count(), 0U);
}

TEST_F(OAuthCredentialsTest, ARedirectOfTheTokenServiceIsNotFollowed) {
  const tern::test::CapturedLog log;
  FakeChannel other;
  login.answer_next(FakeAnswer::with(307, {}, {{"Location", other.url("/token")}}));
  make(secret_grant(endpoint(), {marked_secret, {}, {}}));
  EXPECT_THAT(failure(NoToken::Why::unavailable), HasSubstr("answered 307"));
  EXPECT_EQ(other.request_count(), 0U);
}

TEST_F(OAuthCredentialsTest, OutagesAndRefusalsAreTold) {
  const tern::test::CapturedLog log;
  make(secret_grant(endpoint(), {marked_secret, {}, {}}));
  login.answer_next(FakeAnswer::closing());
  failure(NoToken::Why::unavailable);
  expire();
  login.answer_next(FakeAnswer::with(503));
  EXPECT_THAT(failure(NoToken::Why::unavailable), HasSubstr("answered 503"));
  expire();
  login.answer_next(
      FakeAnswer::with(401, R"({"error":"invalid_client","error_description":"AADSTS7000222: The key"})"));
  EXPECT_THAT(failure(NoToken::Why::refused), HasSubstr("401 invalid_client AADSTS7000222"));
  expire();
  EXPECT_EQ(token(), "Bearer token-1") << "once the credentials are right";
}

// Each path on which a secret could get out: the log at every level, errors, and the figures.
TEST_F(OAuthCredentialsTest, NoSecretIsInALogAnErrorOrAFigure) {
  tern::test::CapturedLog log;
  log::configure(log::Level::trace, log::Format::text);
  std::string errors;
  const auto try_with = [&](std::unique_ptr<TokenGrant> grant) {
    make(std::move(grant));
    const std::string echo = R"({"error":"invalid_client","error_description":"AADSTS7000215: )" + marked_secret +
                             R"(","access_token":")" + marked_token + "\"}";
    for (const auto& answer : {FakeAnswer::with(401, echo), FakeAnswer::with(500, echo), FakeAnswer::with(200, echo),
                               FakeAnswer::with(200, R"({"access_token":")" + marked_token + R"( ","expires_in":60})"),
                               FakeAnswer::with(200, marked_token), FakeAnswer::truncated(20), FakeAnswer::closing()}) {
      login.answer_next(answer);
      try {
        token();
        ADD_FAILURE() << "a token";
      } catch (const NoToken& e) {
        errors += std::string(e.what()) + "\n" + e.code().message() + "\n";
      }
      expire();
    }
    login.answer_next(token_answer(marked_token));
    EXPECT_EQ(token(), "Bearer " + marked_token);
  };
  try_with(secret_grant(endpoint(), {marked_secret, {}, {}}));
  try_with(secret_grant(endpoint(), {{}, file("secret", marked_secret), "bot.app_password_file"}));
  try_with(federated_grant(endpoint(), {{}, file("federated", marked_secret), "bot.federated_token_file"}));
  const auto made = make_certificate("DNS:bot.test", {.rsa = true});
  try_with(certificate_grant(endpoint(), file("cert.pem", made.pem), file("key.pem", made.key)));
  log::configure(log::Level::info, log::Format::text);
  const auto all = log.take() + errors + metrics.expose();
  EXPECT_THAT(all, HasSubstr("a token was got"));
  EXPECT_THAT(all, HasSubstr("AADSTS7000215"));
  EXPECT_THAT(all, Not(HasSubstr("marked-")));
  const auto key_line = made.key.substr(made.key.find('\n') + 1, 64);
  EXPECT_THAT(all, Not(HasSubstr(key_line)));
  EXPECT_THAT(all, Not(HasSubstr("client_assertion")));
}

}  // namespace
}  // namespace tern::auth
