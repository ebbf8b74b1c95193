// The paths below /proactive/, over real HTTP, on a bot in this process.

#include <tern/app/app.hpp>

#include "app/proactive_call.hpp"
#include "app/proactive_json.hpp"
#include "proactive/send_views.hpp"
#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"

#include <tern/tern.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::FakeChannel;
using test::RawAnswer;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* secret = "0123456789abcdef-secret";

class Silent : public ActivityHandler {
  awaitable<void> on_message(TurnContext&) override { co_return; }
};

class ProactivePaths : public ::testing::Test {
 protected:
  void SetUp() override {
    Settings settings;
    settings.listen.port = 0;
    settings.listen.threads = 2;
    settings.proactive.enabled = true;
    settings.proactive.secret = secret;
    settings.log.level = log::Level::error;
    settings.limits.client_requests = client_requests();
    app = std::make_unique<App>(settings, [] {
      auto bot = std::make_unique<FunctionBot>();
      bot->on_message([](TurnContext&) -> awaitable<void> { co_return; });
      bot->on_continue("greet", [](TurnContext& turn) -> awaitable<void> {
        co_await turn.send("Hello " + json::serialize(turn.activity().json().at("value")));
      });
      bot->on_continue("who", [](TurnContext& turn) -> awaitable<void> {
        co_await turn.send(turn.identity().is_anonymous() ? "nobody" : "somebody");
      });
      bot->on_continue("broadcast", [](TurnContext& turn) -> awaitable<void> {
        std::vector<ConversationReference> everybody;
        for (int i = 0; i < 100; ++i) {
          everybody.push_back(turn.reference());
          everybody.back().set_conversation(ConversationAccount().set_id("listed-" + std::to_string(i)));
        }
        co_await turn.proactive().all().broadcasts().start(
            Recipients::of(std::move(everybody)), Activity::message("news"), BroadcastOptions().id("friday").rate(1));
      });
      return bot;
    });
    app->start();
    user_writes();
  }
  void TearDown() override { EXPECT_TRUE(app->stop()); }
  virtual std::size_t client_requests() const { return 0; }

  // So that the bot has a reference.
  void user_writes() {
    const json::object activity{{"type", "message"},
                                {"id", "in-1"},
                                {"text", "hello"},
                                {"channelId", "emulator"},
                                {"serviceUrl", channel.url()},
                                {"from", {{"id", "user-1"}}},
                                {"recipient", {{"id", "bot"}}},
                                {"conversation", {{"id", "c"}}}};
    ASSERT_EQ(test::post_activity(app->port(), json::serialize(activity)).status, 200);
  }

  RawAnswer ask(const std::string& method, const std::string& path, const std::string& body = {},
                const std::string& authorization = std::string("Bearer ") + secret) {
    std::string request = method + " /proactive" + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    if (!authorization.empty()) {
      request += "Authorization: " + authorization + "\r\n";
    }
    if (!body.empty()) {
      request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    }
    return test::exchange_bytes(app->port(), request + "\r\n" + body);
  }
  json::value ask_for(int status, const std::string& method, const std::string& path, const std::string& body = {}) {
    const auto answer = ask(method, path, body);
    EXPECT_EQ(answer.status, status) << method << " " << path << " " << body << "\n" << answer.body;
    return answer.body.empty() ? json::value() : json::parse(answer.body);
  }
  std::string refusal(int status, const std::string& method, const std::string& path, const std::string& body = {}) {
    const auto answer = ask_for(status, method, path, body);
    const auto* error = answer.is_object() ? answer.as_object().if_contains("error") : nullptr;
    EXPECT_NE(error, nullptr);
    return error == nullptr ? "" : json::serialize(*error);
  }
  static std::string text_of(const json::value& value, const char* name) {
    return std::string(value.at(name).as_string());
  }

  const std::string to_user = R"("channelId":"emulator","userId":"user-1")";
  const std::string message = R"("activity":{"type":"message","text":"news"})";
  FakeChannel channel;
  std::unique_ptr<App> app;
};

// The secret lets a caller send. It does not make the caller a channel, which could move conversations.
TEST_F(ProactivePaths, SpeakForNobody) {
  const auto reference = R"("reference":{"channelId":"emulator","serviceUrl":")" + channel.url() +
                         R"(","conversation":{"id":"c2"},"user":{"id":"u"},"trust":{"by":"channel"}})";
  const auto made = ask_for(201, "POST", "/schedule", "{" + reference + "," + message + R"(,"after":"2h"})");
  const auto shown = ask_for(200, "GET", "/schedule/" + text_of(made, "handle"));
  EXPECT_EQ(text_of(shown.at("reference").at("conversation"), "id"), "c2");
  EXPECT_FALSE(shown.at("reference").as_object().contains("trust"));
  ask_for(202, "POST", "/continue/who", "{" + reference + "}");
  EXPECT_EQ(json::parse(channel.wait_for(1).back().body).at("text"), "nobody");
}

TEST_F(ProactivePaths, WantTheSecret) {
  for (const auto* authorization : {"", "Bearer", "Bearer wrong", "Bearer 0123456789abcdef-secreT",
                                    "Basic 0123456789abcdef-secret", "Bearer 0123456789abcdef-secret1"}) {
    const auto answer = ask("GET", "/counts", {}, authorization);
    EXPECT_EQ(answer.status, 401) << authorization;
    EXPECT_THAT(answer.head, HasSubstr("WWW-Authenticate: Bearer"));
    EXPECT_THAT(answer.body, HasSubstr("proactive.secret"));
  }
  EXPECT_EQ(ask("GET", "/counts", {}, std::string("bearer ") + secret).status, 200);
}

class ProactivePathsForOneAtATime : public ProactivePaths {
  std::size_t client_requests() const override { return 1; }
};

TEST_F(ProactivePathsForOneAtATime, RefuseWhatAClientAsksBesides) {
  channel.hold();
  auto first =
      std::async(std::launch::async, [this] { return ask("POST", "/send", "{" + to_user + "," + message + "}"); });
  channel.wait_for(1);
  const auto refused = ask("POST", "/send", "{" + to_user + "," + message + "}");
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.head, HasSubstr("Retry-After: 1"));
  EXPECT_THAT(refused.body, AllOf(HasSubstr("TooManyRequests"), HasSubstr("limits.client_requests")));
  EXPECT_EQ(ask("GET", "/counts").status, 429);
  EXPECT_EQ(ask("GET", "/counts", {}, "Bearer wrong").status, 401);
  channel.hold(false);
  channel.release();
  EXPECT_EQ(first.get().status, 200);
  EXPECT_EQ(ask("GET", "/counts").status, 200);
}

TEST_F(ProactivePaths, SendNow) {
  const auto answer = ask_for(200, "POST", "/send", "{" + to_user + "," + message + "}");
  EXPECT_EQ(text_of(answer, "id"), "mock-1");
  const auto received = channel.wait_for(1);
  EXPECT_EQ(received[0].target, "/v3/conversations/c/activities");
  EXPECT_EQ(json::parse(received[0].body).at("text"), "news");
  channel.answer_next(test::FakeAnswer::with(403));
  EXPECT_THAT(refusal(502, "POST", "/send", "{" + to_user + "," + message + "}"), HasSubstr("403"));
  channel.answer_next(test::FakeAnswer::with(429, {}, {{"Retry-After", "7"}}));
  const auto limited = ask("POST", "/send", "{" + to_user + "," + message + "}");
  EXPECT_EQ(limited.status, 503);
  EXPECT_THAT(limited.head, HasSubstr("Retry-After: 7"));
}

TEST_F(ProactivePaths, ScheduleListShowMoveAndCancel) {
  const auto made = ask_for(201, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":"2h","key":"once"})");
  const auto handle = text_of(made, "handle");
  const auto again =
      ask_for(201, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":"3h","key":"once"})");
  EXPECT_EQ(text_of(again, "handle"), handle) << "the same key";

  EXPECT_EQ(text_of(again, "due"), text_of(made, "due"));

  const auto listed = ask_for(200, "GET", "/schedule?limit=10");
  ASSERT_EQ(listed.at("items").as_array().size(), 1U);
  const auto& item = listed.at("items").at(0);
  EXPECT_EQ(text_of(item, "handle"), handle);
  EXPECT_EQ(text_of(item, "key"), "once");
  EXPECT_EQ(text_of(item.at("activity"), "text"), "news");
  EXPECT_EQ(text_of(item.at("reference").at("conversation"), "id"), "c");
  EXPECT_FALSE(listed.as_object().contains("next"));

  const auto moved = ask_for(200, "PATCH", "/schedule/" + handle, R"({"at":"2030-01-01T00:00:00Z"})");
  EXPECT_EQ(text_of(moved, "due").substr(0, 19), "2030-01-01T00:00:00");
  EXPECT_EQ(text_of(ask_for(200, "GET", "/schedule/" + handle), "due").substr(0, 10), "2030-01-01");
  ask_for(200, "DELETE", "/schedule/" + handle);
  EXPECT_THAT(refusal(409, "DELETE", "/schedule/" + handle), HasSubstr("TooLate"));
  refusal(404, "GET", "/schedule/" + handle);
  const auto counts = ask_for(200, "GET", "/counts");
  EXPECT_EQ(counts.at("pending"), 0);
  EXPECT_EQ(counts.at("cancelled"), 1);
  EXPECT_EQ(channel.request_count(), 0U);
}

// Whoever asks again with a key must not believe that something is pending which is not.
TEST_F(ProactivePaths, AKnownKeyTellsWhatBecameOfItsSend) {
  const auto body = "{" + to_user + "," + message + R"(,"after":"2h","key":"once"})";
  const auto made = ask_for(201, "POST", "/schedule", body);
  const auto handle = text_of(made, "handle");
  const auto new_handle = ask_for(200, "PATCH", "/schedule/" + handle, R"({"at":"2030-01-01T00:00:00Z"})");
  const auto moved = ask_for(201, "POST", "/schedule", body);
  EXPECT_EQ(text_of(moved, "handle"), text_of(new_handle, "handle"));
  EXPECT_EQ(text_of(moved, "due").substr(0, 10), "2030-01-01");
  ask_for(200, "DELETE", "/schedule/" + handle);
  const auto gone = ask_for(200, "POST", "/schedule", body);
  EXPECT_EQ(gone.at("pending"), false);
  EXPECT_FALSE(gone.as_object().contains("due"));
}

TEST_F(ProactivePaths, AKeyCanBeTheConversations) {
  const auto ask_with = [&](const std::string& to, const std::string& scope) {
    return text_of(
        ask_for(201, "POST", "/schedule", "{" + to + "," + message + R"(,"after":"2h","key":"once")" + scope + "}"),
        "handle");
  };
  const auto bots = ask_with(to_user, "");
  EXPECT_EQ(ask_with(to_user, R"(,"keyScope":"bot")"), bots);
  const auto own = ask_with(to_user, R"(,"keyScope":"conversation")");
  EXPECT_NE(own, bots);
  EXPECT_EQ(ask_with(to_user, R"(,"keyScope":"conversation")"), own);
  const auto shown = ask_for(200, "GET", "/schedule/" + own);
  EXPECT_EQ(text_of(shown, "key"), "once");
  EXPECT_EQ(text_of(shown, "keyScope"), "conversation");
  EXPECT_FALSE(ask_for(200, "GET", "/schedule/" + bots).as_object().contains("keyScope"));
  EXPECT_THAT(refusal(400, "POST", "/schedule",
                      "{" + to_user + "," + message + R"(,"after":"2h","key":"once","keyScope":"user"})"),
              AllOf(HasSubstr("keyScope"), HasSubstr("conversation")));
  EXPECT_THAT(
      refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":"2h","keyScope":"conversation"})"),
      HasSubstr("keyScope needs a key"));
}

// What scheduling took, in the form that it takes.
TEST_F(ProactivePaths, ShowWhenItComesAgain) {
  for (const auto* every :
       {R"("every":{"interval":"2h"},"timeZone":"UTC")", R"("every":{"daily":"09:00"},"timeZone":"Europe/Berlin")",
        R"("every":{"weekly":["monday","friday"],"at":"09:30"},"timeZone":"UTC")",
        R"("every":{"monthly":31,"at":"23:00"},"timeZone":"UTC")",
        R"("quietHours":{"from":"22:00","to":"07:00"},"timeZone":"America/New_York","strict":true)"}) {
    const auto given = json::parse("{" + std::string(every) + "}").as_object();
    const auto made =
        ask_for(201, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":"30h",)" + every + "}");
    const auto shown = ask_for(200, "GET", "/schedule/" + text_of(made, "handle")).as_object();
    EXPECT_EQ(shown.at("kind"), "activity");
    for (const auto* name : {"every", "quietHours", "timeZone", "strict"}) {
      EXPECT_EQ(shown.contains(name), given.contains(name)) << name << " of " << every;
      if (shown.contains(name) && given.contains(name)) {
        EXPECT_EQ(shown.at(name), given.at(name));
      }
    }
  }
}

// Its step is a send like others in the store; cancelled, the broadcast would stop without a word.
TEST_F(ProactivePaths, DoNotCancelTheStepOfABroadcast) {
  ask_for(202, "POST", "/continue/broadcast", "{" + to_user + "}");
  (void)channel.wait_for(1);
  json::object step;  // pending for as long as the broadcast runs, which is a minute and a half
  const auto listed = ask_for(200, "GET", "/schedule");
  for (const auto& item : listed.at("items").as_array()) {
    if (item.at("kind") == "broadcast" && item.as_object().contains("broadcast")) {
      step = item.as_object();
    }
  }
  ASSERT_FALSE(step.empty());
  EXPECT_EQ(step.at("broadcast"), "friday");
  EXPECT_FALSE(step.contains("activity"));
  const auto path = "/schedule/" + text_of(step, "handle");
  EXPECT_THAT(refusal(409, "DELETE", path), HasSubstr("Broadcasts::cancel"));
  EXPECT_THAT(refusal(409, "PATCH", path, R"({"after":"2h"})"), HasSubstr("BroadcastStep"));
}

TEST_F(ProactivePaths, PagesFollowEachOther) {
  for (int i = 0; i < 5; ++i) {
    ask_for(201, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":"2h"})");
  }
  std::size_t seen = 0;
  std::string next;
  do {
    const auto page = ask_for(200, "GET", "/schedule?limit=2" + (next.empty() ? "" : "&after=" + next));
    seen += page.at("items").as_array().size();
    next = page.as_object().contains("next") ? text_of(page, "next") : "";
  } while (!next.empty());
  EXPECT_EQ(seen, 5U);
  EXPECT_THAT(refusal(400, "GET", "/schedule?limit=0"), HasSubstr("1 to 1000"));
  EXPECT_THAT(refusal(400, "GET", "/schedule?offset=3"), HasSubstr("offset"));
  refusal(400, "GET", "/schedule?after=nowhere");
}

TEST_F(ProactivePaths, RunAContinuation) {
  ask_for(202, "POST", "/continue/greet", "{" + to_user + R"(,"value":{"name":"Ann"}})");
  const auto received = channel.wait_for(1);
  EXPECT_EQ(json::parse(received[0].body).at("text"), R"(Hello {"name":"Ann"})");
  EXPECT_THAT(refusal(404, "POST", "/continue/unknown", "{" + to_user + "}"), HasSubstr("UnknownContinuation"));
  EXPECT_THAT(refusal(400, "POST", "/continue/greet", "{" + to_user + R"(,"every":{"daily":"09:00"}})"),
              HasSubstr("/proactive/schedule"));
}

TEST_F(ProactivePaths, TheDeadCanBeSentAgainOrForgotten) {
  for (int i = 0; i < 2; ++i) {
    channel.answer_next(test::FakeAnswer::with(400));
    ask_for(201, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":0})");
    (void)channel.wait_for(static_cast<std::size_t>(i) + 1);
  }
  json::value dead;
  while (dead.is_null() || dead.at("items").as_array().size() < 2) {
    dead = ask_for(200, "GET", "/dead");
  }
  EXPECT_EQ(text_of(dead.at("items").at(0), "reason"), "rejected with 400");
  ask_for(200, "POST", "/dead/" + text_of(dead.at("items").at(0), "handle") + "/redrive");
  (void)channel.wait_for(3);
  const auto second = text_of(dead.at("items").at(1), "handle");
  ask_for(200, "DELETE", "/dead/" + second);
  refusal(404, "DELETE", "/dead/" + second);
  refusal(404, "POST", "/dead/" + second + "/redrive");
}

TEST_F(ProactivePaths, WhatWasGivenUpIsSentAgainByReasonAndTimeInOneCall) {
  for (int i = 0; i < 3; ++i) {
    channel.answer_next(test::FakeAnswer::with(400, i == 0 ? R"({"error":{"code":"BadSyntax","message":"no"}})" : ""));
    ask_for(201, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":0})");
    (void)channel.wait_for(static_cast<std::size_t>(i) + 1);
  }
  json::value dead;
  while (dead.is_null() || dead.at("items").as_array().size() < 3) {
    dead = ask_for(200, "GET", "/dead?reason=rejected");
  }
  EXPECT_TRUE(ask_for(200, "GET", "/dead?reason=conversation_gone").at("items").as_array().empty());
  EXPECT_TRUE(ask_for(200, "GET", "/dead?since=2999-01-01T00:00:00Z").at("items").as_array().empty());
  EXPECT_EQ(ask_for(200, "POST", "/dead/redrive?until=2001-01-01T00:00:00%2B01:00").at("redriven").as_int64(), 0);
  EXPECT_EQ(ask_for(200, "POST", "/dead/redrive?reason=rejected%20with%20400&since=2001-01-01T00:00:00Z")
                .at("redriven")
                .as_int64(),
            3);
  (void)channel.wait_for(6);
  EXPECT_TRUE(ask_for(200, "GET", "/dead").at("items").as_array().empty());
  EXPECT_THAT(refusal(400, "POST", "/dead/redrive?since=yesterday"), HasSubstr("since"));
  EXPECT_THAT(refusal(400, "POST", "/dead/redrive?reasons=x"), HasSubstr("reasons"));
  EXPECT_THAT(refusal(400, "POST", "/dead/redrive", R"({"reason":"rejected"})"), HasSubstr("query"));
  EXPECT_THAT(refusal(405, "GET", "/dead/redrive"), HasSubstr("POST"));
}

TEST_F(ProactivePaths, SayWhatIsWrong) {
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{"), HasSubstr("BadSyntax"));
  for (const std::string id : {".", ".."}) {
    const auto nowhere = R"("reference":{"channelId":"emulator","serviceUrl":")" + channel.url() +
                         R"(","conversation":{"id":")" + id + R"("},"user":{"id":"u"}})";
    EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + nowhere + "," + message + R"(,"after":"2h"})"),
                HasSubstr("cannot be part of a URL"));
    EXPECT_THAT(refusal(400, "POST", "/send", "{" + nowhere + "," + message + "}"),
                HasSubstr("cannot be part of a URL"));
  }
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + message + R"(,"after":1})"), HasSubstr("recipient is missing"));
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + "," + message + "}"), HasSubstr("The time is missing"));
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + R"(,"after":1})"), HasSubstr("continuation"));
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":"soon"})"),
              HasSubstr("30s"));
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"at":"tomorrow"})"),
              HasSubstr("RFC 3339"));
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"at":"2027-01-01T09:00:00"})"),
              HasSubstr("RFC 3339"))
      << "which zone?";
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"at":"2999-01-01T00:00:00Z"})"),
              HasSubstr("five years"));
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":1,"expire":"x"})"),
              HasSubstr("expire is not known"));
  EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":1,"timeZone":"Mars"})"),
              HasSubstr("Mars"));
  EXPECT_THAT(refusal(404, "POST", "/send", R"({"channelId":"emulator","userId":"nobody",)" + message + "}"),
              HasSubstr("knows no conversation"));
  EXPECT_THAT(refusal(403, "POST", "/send",
                      R"({"reference":{"channelId":"emulator","serviceUrl":"https://example.org",)"
                      R"("conversation":{"id":"c"}},)" +
                          message + "}"),
              HasSubstr("ServiceUrlNotAllowed"));
  EXPECT_THAT(
      refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":1,"timeZone":"Europe/Berlin"})"),
      HasSubstr("needs every"));
  EXPECT_THAT(refusal(400, "POST", "/schedule",
                      "{" + to_user + "," + message + R"(,"after":1,"quietHours":{"from":"22:00","to":"22:00"}})"),
              HasSubstr("no hour would be quiet"));
  EXPECT_THAT(
      refusal(400, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":1,"continuation":"greet"})"),
      testing::AllOf(HasSubstr("BadArgument"), HasSubstr("Give either activity, or continuation")));
  EXPECT_THAT(refusal(400, "POST", "/continue/greet", "{" + to_user + R"(,"after":1})"),
              testing::AllOf(HasSubstr("after is not known"), testing::Not(HasSubstr("every"))));
  EXPECT_THAT(refusal(400, "PATCH", "/schedule/" + SendHandle().to_string(), "{}"), HasSubstr("Give at or after."));
  EXPECT_THAT(refusal(400, "GET", "/schedule?limit=2&limit=3"), HasSubstr("given twice"));
  EXPECT_THAT(refusal(400, "GET", "/dead?orderKey="), HasSubstr("orderKey is empty"));
  refusal(404, "GET", "/nothing");
  refusal(404, "GET", "/schedule/not-a-handle");
  const auto wrong_method = ask("PUT", "/counts");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_THAT(wrong_method.head, HasSubstr("Allow: GET"));
  const auto no_type = test::exchange_bytes(
      app->port(), "POST /proactive/send HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " +
                       std::string(secret) + "\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(no_type.status, 415);
}

// Whatever else is wrong: a slip of the finger is not to be told as something that is missing.
TEST_F(ProactivePaths, NameAMemberThatIsMisspelled) {
  const auto is_told = [&](const std::string& method, const std::string& path, const std::string& body,
                           const std::string& slip, const std::string& meant) {
    const auto told = refusal(400, method, path, body);
    EXPECT_THAT(told, AllOf(HasSubstr(slip + " is not known here."), HasSubstr("Did you mean " + meant + "?"))) << body;
  };
  is_told("POST", "/send", "{" + to_user + R"(,"actvity":{"type":"message","text":"news"}})", "actvity", "activity");
  is_told("POST", "/send", R"({"chanelId":"emulator","userId":"user-1",)" + message + "}", "chanelId", "channelId");
  is_told("POST", "/send", R"({"Reference":{},)" + message + "}", "Reference", "reference");
  is_told("POST", "/send", R"({"reference":{"chanelId":"emulator"},)" + message + "}", "reference.chanelId",
          "channelId");
  is_told("POST", "/send", R"({"reference":{"channelId":"emulator","User":{"id":"u"}},)" + message + "}",
          "reference.User", "user");
  is_told("POST", "/schedule", "{" + to_user + R"(,"continuaton":"greet","after":1})", "continuaton", "continuation");
  is_told("POST", "/schedule", "{" + to_user + "," + message + R"(,"affter":1})", "affter", "after");
  is_told("POST", "/schedule", "{" + to_user + "," + message + R"(,"after":1,"cancel_on_reply":true})",
          "cancel_on_reply", "cancelOnReply");
  is_told("POST", "/schedule", "{" + to_user + "," + message + R"(,"every":{"dayly":"09:00"}})", "every.dayly",
          "daily");
  is_told("POST", "/schedule",
          "{" + to_user + "," + message + R"(,"after":1,"quietHours":{"form":"22:00","to":"07:00"}})",
          "quietHours.form", "from");
  is_told("POST", "/continue/greet", "{" + to_user + R"(,"vaule":1})", "vaule", "value");
  is_told("PATCH", "/schedule/" + SendHandle().to_string(), R"({"aftr":1})", "aftr", "after");
  is_told("GET", "/schedule?orderkey=x", "", "orderkey", "orderKey");
  is_told("GET", "/dead?limt=3", "", "limt", "limit");
  EXPECT_EQ(channel.request_count(), 0U);
}

// What nobody reads would not be done.
// What a sender wrote is repeated as text that can be read, and whole.
TEST_F(ProactivePaths, ErrorsAreUtf8AndDoNotEndAtANul) {
  const auto nul = std::string("\\u0000");
  EXPECT_THAT(refusal(400, "POST", "/send", "{\"x" + nul + R"(y":1})"), HasSubstr("is not known here"));
  EXPECT_THAT(refusal(400, "POST", "/schedule",
                      "{" + to_user + "," + message + R"(,"after":1,"every":{"a)" + nul + R"(b":1}})"),
              HasSubstr("is not known here"));
  EXPECT_THAT(refusal(400, "GET", "/schedule?a%00b=1"), HasSubstr("is not known here"));
  EXPECT_THAT(refusal(404, "POST", "/continue/a%00b", "{" + to_user + "}"), HasSubstr("a\xEF\xBF\xBD"
                                                                                      "b"));
  std::string cut(79, 'x');
  for (const auto& [method, path, body] :
       {std::tuple<std::string, std::string, std::string>{"GET", "/schedule?a%ffb=1", ""},
        {"POST", "/continue/a%ff", "{" + to_user + "}"},
        {"POST", "/send", "{\"" + cut + "\xc3\xbc\":1}"}}) {
    const auto answer = ask(method, path, body);
    EXPECT_GE(answer.status, 400) << path;
    EXPECT_THAT(answer.body, HasSubstr("\xEF\xBF\xBD")) << path;
    EXPECT_THAT(answer.body, testing::Not(HasSubstr("\xff"))) << path;
    boost::system::error_code error;
    json::parse(answer.body, error);  // which refuses what is no UTF-8
    EXPECT_FALSE(error) << answer.body;
  }
}

TEST_F(ProactivePaths, RefuseParametersAndBodiesWhereTheyMeanNothing) {
  const auto handle = SendHandle().to_string();
  for (const auto* request : {"/counts", "/schedule/"}) {
    const auto path = std::string(request) + (std::string(request).ends_with('/') ? handle : "");
    EXPECT_THAT(refusal(400, "GET", path + "?limit=1"), HasSubstr("limit is not known here. No names are known here."));
  }
  EXPECT_THAT(refusal(400, "POST", "/send?dryRun=1", "{" + to_user + "," + message + "}"), HasSubstr("dryRun"));
  EXPECT_THAT(refusal(400, "POST", "/dead/" + handle + "/redrive", R"({"at":"2030-01-01T00:00:00Z"})"),
              HasSubstr("no body"));
  EXPECT_THAT(refusal(400, "DELETE", "/schedule/" + handle, R"({"why":"x"})"), HasSubstr("no body"));
  refusal(404, "POST", "/dead/" + handle + "/redrive", "{}");
  EXPECT_EQ(channel.request_count(), 0U);
}

// Stored when the machine knew it.
TEST(ProactiveJson, ShowsATimeZoneByTheNameThatWasStored) {
  ScheduledSend send;
  send.payload = R"({"type":"message"})";
  send.reference = "{}";
  send.annotations = R"({"zone":"Europe/Atlantis","every":{"days":127,"at":"09:00"}})";
  EXPECT_EQ(app::to_json(proactive::view_of(send)).at("timeZone"), "Europe/Atlantis");
  send.annotations = R"({"zone":"US/Gone","quiet":["22:00","07:00"]})";
  EXPECT_EQ(app::to_json(proactive::view_of(send)).at("timeZone"), "US/Gone");
}

TEST(ProactiveCall, ATimeZoneMayBeAnOffset) {
  const WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1) + 12h;
  const auto call = app::parse_proactive_call(
      R"({"channelId":"c","userId":"u","activity":{"type":"message"},"every":{"daily":"09:00"},"timeZone":"UTC-05:00"})",
      app::CallKind::schedule, now);
  EXPECT_EQ(call.due, now + 2h);
}

// What the clock cannot hold must not wrap around: it would be sent at once, and a recurring one again and again.
TEST_F(ProactivePaths, RefuseWhatLiesTooFarAhead) {
  for (const auto* when : {R"("after":9000000000000000000)", R"("after":"5000000h")", R"("after":"50000h")",
                           R"("every":{"interval":"5000000h"})", R"("at":"9999-01-01T00:00:00Z")"}) {
    EXPECT_THAT(refusal(400, "POST", "/schedule", "{" + to_user + "," + message + "," + when + "}"),
                HasSubstr("five years"))
        << when;
  }
  const auto made = ask_for(201, "POST", "/schedule", "{" + to_user + "," + message + R"(,"after":"2h"})");
  const auto path = "/schedule/" + text_of(made, "handle");
  for (const auto* when : {R"({"after":9000000000000000000})", R"({"at":"2200-01-01T00:00:00Z"})"}) {
    EXPECT_THAT(refusal(400, "PATCH", path, when), HasSubstr("five years")) << when;
  }
  EXPECT_EQ(text_of(ask_for(200, "GET", path), "due"), text_of(made, "due"));
  EXPECT_EQ(channel.request_count(), 0U);
}

TEST_F(ProactivePaths, SayWhenAMessageMayHaveArrived) {
  for (const unsigned status : {408U, 412U, 500U}) {
    channel.answer_next(test::FakeAnswer::with(status));
    EXPECT_THAT(refusal(504, "POST", "/send", "{" + to_user + "," + message + "}"), HasSubstr("OutcomeUnknown"));
  }
}

TEST_F(ProactivePaths, SayWhatAReferenceLacks) {
  const auto send = [&](const std::string& reference) {
    return refusal(400, "POST", "/send", R"({"reference":{)" + reference + "}," + message + "}");
  };
  EXPECT_THAT(send(R"("channelId":"emulator","conversation":{"id":"c"})"), HasSubstr("no serviceUrl"));
  const auto nowhere = send(R"("channelId":"emulator","serviceUrl":")" + channel.url() + R"(")");
  EXPECT_THAT(nowhere, HasSubstr("no conversation.id."));
  EXPECT_THAT(nowhere, testing::Not(HasSubstr("tern:")));
}

TEST(ProactivePathsOff, AreNotThereWithoutASecret) {
  Settings settings;
  settings.listen.port = 0;
  settings.listen.threads = 1;
  settings.proactive.enabled = true;
  settings.log.level = log::Level::error;
  App app(settings, [] { return std::make_unique<Silent>(); });
  app.start();
  EXPECT_EQ(test::get(app.port(), "/proactive/counts").status, 404);
  EXPECT_TRUE(app.stop());
}

TEST(ProactiveCall, ReadsRecurrencesAndQuietHours) {
  const WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1) + 12h;
  const auto call = app::parse_proactive_call(
      R"({"channelId":"c","userId":"u","activity":{"type":"message"},"every":{"weekly":["friday"],"at":"09:30"},
          "timeZone":"Europe/Berlin","quietHours":{"from":"22:00","to":"07:00"},"cancelOnReply":true,"atMostOnce":true})",
      app::CallKind::schedule, now);
  EXPECT_EQ(call.due, std::chrono::sys_days(std::chrono::year(2026) / 12 / 4) + 8h + 30min);
  EXPECT_EQ(call.options.recurrence(), Recurrence::weekly(Recurrence::Day::friday, TimeOfDay(9, 30)));
  EXPECT_TRUE(call.options.is_cancelled_on_reply());
  EXPECT_TRUE(call.options.is_at_most_once());
  ASSERT_TRUE(call.options.quiet());
  EXPECT_EQ(call.options.quiet()->from(), TimeOfDay(22));
  for (const auto* every : {R"({})", R"({"daily":"25:00"})", R"({"weekly":"someday","at":"09:00"})",
                            R"({"monthly":32,"at":"09:00"})", R"({"monthly":1})", R"({"daily":"09:00","at":"10:00"})",
                            R"({"interval":"2h","daily":"09:00"})", R"({"yearly":1})"}) {
    const auto body =
        R"({"channelId":"c","userId":"u","activity":{"type":"message"},"every":)" + std::string(every) + "}";
    EXPECT_THROW((void)app::parse_proactive_call(body, app::CallKind::schedule, now), app::BadCall) << every;
  }
}

}  // namespace
}  // namespace tern
