// Tokens: which requests carry one, and what follows a 401.
#include "connector/request_text.hpp"
#include "harness.hpp"

#include <tern/async/timer.hpp>
#include <tern/turn/credential_provider.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tern::connector::test {
namespace {

using testing::HasSubstr;
using Token = std::shared_ptr<const AccessToken>;

Token token_named(const std::string& name) {
  return std::make_shared<const AccessToken>(name);
}

/// Gives what the test says, and notes who asks.
class FakeCredentials final : public CredentialProvider {
 public:
  TokenAnswer token(const TokenRequest& request) override {
    asked.emplace_back(request.bot);
    scopes.emplace_back(request.scope);
    if (fails) {
      fails();
    }
    if (takes > 0ms) {
      return later();
    }
    return current;
  }
  bool refused(const TokenRequest& request, const Token& token) override {
    refusals.push_back(std::string(request.bot) + " " + token->authorization());
    scopes.emplace_back(request.scope);
    if (next) {
      current = std::exchange(next, nullptr);
      return true;
    }
    return has_another;
  }

  Token current = token_named("one");
  Token next;  ///< the current one once that was refused
  bool has_another = false;
  std::function<void()> fails;  ///< throws
  std::chrono::milliseconds takes{0};
  Clock* clock = nullptr;
  std::vector<std::string> asked;
  std::vector<std::string> scopes;  ///< of all questions
  std::vector<std::string> refusals;

 private:
  awaitable<Token> later() {
    co_await sleep_for(takes, *clock);
    co_return current;
  }
};

/// A channel over https, and a client that trusts it.
class TokenTest : public testing::Test {
 protected:
  TokenTest() : channel(serving()), on(options()) { credentials.clock = &on.clock; }

  static FakeChannelOptions serving() {
    static const TestCertificate certificate = make_certificate("DNS:localhost,IP:127.0.0.1");
    FakeChannelOptions options;
    options.certificate = certificate.pem;
    options.private_key = certificate.key;
    return options;
  }
  ConnectorOptions options() {
    ConnectorOptions options;
    options.verify_tls = false;
    options.credentials = &credentials;
    return options;
  }
  Activity message() const {
    Activity activity = message_to(channel.url());
    activity.json()["from"] = json::object{{"id", "28:bot-1"}};
    return activity;
  }
  std::vector<std::string> authorizations() const {
    std::vector<std::string> all;
    for (const auto& request : channel.requests()) {
      all.push_back(request.header("Authorization").value_or("none"));
    }
    return all;
  }
  double renewals() {
    return on.metrics
        .counter("tern_connector_token_renewals_total", "Requests that were sent again with another token after a 401.")
        .value();
  }
  template <class Exception>
  Exception failure(Pending<ResourceResponse> pending) {
    on.finish(pending);
    try {
      pending.get();
    } catch (const Exception& e) {
      return e;
    }
    throw std::logic_error("the send has not failed");
  }
  using Lines = std::vector<std::string>;

  FakeCredentials credentials;
  FakeChannel channel;
  Harness on;
};

TEST_F(TokenTest, EachRequestOverHttpsCarriesTheTokenOfItsBot) {
  on.deliver(message());
  Activity edited = message();
  edited.json()["id"] = "a1";
  tern::test::run_on(on.io, on.client->update(edited, Deadline::never()));
  const ConversationReference reference(json::object{{"serviceUrl", channel.url()},
                                                     {"activityId", "a1"},
                                                     {"conversation", {{"id", "c"}}},
                                                     {"bot", {{"id", "bot-2"}}}});
  tern::test::run_on(on.io, on.client->remove(reference, Deadline::never()));
  ConversationParameters parameters;
  parameters.set_bot(ChannelAccount("bot-3"));
  tern::test::run_on(on.io, on.client->create_conversation(channel.url(), parameters, Deadline::never()));
  EXPECT_EQ(authorizations(), (Lines{"Bearer one", "Bearer one", "Bearer one", "Bearer one"}));
  EXPECT_EQ(credentials.asked, (Lines{"28:bot-1", "28:bot-1", "bot-2", "bot-3"}));
  EXPECT_EQ(credentials.scopes, (Lines{"", "", "", ""}));
}

constexpr const char* calling_bot = "ca110000-0000-4000-8000-000000000001";
constexpr const char* scope_of_caller = "ca110000-0000-4000-8000-000000000001/.default";

TEST_F(TokenTest, ABotThatHasCalledIsShownATokenForItselfAlone) {
  Activity answer = message();
  answer.json()["id"] = "a1";
  answer.set_caller_id(std::string("urn:botframework:aadappid:") + calling_bot);
  on.deliver(answer);
  tern::test::run_on(on.io, on.client->update(answer, Deadline::never()));
  const ConversationReference reference(json::object{{"serviceUrl", channel.url()},
                                                     {"activityId", "a1"},
                                                     {"conversation", {{"id", "c"}}},
                                                     {"trust", {{"by", "bot"}, {"app", calling_bot}}}});
  tern::test::run_on(on.io, on.client->remove(reference, Deadline::never()));
  EXPECT_EQ(credentials.scopes, (Lines{scope_of_caller, scope_of_caller, scope_of_caller}));
  for (const auto& request : channel.requests()) {
    EXPECT_EQ(request.body.find("callerId"), std::string::npos) << request.body;
  }
  EXPECT_THAT(channel.requests().front().body, HasSubstr("\"from\""));
}

TEST_F(TokenTest, AnotherTokenAfterA401IsForTheSameBot) {
  credentials.next = token_named("two");
  channel.answer_next(FakeAnswer::with(401));
  Activity answer = message();
  answer.set_caller_id(std::string("urn:botframework:aadappid:") + calling_bot);
  on.deliver(answer);
  EXPECT_EQ(credentials.scopes, (Lines{scope_of_caller, scope_of_caller, scope_of_caller}));
}

TEST_F(TokenTest, ACallerThatIsNoBotIsShownTheTokenForChannels) {
  for (const char* caller :
       {"urn:botframework:azure", "urn:botframework:aadappid:", "urn:botframework:aadappid:~0123", calling_bot}) {
    Activity answer = message();
    answer.set_caller_id(caller);
    on.deliver(answer);
    EXPECT_EQ(channel.requests().back().body.find("callerId"), std::string::npos);
  }
  EXPECT_EQ(credentials.scopes, (Lines{"", "", "", ""}));
}

TEST_F(TokenTest, ATokenThatIsRefusedForOneBotDoesNotMeanThatAllAre) {
  credentials.fails = [] { throw NoToken(NoToken::Why::refused, "AADSTS500011"); };
  Activity answer = message();
  answer.set_caller_id(std::string("urn:botframework:aadappid:") + calling_bot);
  const auto error = failure<NoToken>(on.send(answer));
  EXPECT_EQ(error.why(), NoToken::Why::unavailable);
  EXPECT_STREQ(error.what(), "AADSTS500011");
  EXPECT_EQ(on.outcome("no_token"), 1);
}

TEST_F(TokenTest, ABotWithoutATokenSendsWithoutOne) {
  credentials.current = nullptr;
  on.deliver(message());
  EXPECT_EQ(authorizations(), Lines{"none"});
}

TEST_F(TokenTest, NoTokenIsAskedForWhereNoneMayGo) {
  FakeChannel plain;
  on.deliver(message_to(plain.url()));
  EXPECT_EQ(plain.requests().front().header("Authorization"), std::nullopt) << "over http";
  EXPECT_THROW(on.deliver(message_to("https://channel.example/")), system_error) << "not this machine";
  EXPECT_THROW(on.deliver(message_to("https://user@localhost/")), system_error);
  EXPECT_EQ(credentials.asked, Lines{});
}

TEST_F(TokenTest, NoTokenIsAskedForAHostThatIsNotAllowed) {
  auto listed = options();
  listed.allowed_hosts = std::make_shared<const net::AllowedHosts>(*net::AllowedHosts::parse("*.channel.example"));
  Harness with_list(listed);
  EXPECT_THROW(with_list.deliver(message()), system_error);
  EXPECT_THROW(with_list.deliver(message_to("https://channel.example.evil.example/")), system_error);
  EXPECT_EQ(credentials.asked, Lines{});
}

TEST_F(TokenTest, ASendWaitsForATokenThatIsNotKnown) {
  credentials.takes = 300ms;
  bool may_begin = false;
  auto pending = on.send_if(message(), [&] { return may_begin; });
  tern::test::drain(on.io);
  on.advance(299ms);
  EXPECT_FALSE(pending.ended());
  EXPECT_EQ(channel.accepted(), 0U) << "it holds no connection meanwhile";
  may_begin = true;
  on.advance(1ms);
  on.finish(pending).get();
  EXPECT_EQ(authorizations(), Lines{"Bearer one"});
}

TEST_F(TokenTest, ASendWhoseTimeIsUpBeforeTheTokenComesWasNotSent) {
  credentials.takes = 1h;
  auto pending = on.send(message(), Deadline::after(2s, on.clock));
  tern::test::drain(on.io);
  on.advance(2s);
  const auto error = failure<system_error>(pending);
  EXPECT_EQ(error.code(), errc::timed_out);
  EXPECT_THAT(error.what(), HasSubstr("no token"));
  EXPECT_EQ(channel.request_count(), 0U);
  EXPECT_EQ(on.outcome("timeout"), 1);
}

TEST_F(TokenTest, ASendWithoutATokenFailsWithTheReason) {
  credentials.fails = [] { throw NoToken(NoToken::Why::refused, "AADSTS7000215"); };
  const auto refused = failure<NoToken>(on.send(message()));
  EXPECT_EQ(refused.why(), NoToken::Why::refused);
  EXPECT_STREQ(refused.what(), "AADSTS7000215");
  credentials.fails = [] { throw std::runtime_error("a bug of the bot's own"); };
  const auto unknown = failure<NoToken>(on.send(message()));
  EXPECT_EQ(unknown.why(), NoToken::Why::unavailable);
  EXPECT_THAT(unknown.what(), HasSubstr("a bug of the bot's own"));
  EXPECT_EQ(channel.request_count(), 0U);
  EXPECT_EQ(on.outcome("no_token"), 2);
}

TEST_F(TokenTest, A401LeadsToOneMoreTryWithAnotherToken) {
  credentials.next = token_named("two-which-is-longer");
  channel.answer_next(FakeAnswer::with(401));
  auto pending = on.send(message(), Deadline::never(), "request-1");
  EXPECT_EQ(on.finish(pending).get().id(), "mock-1");
  EXPECT_EQ(authorizations(), (Lines{"Bearer one", "Bearer two-which-is-longer"}));
  EXPECT_EQ(credentials.refusals, Lines{"28:bot-1 Bearer one"});
  EXPECT_EQ(renewals(), 1);
  EXPECT_EQ(on.outcome("ok"), 1);
  EXPECT_EQ(on.outcome("rejected"), 0);
  const auto requests = channel.requests();
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_EQ(requests[1].header("x-ms-client-request-id"), "request-1");
  EXPECT_EQ(requests[0].connection, requests[1].connection);
}

TEST_F(TokenTest, ASecond401IsTheAnswer) {
  credentials.next = token_named("two");
  channel.answer_with([](const auto&) { return FakeAnswer::with(401, R"({"error":{"code":"BadToken"}})"); });
  const auto error = failure<ChannelError>(on.send(message()));
  EXPECT_EQ(error.status(), 401);
  EXPECT_EQ(error.by(), ChannelError::By::channel);
  EXPECT_EQ(authorizations(), (Lines{"Bearer one", "Bearer two"}));
  EXPECT_EQ(credentials.refusals.size(), 1U);
  EXPECT_EQ(on.outcome("rejected"), 1);
}

TEST_F(TokenTest, A401IsTheAnswerWhenThereIsNoOtherToken) {
  channel.answer_with([](const auto&) { return FakeAnswer::with(401, R"({"error":{"code":"BadToken"}})"); });
  EXPECT_EQ(failure<ChannelError>(on.send(message())).status(), 401) << "the credentials say so";
  credentials.has_another = true;
  const auto error = failure<ChannelError>(on.send(message()));
  EXPECT_EQ(error.status(), 401) << "no other could be got, and the same one came again";
  EXPECT_EQ(error.by(), ChannelError::By::channel);
  EXPECT_EQ(channel.request_count(), 2U);
  EXPECT_EQ(renewals(), 0);
}

TEST_F(TokenTest, TheOtherTokenMayHaveToBeWaitedFor) {
  channel.answer_next(FakeAnswer::with(401));
  credentials.next = token_named("two");
  on.deliver(message());  // a connection is open
  channel.answer_next(FakeAnswer::with(401));
  credentials.next = token_named("three");
  auto pending = on.send(message());
  tern::test::drain(on.io);
  credentials.takes = 1s;
  on.run_until([&] { return credentials.refusals.size() == 2; });
  on.advance(1s);
  on.finish(pending).get();
  EXPECT_EQ(authorizations(), (Lines{"Bearer one", "Bearer two", "Bearer two", "Bearer three"}));
}

TEST_F(TokenTest, ASendThatMayNoLongerBeginIsNotTriedAgain) {
  credentials.next = token_named("two");
  channel.answer_next(FakeAnswer::with(401));
  int asked = 0;
  auto pending = on.send_if(message(), [&] { return ++asked == 1; });
  EXPECT_EQ(failure<system_error>(pending).code(), errc::timed_out);
  EXPECT_EQ(channel.request_count(), 1U);
}

TEST_F(TokenTest, TheTokenFollowsARedirectOnItsOrigin) {
  channel.answer_next(FakeAnswer::with(307, {}, {{"Location", channel.url("/elsewhere")}}));
  auto sent = on.send(message());
  on.finish(sent);
  sent.get();
  EXPECT_EQ(authorizations(), (Lines{"Bearer one", "Bearer one"}));
  EXPECT_EQ(credentials.refusals, Lines{});
}

// It sends where a stranger says, and the stranger would have the token.
TEST_F(TokenTest, ABotThatSendsAnywhereShowsNoToken) {
  auto anywhere = options();
  anywhere.loopback_only = false;
  Harness open(anywhere);
  auto sent = open.send(message());
  open.finish(sent);
  sent.get();
  EXPECT_EQ(authorizations(), Lines{"none"});
  EXPECT_EQ(credentials.asked, Lines{});
}

TEST_F(TokenTest, ACancelledSendAndADestroyedClientEndWhileTheyWaitForAToken) {
  credentials.takes = 1s;
  auto cancelled = on.send(message());
  auto left = on.send(message());
  tern::test::drain(on.io);
  cancelled.cancel();
  tern::test::drain(on.io);
  EXPECT_EQ(cancelled.code(), asio::error::operation_aborted);
  on.client.reset();
  on.clock.advance(1s);
  tern::test::drain(on.io);
  EXPECT_EQ(left.code(), asio::error::operation_aborted);
  EXPECT_EQ(channel.request_count(), 0U);
}

TEST(RequestTextAuthorization, IsTheThirdLineAndMayBeChanged) {
  RequestWriter writer("test");
  RequestText text;
  const json::object body{{"a", 1}};
  RequestParts parts;
  parts.method = "POST";
  parts.host = "h";
  parts.request_id = "id";
  parts.body = &body;
  writer.write(parts, text);
  const std::string without(text.bytes());
  parts.authorization = "Bearer one";
  writer.write(parts, text);
  EXPECT_THAT(
      std::string(text.bytes()),
      testing::StartsWith("POST /v3/conversations HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer one\r\nContent-Type"));
  text.authorize("Bearer another");
  EXPECT_THAT(std::string(text.bytes()), HasSubstr("\r\nHost: h\r\nAuthorization: Bearer another\r\nContent-Type"));
  text.redirect("/v3/conversations", "h");
  EXPECT_EQ(text.bytes(), without);
  text.authorize("Bearer late");
  EXPECT_THAT(std::string(text.bytes()), HasSubstr("\r\nHost: h\r\nAuthorization: Bearer late\r\nContent-Type"));
}

}  // namespace
}  // namespace tern::connector::test
