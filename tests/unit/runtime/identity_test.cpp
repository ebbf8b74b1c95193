// Nobody's conversation, message or answer is taken for somebody else's, whatever ids a stranger makes up.

#include "proactive/limits/send_limits.hpp"
#include "support/bot_world.hpp"
#include "turn/keys.hpp"

#include <tern/async/timer.hpp>
#include <tern/storage/schedule_types.hpp>

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::HasSubstr;

// Made so that libstdc++'s unkeyed hash of the two is the same.
constexpr const char* victims = "a:1ABCvictim-conversation-0001";
constexpr const char* strangers = "stranger4lqeeas6ZO5YO.~N";

/// A bot that answers with who wrote, where and how often anybody has, after what the test lets it wait for.
class IdentityTest : public ::testing::Test {
 protected:
  runtime::Runtime::MakeBot bot() {
    return test::message_bot([this](TurnContext& turn) -> awaitable<void> {
      const std::string from(turn.activity().from_id().value_or(""));
      ++turns;
      if (turn.activity().text() == "slow") {
        Timer timer(world.clock, co_await this_coro::executor);
        co_await timer.wait_for(5s);
      }
      if (turn.activity().text() == "long") {
        co_await turn.send(std::string(250'000, 'x'));
      }
      co_await turn.send("turn " + std::to_string(turns) + " of " + from);
    });
  }
  static runtime::RuntimeOptions options() {
    runtime::RuntimeOptions made;
    made.dedupe_bytes = 8U << 20;
    return made;
  }
  Activity activity(const json::object& changed) {
    auto fields =
        json::parse(R"({"type":"message","id":"m1","timestamp":"2026-11-28T10:00:01Z","channelId":"directline",
      "serviceUrl":"http://localhost:9","conversation":{"id":"c1"},"from":{"id":"victim"},"recipient":{"id":"bot"},
      "deliveryMode":"expectReplies","text":"hi"})")
            .as_object();
    for (const auto& [name, value] : changed) {
      fields[name] = value;
    }
    return Activity(std::move(fields));
  }
  std::shared_ptr<BotWorld::Reply> post(const json::object& changed) {
    auto reply = world.receive(activity(changed));
    world.settle();
    return reply;
  }
  /// The body of the answer, "" when there is none yet.
  static std::string body(const std::shared_ptr<BotWorld::Reply>& reply) {
    return reply->reply ? reply->reply->body : std::string();
  }
  static json::object in(const char* conversation) {
    return {{"conversation", {{"id", conversation}, {"conversationType", "personal"}}}};
  }

  int turns = 0;
  BotWorld world{bot(), options()};
};

TEST_F(IdentityTest, AnIdWhoseHashIsTheSameGetsNoAnswerOfAnotherConversation) {
  ASSERT_EQ(std::hash<std::string_view>()(victims), std::hash<std::string_view>()(strangers));
  EXPECT_THAT(body(post(in(victims))), HasSubstr("turn 1 of victim"));
  EXPECT_THAT(body(post(in(strangers))), HasSubstr("turn 2"));
}

TEST_F(IdentityTest, AnIdWhoseHashIsTheSameHoldsUpNoOtherConversation) {
  auto slow = in(strangers);
  slow["text"] = "slow";
  slow["from"] = {{"id", "stranger"}};
  post(slow);
  EXPECT_THAT(body(post(in(victims))), HasSubstr("of victim"));
}

TEST_F(IdentityTest, WhereAUserWroteLastIsStoredThoughTheHashOfTheIdsIsTheSame) {
  post(in(victims));
  auto next = in(strangers);
  next["id"] = "m2";
  post(next);
  const auto key = detail::last_conversation_key("local", "directline", "victim", true);
  const auto stored = test::run_on(world.io(), world.storage.read({key}, Deadline::never()));
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_THAT(stored.begin()->document, HasSubstr(strangers));
}

TEST_F(IdentityTest, TheIdsOfAnotherSenderGetNoAnswerOfHis) {
  EXPECT_THAT(body(post({})), HasSubstr("turn 1 of victim"));
  EXPECT_THAT(body(post({{"from", {{"id", "stranger"}}}})), HasSubstr("turn 2 of stranger"));
  EXPECT_THAT(body(post({})), HasSubstr("turn 1 of victim")) << "his own are remembered";
}

TEST_F(IdentityTest, WhoUsesSomebodysIdsBeforeHimKeepsNoMessageFromRunning) {
  post({{"from", {{"id", "stranger"}}}});
  EXPECT_THAT(body(post({})), HasSubstr("turn 2 of victim"));
}

TEST_F(IdentityTest, TwoBotsInOneConversationEachHaveTheirTurn) {
  EXPECT_THAT(body(post({})), HasSubstr("turn 1"));
  EXPECT_THAT(body(post({{"recipient", {{"id", "another bot"}}}})), HasSubstr("turn 2"));
}

TEST_F(IdentityTest, AnAnswerIsKeptForTheModeThatAsked) {
  const auto normal = post({{"deliveryMode", "normal"}});
  EXPECT_EQ(body(normal), "");
  EXPECT_EQ(normal->status(), 200U);
  EXPECT_THAT(body(post({})), HasSubstr("turn 2 of victim"));
  EXPECT_EQ(body(post({{"deliveryMode", "normal"}})), "");
  EXPECT_EQ(turns, 2);
}

TEST_F(IdentityTest, LargeAnswersOfOneConversationPushOutNobodyElses) {
  EXPECT_THAT(body(post({})), HasSubstr("turn 1 of victim"));
  auto flood = in("strangers");
  flood["text"] = "long";
  for (int i = 0; i < 300; ++i) {
    flood["id"] = "long-" + std::to_string(i);
    ASSERT_GT(body(post(flood)).size(), 250'000U);
  }
  EXPECT_EQ(turns, 301);
  EXPECT_THAT(body(post({})), HasSubstr("turn 1 of victim"));
  EXPECT_EQ(turns, 301) << "the newest of the many are remembered as well";
  post(flood);
  EXPECT_EQ(turns, 301);
}

TEST_F(IdentityTest, SmallAnswersOfOneConversationPushOutNobodyElses) {
  EXPECT_THAT(body(post({})), HasSubstr("turn 1 of victim"));
  auto flood = in("strangers");
  flood["deliveryMode"] = "normal";
  for (int i = 0; i < 20'000; ++i) {
    flood["id"] = std::to_string(i);
    post(flood);
    world.sender.calls.clear();
  }
  const auto before = turns;
  EXPECT_THAT(body(post({})), HasSubstr("turn 1 of victim"));
  EXPECT_EQ(turns, before);
}

// The scopes of the limiter are hashes without more, so nobody may be able to reckon them.
TEST(Identity, WhatASendCountsToIsKeyed) {
  const proactive::SendLimits limits;
  const auto scope = proactive::SendScope::of("msteams", "bot", "tenant", victims, limits);
  EXPECT_NE(scope.bot, stable_hash("msteams\nbot"));
  EXPECT_NE(scope.conversation, stable_hash(std::string("msteams\nbot\nconversation\n") + victims));
  EXPECT_NE(scope.tenant, stable_hash("msteams\nbot\ntenant\ntenant"));
  EXPECT_EQ(scope.conversation, proactive::SendScope::of("msteams", "bot", "another", victims, limits).conversation);
  EXPECT_NE(scope.conversation, proactive::SendScope::of("msteams", "bot", "tenant", strangers, limits).conversation);
}

}  // namespace
}  // namespace tern
