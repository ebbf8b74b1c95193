#include "support/bot_world.hpp"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern {
namespace {

using test::BotWorld;
using test::message_bot;
using testing::ElementsAre;

TEST(TurnContext, AddressesAReplyFromTheIncomingActivity) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> { co_await turn.send("hi"); }));
  auto reply = world.say("hello", "conv-1", "act-9");
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ(reply->status(), 200U);
  EXPECT_EQ(reply->reply->body, "");
  ASSERT_EQ(world.sender.calls.size(), 1U);
  const auto expected = json::parse(R"({"type":"message","text":"hi","serviceUrl":"http://localhost:9",
    "channelId":"emulator","from":{"id":"bot-1","name":"Bot","role":"bot"},
    "conversation":{"id":"conv-1","conversationType":"personal"},
    "recipient":{"id":"user-1","name":"User","role":"user"},"locale":"en-US","inputHint":"acceptingInput",
    "replyToId":"act-9"})");
  EXPECT_EQ(json::value(world.sender.calls[0].activity.json()), expected);
}

TEST(TurnContext, KeepsWhatTheBotHasSet) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    auto activity = Activity::message("hi");
    activity.set_locale("de-DE").set_input_hint("ignoringInput").set_id("mine").set_reply_to_id("other");
    co_await turn.send(std::move(activity));
  }));
  world.say("hello");
  const auto& sent = world.sender.calls.at(0).activity;
  EXPECT_EQ(sent.locale(), "de-DE");
  EXPECT_EQ(sent.input_hint(), "ignoringInput");
  EXPECT_EQ(sent.reply_to_id(), "other");
  EXPECT_FALSE(sent.id());
}

TEST(TurnContext, RepliesToAConversationUpdateOnWebChatNameNoActivity) {
  for (const auto* channel : {"directline", "webchat", "emulator"}) {
    BotWorld world([] {
      auto bot = std::make_unique<FunctionBot>();
      bot->on("conversationUpdate", [](TurnContext& turn) -> awaitable<void> { co_await turn.send("welcome"); });
      return bot;
    });
    auto update = world.message("");
    update.set_type("conversationUpdate").set_channel_id(channel);
    world.receive(update);
    world.settle();
    EXPECT_EQ(world.sender.calls.at(0).activity.reply_to_id().has_value(), std::string(channel) == "emulator");
  }
}

TEST(TurnContext, SendsManyInOrderAndWaitsForADelay) {
  std::vector<std::optional<ResourceResponse>> responses;
  BotWorld world(message_bot([&responses](TurnContext& turn) -> awaitable<void> {
    std::vector<Activity> all;
    all.push_back(Activity::message("one"));
    all.push_back(Activity::delay(std::chrono::milliseconds(100)));
    all.push_back(Activity::message("two"));
    auto sent = co_await turn.send_many(std::move(all));
    responses = std::move(sent);
  }));
  auto reply = world.say("go");
  EXPECT_THAT(world.sender.texts(), ElementsAre("one"));
  EXPECT_FALSE(reply->reply);
  world.pass(std::chrono::milliseconds(90));
  EXPECT_THAT(world.sender.texts(), ElementsAre("one"));
  world.pass(std::chrono::milliseconds(10));
  EXPECT_THAT(world.sender.texts(), ElementsAre("one", "two"));
  ASSERT_EQ(responses.size(), 3U);
  EXPECT_EQ(responses[0]->id(), "sent-1");
  EXPECT_FALSE(responses[1]);
  EXPECT_EQ(responses[2]->id(), "sent-2");
}

TEST(TurnContext, ADelayWithoutANumberIsOneSecond) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    auto pause = Activity::of_type("delay");
    pause.set_value("soon");
    co_await turn.send(std::move(pause));
  }));
  auto reply = world.say("go");
  world.pass(std::chrono::milliseconds(990));
  EXPECT_FALSE(reply->reply);
  world.pass(std::chrono::milliseconds(10));
  EXPECT_TRUE(reply->reply);
}

TEST(TurnContext, RefusesAnEmptyListAndAnActivityWithoutType) {
  int refused = 0;
  BotWorld world(message_bot([&refused](TurnContext& turn) -> awaitable<void> {
    for (int i = 0; i < 2; ++i) {
      try {
        if (i == 0) {
          co_await turn.send_many({});
        } else {
          co_await turn.send(Activity());
        }
      } catch (const system_error& e) {
        refused += e.code() == errc::invalid_argument ? 1 : 0;
      }
    }
  }));
  world.say("go");
  EXPECT_EQ(refused, 2);
}

TEST(TurnContext, TraceGoesToTheEmulatorOnlyAndIsNoResponse) {
  for (const auto* channel : {"emulator", "msteams"}) {
    std::optional<bool> responded;
    BotWorld world(message_bot([&responded](TurnContext& turn) -> awaitable<void> {
      co_await turn.send(Activity::trace("t"));
      responded = turn.responded();
    }));
    auto activity = world.message("x");
    activity.set_channel_id(channel);
    world.receive(activity);
    world.settle();
    EXPECT_EQ(responded, false);
    EXPECT_EQ(world.sender.calls.size(), std::string(channel) == "emulator" ? 1U : 0U);
  }
}

TEST(TurnContext, HooksRunInOrderAndMayKeepAnActivityBack) {
  std::vector<std::string> log;
  std::optional<ResourceResponse> kept;
  BotWorld world(message_bot([&](TurnContext& turn) -> awaitable<void> {
    turn.on_send([&log](TurnContext&, Activity& activity, SendNext next) -> awaitable<std::optional<ResourceResponse>> {
      log.emplace_back("outer");
      auto response = co_await next();
      log.emplace_back("outer after " + std::string(activity.id().value_or("none")));
      co_return response;
    });
    turn.on_send([&log](TurnContext&, Activity& activity, SendNext next) -> awaitable<std::optional<ResourceResponse>> {
      log.emplace_back("inner");
      if (activity.text() == "drop") {
        co_return std::nullopt;
      }
      activity.set_text("changed");
      auto response = co_await next();
      co_return response;
    });
    co_await turn.send("first");
    auto response = co_await turn.send("drop");
    kept = std::move(response);
  }));
  auto reply = world.say("go");
  EXPECT_EQ(reply->status(), 200U);
  EXPECT_THAT(log, ElementsAre("outer", "inner", "outer after sent-1", "outer", "inner", "outer after none"));
  EXPECT_THAT(world.sender.texts(), ElementsAre("changed"));
  EXPECT_FALSE(kept);
}

TEST(TurnContext, UpdatesAndDeletesThroughTheirHooks) {
  int hooks = 0;
  BotWorld world(message_bot([&hooks](TurnContext& turn) -> awaitable<void> {
    turn.on_update([&hooks](TurnContext&, Activity&, SendNext next) -> awaitable<std::optional<ResourceResponse>> {
      ++hooks;
      auto response = co_await next();
      co_return response;
    });
    turn.on_delete([&hooks](TurnContext&, ConversationReference&, DeleteNext next) -> awaitable<void> {
      ++hooks;
      co_await next();
    });
    auto first = co_await turn.send("first");
    auto second = Activity::message("second");
    second.set_id(*first->id());
    co_await turn.update(std::move(second));
    co_await turn.remove(std::string(*first->id()));
  }));
  auto reply = world.say("go");
  EXPECT_EQ(reply->status(), 200U);
  EXPECT_EQ(hooks, 2);
  ASSERT_EQ(world.sender.calls.size(), 3U);
  EXPECT_EQ(world.sender.calls[1].op, "update");
  EXPECT_EQ(world.sender.calls[1].activity.id(), "sent-1");
  EXPECT_EQ(world.sender.calls[1].activity.text(), "second");
  EXPECT_EQ(ConversationReference(world.sender.calls[2].activity.json()).activity_id(), "sent-1");
}

TEST(TurnContext, ExpectRepliesCollectsWhatIsSent) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await turn.send_typing();
    co_await turn.send("answer");
  }));
  auto activity = world.message("x");
  activity.set_delivery_mode("expectReplies");
  activity.json().erase("serviceUrl");
  auto reply = world.receive(activity);
  world.settle();
  EXPECT_TRUE(world.sender.calls.empty());
  const auto body = json::parse(reply->reply->body);
  const auto& activities = body.at("activities").as_array();
  ASSERT_EQ(activities.size(), 2U);
  EXPECT_EQ(activities[0].at("type"), "typing");
  EXPECT_EQ(activities[1].at("text"), "answer");
  EXPECT_EQ(activities[1].at("recipient").at("id"), "user-1");
}

TEST(TurnContext, StreamsWhatIsSentAtOnce) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await turn.send("one");
    co_await sleep_for(std::chrono::seconds(20), turn.clock());
    co_await turn.send("two");
  }));
  auto activity = world.message("x");
  activity.set_delivery_mode("stream");
  auto reply = world.receive(activity);
  world.settle();
  EXPECT_EQ(reply->activities(), 1U);
  world.pass(std::chrono::seconds(20), std::chrono::milliseconds(500));
  EXPECT_EQ(reply->activities(), 2U);
  EXPECT_EQ(reply->status(), 200U);
  EXPECT_EQ(reply->replies, 1U);
}

TEST(TurnContext, TheBagHoldsOneOfEachType) {
  std::vector<int> seen;
  BotWorld world(message_bot([&seen](TurnContext& turn) -> awaitable<void> {
    turn.bag().set(1);
    turn.bag().set(std::string("text"));
    turn.bag().set(2);
    seen.push_back(*turn.bag().get<int>());
    seen.push_back(turn.bag().get<double>() == nullptr ? 0 : 1);
    co_return;
  }));
  world.say("x");
  EXPECT_THAT(seen, ElementsAre(2, 0));
}

TEST(TurnContext, ProactiveCallsSayWhichKeyToSetWhileItIsOff) {
  std::string said;
  BotWorld world(message_bot([&said](TurnContext& turn) -> awaitable<void> {
                   try {
                     co_await turn.proactive().send_after(std::chrono::seconds(1), Activity::message("later"));
                   } catch (const system_error& e) {
                     said = e.code() == errc::proactive_disabled ? e.what() : "another error";
                   }
                 }),
                 runtime::RuntimeOptions(), false);
  world.say("x");
  EXPECT_THAT(said, testing::HasSubstr("proactive.enabled"));
}

}  // namespace
}  // namespace tern
