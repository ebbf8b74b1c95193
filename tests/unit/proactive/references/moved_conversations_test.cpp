// What is scheduled for a conversation goes where that conversation is when it is due.
#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;

class MovedConversations : public ::testing::Test {
 protected:
  // The bot promises an answer in 10 s.
  static runtime::Runtime::MakeBot promising() {
    return [] {
      auto bot = std::make_unique<FunctionBot>();
      bot->on_message([](TurnContext& turn) -> awaitable<void> {
        if (turn.activity().text() == "promise") {
          auto later = Activity::message("kept");
          co_await turn.proactive().send_after(10s, std::move(later));
        }
        if (turn.activity().text() == "continue") {
          co_await turn.proactive().continue_after(10s, "go on");
        }
      });
      bot->on_continue("go on", [](TurnContext& turn) -> awaitable<void> { co_await turn.send("kept"); });
      return bot;
    };
  }
  Activity message(const std::string& text, const std::string& url, const std::string& conversation = "conv-1") {
    auto activity = world.message(text, conversation);
    activity.set_service_url(url);
    return activity;
  }
  void receive(Activity activity) {
    world.receive(std::move(activity));
    world.settle();
  }
  Activity kept() {
    world.pass(12s);
    for (const auto& call : world.sender.calls) {
      if (call.activity.is(activity_types::message) && call.activity.text() == "kept") {
        return call.activity;
      }
    }
    ADD_FAILURE() << "it was not sent";
    return {};
  }

  BotWorld world{promising()};
};

TEST_F(MovedConversations, AreReachedAtTheirNewAddress) {
  receive(message("promise", "http://localhost:1"));
  receive(message("hello", "http://localhost:2"));
  const auto sent = kept();
  EXPECT_EQ(sent.service_url(), "http://localhost:2");
  EXPECT_EQ(sent.conversation_id(), "conv-1");
}

TEST_F(MovedConversations, AreReachedThereAlsoByWhatTheCallerKept) {
  const auto old = message("hello", "http://localhost:1");
  receive(old);
  test::run_on(world.io(), world.proactive->send_after(old.reference(), 10s, Activity::message("kept"), {}));
  receive(message("hello", "http://localhost:2"));
  EXPECT_EQ(kept().service_url(), "http://localhost:2");
}

TEST_F(MovedConversations, TakeTheTenantAndTheNamesAlong) {
  receive(message("promise", "http://localhost:1"));
  auto renamed = message("hello", "http://localhost:1");
  renamed.json()["from"] = {{"id", "user-1"}, {"name", "New name"}, {"aadObjectId", "aad"}};
  renamed.json()["recipient"] = {{"id", "bot-1"}, {"name", "New bot"}};
  renamed.json()["conversation"].as_object()["tenantId"] = "t2";
  receive(std::move(renamed));
  const auto sent = kept();
  EXPECT_EQ(sent.json().at("recipient").at("name"), "New name");
  EXPECT_EQ(sent.json().at("recipient").at("aadObjectId"), "aad");
  EXPECT_EQ(sent.json().at("from").at("name"), "New bot");
  EXPECT_EQ(sent.json().at("conversation").at("tenantId"), "t2");
}

TEST_F(MovedConversations, AreSentAllElseAsItWasScheduled) {
  receive(message("hello", "http://localhost:1"));
  auto reference = message("x", "http://localhost:1").reference();
  reference.json()["user"].as_object()["added"] = "by the author";
  auto activity = Activity::message("kept");
  activity.json()["channelData"] = {{"mine", 1}};
  test::run_on(world.io(), world.proactive->send_after(reference, 10s, std::move(activity), {}));
  receive(message("hello", "http://localhost:2"));
  const auto sent = kept();
  EXPECT_EQ(sent.service_url(), "http://localhost:2");
  EXPECT_EQ(sent.json().at("recipient").at("added"), "by the author");
  EXPECT_EQ(sent.json().at("channelData").at("mine"), 1);
}

TEST_F(MovedConversations, OfSeveralUsersAreMovedByAnyOfThem) {
  const auto in_group = [&](const std::string& text, const std::string& url, const std::string& user) {
    auto activity = message(text, url, "group");
    activity.json()["conversation"] = {{"id", "group"}, {"conversationType", "groupChat"}, {"isGroup", true}};
    activity.json()["from"] = {{"id", user}, {"name", user}};
    receive(std::move(activity));
  };
  in_group("promise", "http://localhost:1", "ada");
  in_group("hello", "http://localhost:2", "bob");
  const auto sent = kept();
  EXPECT_EQ(sent.service_url(), "http://localhost:2");
  EXPECT_EQ(sent.json().at("recipient").at("id"), "ada");
}

TEST_F(MovedConversations, AreContinuedAtTheirNewAddress) {
  receive(message("continue", "http://localhost:1"));
  receive(message("hello", "http://localhost:2"));
  EXPECT_EQ(kept().service_url(), "http://localhost:2");
}

TEST_F(MovedConversations, AreFollowedByWhatIsTriedAgain) {
  receive(message("promise", "http://localhost:1"));
  bool old_is_away = true;
  world.sender.judge = [&](const Activity& activity) {
    if (old_is_away && activity.service_url() == "http://localhost:1") {
      throw system_error(make_error_code(errc::channel_unreachable), "nothing was sent");
    }
  };
  world.pass(12s);
  world.sender.calls.clear();
  receive(message("hello", "http://localhost:2"));
  EXPECT_EQ(kept().service_url(), "http://localhost:2");
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).pending, 0U);
}

TEST_F(MovedConversations, AreNotFollowedToAnAddressThatIsNotTrusted) {
  receive(message("promise", "http://localhost:1"));
  receive(message("hello", "http://localhost:2"));
  world.sender.only_to = "http://localhost:1";  // it may not be sent to any more
  EXPECT_EQ(kept().service_url(), "http://localhost:1");
}

TEST_F(MovedConversations, ThatTheBotHasLeftAreReachedWhereTheyWere) {
  receive(message("promise", "http://localhost:1"));
  auto removed = message("", "http://localhost:2");
  removed.json()["type"] = "installationUpdate";
  removed.json()["action"] = "remove";
  receive(std::move(removed));
  EXPECT_EQ(kept().service_url(), "http://localhost:1");
}

}  // namespace
}  // namespace tern
