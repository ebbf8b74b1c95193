// Who says where a conversation is, and who is believed, in a bot that checks its callers.
#include "support/bot_world.hpp"
#include "turn/trust.hpp"

#include <tern/turn/turn_context.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using detail::Trust;
using test::BotWorld;
using Kind = Identity::Kind;

Identity caller_of(Kind kind, std::string app = {}, std::string tenant = {}) {
  Identity made;
  made.kind = kind;
  made.app_id = std::move(app);
  made.tenant_id = std::move(tenant);
  return made;
}

const Identity channel = caller_of(Kind::channel);
const Identity bot_a = caller_of(Kind::bot, "a", "t");
const Identity bot_b = caller_of(Kind::bot, "b", "t");

class TrustedReferences : public ::testing::Test {
 protected:
  // The bot promises an answer in 10 s.
  static runtime::Runtime::MakeBot obliging() {
    return [] {
      auto bot = std::make_unique<FunctionBot>();
      bot->on_message([](TurnContext& turn) -> awaitable<void> {
        if (turn.activity().text() == "promise") {
          co_await turn.proactive().send_after(10s, Activity::message("kept"));
        }
        if (turn.activity().text() == "answer") {
          co_await turn.send("answered");
        }
        if (turn.activity().text() == "edit") {
          co_await turn.send("answered");
          auto edited = Activity::message("edited");
          edited.set_id("sent-1");
          co_await turn.update(std::move(edited));
        }
        if (turn.activity().text() == "continue") {
          co_await turn.proactive().continue_after(1s, "promise later");
        }
        if (turn.activity().text() == "work") {
          turn.run_in_background([](Conversation work) -> awaitable<void> {
            co_await work.proactive().send_after(work.reference(), 10s, Activity::message("kept"), {});
          });
        }
      });
      bot->on_continue("promise later", [](TurnContext& turn) -> awaitable<void> {
        co_await turn.proactive().send_after(10s, Activity::message("kept"));
      });
      return bot;
    };
  }

  TrustedReferences() { world.runtime->environment(0).checks_callers = true; }

  Activity message(const std::string& text, const std::string& url, const std::string& conversation = "conv-1") {
    auto activity = world.message(text, conversation);
    activity.set_service_url(url);
    return activity;
  }
  void receive(Activity activity, const std::optional<Identity>& from) {
    world.receive_from(std::move(activity), from ? std::make_shared<const Identity>(*from) : nullptr);
    world.settle();
  }
  // Where the promise of the bot was kept.
  std::string kept_at() {
    world.pass(12s);
    for (const auto& call : world.sender.calls) {
      if (call.activity.is(activity_types::message) && call.activity.text() == "kept") {
        return std::string(call.activity.service_url().value_or(""));
      }
    }
    return "nowhere";
  }
  std::optional<ConversationReference> found(const std::string& conversation = {}) {
    return conversation.empty()
               ? test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1"))
               : test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1", conversation));
  }
  std::string url_of(const std::string& conversation) {
    const auto reference = found(conversation);
    return reference ? std::string(reference->service_url().value_or("")) : "nowhere";
  }
  Trust of_send() {
    const auto records = world.records();
    return records.empty() ? Trust() : Trust::in(json::parse(records.front().reference).as_object());
  }

  std::shared_ptr<test::StorageFaults> faults = std::make_shared<test::StorageFaults>();
  BotWorld world{obliging(), {}, true, {}, faults};
};

TEST_F(TrustedReferences, KeepWhoHasSentTheActivity) {
  receive(message("promise", "http://localhost:1"), bot_a);
  ASSERT_TRUE(found("conv-1"));
  EXPECT_EQ(Trust::in(found("conv-1")->json()), Trust::of(bot_a));
  EXPECT_EQ(of_send(), Trust::of(bot_a));
}

// Whom the token of each message is for; "nobody" where nothing was sent.
std::vector<std::string> noted(const std::vector<test::SentCall>& calls) {
  std::vector<std::string> all;
  for (const auto& call : calls) {
    all.emplace_back(detail::noted_caller(call.activity));
  }
  return all;
}

TEST_F(TrustedReferences, SayForWhomTheTokenOfAMessageIs) {
  using Callers = std::vector<std::string>;
  for (const char* text : {"promise", "continue", "work", "answer", "edit"}) {
    for (const auto& [from, name] : {std::pair{bot_a, "a"}, std::pair{channel, ""}}) {
      world.sender.calls.clear();
      const auto conversation = std::string(text) + name;
      receive(message(text, "http://localhost:1", conversation), from);
      world.pass(12s);
      EXPECT_EQ(noted(world.sender.calls), Callers(text == std::string("edit") ? 2 : 1, name)) << conversation;
    }
  }
}

TEST_F(TrustedReferences, OfAnotherBotAreNotedInNoAnswer) {
  auto activity = message("answer", "http://localhost:1");
  activity.set_delivery_mode("expectReplies");
  const auto reply = world.receive_from(std::move(activity), std::make_shared<const Identity>(bot_a));
  world.settle();
  ASSERT_TRUE(reply->reply);
  EXPECT_NE(reply->reply->body.find("answered"), std::string::npos);
  EXPECT_EQ(reply->reply->body.find("callerId"), std::string::npos) << reply->reply->body;
}

// The channel has taken the conversation over, so the bot that had brought it gets nothing any more.
TEST_F(TrustedReferences, ThatHaveMovedSayItAnew) {
  receive(message("promise", "http://localhost:1"), bot_a);
  receive(message("hello", "http://localhost:2"), channel);
  EXPECT_EQ(kept_at(), "http://localhost:2");
  EXPECT_EQ(noted(world.sender.calls), std::vector<std::string>{""});
}

TEST_F(TrustedReferences, OfAnActivityThatNobodyWasAskedAboutAreAsTheyWere) {
  world.runtime->environment(0).checks_callers = false;
  receive(message("promise", "http://localhost:1"), std::nullopt);
  EXPECT_FALSE(found("conv-1")->json().contains("trust"));
  EXPECT_EQ(world.records().front().reference.find("trust"), std::string::npos);
}

// A send whose reference is equal to what is stored is fired without parsing either.
TEST_F(TrustedReferences, OfASendAreEqualToWhatIsStored) {
  receive(message("promise", "http://localhost:1"), bot_a);
  auto items =
      test::run_on(world.io(), world.storage.read({"local/emulator/references/user-1/conv-1"}, Deadline::never()));
  ASSERT_FALSE(items.empty());
  EXPECT_EQ(items.begin()->document, world.records().front().reference);
}

TEST_F(TrustedReferences, AreMovedByTheirChannel) {
  receive(message("promise", "http://localhost:1"), channel);
  receive(message("hello", "http://localhost:2"), channel);
  EXPECT_EQ(url_of("conv-1"), "http://localhost:2");
  EXPECT_EQ(kept_at(), "http://localhost:2");
}

TEST_F(TrustedReferences, OfATimeWhenNobodyWasAskedAreMovedByWhoeverIsKnown) {
  world.runtime->environment(0).checks_callers = false;
  receive(message("promise", "http://localhost:1"), std::nullopt);
  world.runtime->environment(0).checks_callers = true;
  receive(message("hello", "http://localhost:2"), bot_a);
  EXPECT_EQ(url_of("conv-1"), "http://localhost:2");
  EXPECT_EQ(kept_at(), "http://localhost:2");
}

TEST_F(TrustedReferences, AreNotMovedByWhatWasSaidWhenNobodyWasAsked) {
  receive(message("promise", "http://localhost:1"), channel);
  world.runtime->environment(0).checks_callers = false;
  receive(message("hello", "http://localhost:2"), std::nullopt);
  world.runtime->environment(0).checks_callers = true;
  EXPECT_EQ(kept_at(), "http://localhost:1");
}

TEST_F(TrustedReferences, WithoutAnAuthenticatorAreMovedByEverybody) {
  receive(message("promise", "http://localhost:1"), channel);
  world.runtime->environment(0).checks_callers = false;
  receive(message("hello", "http://localhost:2"), std::nullopt);
  EXPECT_EQ(kept_at(), "http://localhost:2");
}

TEST_F(TrustedReferences, OfAChannelAreNotMovedByAnotherBot) {
  receive(message("promise", "http://localhost:1"), channel);
  receive(message("hello", "http://localhost:2"), bot_a);
  EXPECT_EQ(url_of("conv-1"), "http://localhost:1");
  EXPECT_EQ(Trust::in(found("conv-1")->json()), Trust::of(channel));
  EXPECT_EQ(kept_at(), "http://localhost:1");
}

TEST_F(TrustedReferences, OfABotAreMovedByThatBotAlone) {
  receive(message("promise", "http://localhost:1"), bot_a);
  receive(message("hello", "http://localhost:2"), bot_b);
  EXPECT_EQ(url_of("conv-1"), "http://localhost:1");
  receive(message("hello", "http://localhost:3"), bot_a);
  EXPECT_EQ(url_of("conv-1"), "http://localhost:3");
  EXPECT_EQ(kept_at(), "http://localhost:3");
}

TEST_F(TrustedReferences, OfAChannelAreNotRemovedByAnotherBot) {
  receive(message("hello", "http://localhost:1"), channel);
  auto removed = message("", "http://localhost:2");
  removed.json()["type"] = "installationUpdate";
  removed.json()["action"] = "remove";
  receive(removed, bot_a);
  EXPECT_EQ(url_of("conv-1"), "http://localhost:1");
  receive(removed, channel);
  EXPECT_EQ(url_of("conv-1"), "nowhere");
}

// Otherwise what the bot has to say to a user would go to whatever conversation another bot names.
TEST_F(TrustedReferences, OfAUserAreNotFoundWhereAnotherBotSaysThatTheUserWrote) {
  receive(message("hello", "http://localhost:1"), channel);
  receive(message("hello", "http://localhost:2", "conv-2"), bot_a);
  EXPECT_EQ(found()->conversation_id(), "conv-1");
  EXPECT_EQ(url_of("conv-2"), "http://localhost:2") << "its own conversation is known";
  receive(message("hello", "http://localhost:1", "conv-3"), channel);
  EXPECT_EQ(found()->conversation_id(), "conv-3");
}

TEST_F(TrustedReferences, OfAGroupAreNotMovedByAnotherBot) {
  const auto in_group = [&](const std::string& text, const std::string& url, const std::string& user,
                            const Identity& from) {
    auto activity = message(text, url, "group");
    activity.json()["conversation"] = {{"id", "group"}, {"conversationType", "groupChat"}, {"isGroup", true}};
    activity.json()["from"] = {{"id", user}};
    receive(std::move(activity), from);
  };
  in_group("promise", "http://localhost:1", "ada", channel);
  in_group("hello", "http://localhost:2", "bob", bot_a);
  in_group("hello", "http://localhost:2", "ada", bot_a);
  EXPECT_EQ(kept_at(), "http://localhost:1");
  in_group("promise", "http://localhost:1", "ada", channel);
  in_group("hello", "http://localhost:3", "bob", channel);
  world.sender.calls.clear();
  EXPECT_EQ(kept_at(), "http://localhost:3");
}

TEST_F(TrustedReferences, AreTrustedAlikeInTurnsThatTheBotBegins) {
  receive(message("continue", "http://localhost:1"), channel);
  world.pass(2s);
  EXPECT_EQ(of_send(), Trust::of(channel));
}

TEST_F(TrustedReferences, AreTrustedAlikeInBackgroundWork) {
  receive(message("work", "http://localhost:1"), channel);
  world.settle();
  EXPECT_EQ(of_send(), Trust::of(channel));
}

TEST_F(TrustedReferences, OfAChannelCostNoReadMore) {
  receive(message("hello", "http://localhost:1"), channel);
  EXPECT_TRUE(faults->read.empty());
  receive(message("hello", "http://localhost:1"), bot_a);
  EXPECT_EQ(faults->read.size(), 1U) << "of another caller, once it has news";
}

TEST_F(TrustedReferences, ThatCannotBeComparedWithTheStoredAreNotStoredAndTheTurnGoesOn) {
  receive(message("hello", "http://localhost:1"), channel);
  faults->calls_left = 0;
  receive(message("promise", "http://localhost:2"), bot_a);
  EXPECT_EQ(url_of("conv-1"), "http://localhost:1");
  EXPECT_EQ(world.records().size(), 1U);
}

}  // namespace
}  // namespace tern
