#include "support/bot_world.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace tern {
namespace {

using test::BotWorld;
using test::message_bot;

runtime::Runtime::MakeBot silent_bot() {
  return message_bot([](TurnContext&) -> awaitable<void> { co_return; });
}

std::string etag_of(BotWorld& world, const std::string& key) {
  auto items = test::run_on(world.io(), world.storage.read({key}, Deadline::never()));
  return items.empty() ? std::string() : items.begin()->etag;
}

const std::string key = "local/emulator/references/user-1/conv-1";

TEST(References, AreCapturedAndWrittenOnlyWhenTheyChange) {
  BotWorld world(silent_bot());
  world.say("a");
  const auto first = etag_of(world, key);
  ASSERT_FALSE(first.empty());
  world.say("b");
  EXPECT_EQ(etag_of(world, key), first);
  auto moved = world.message("c");
  moved.set_service_url("http://localhost:10");
  world.receive(moved);
  world.settle();
  EXPECT_NE(etag_of(world, key), first);
  auto found = test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1", "conv-1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->service_url(), "http://localhost:10");
  EXPECT_FALSE(found->activity_id());
}

TEST(References, AreFoundByUserAndThePersonalOneFirst) {
  BotWorld world(silent_bot());
  auto group = world.message("x", "zz-group");
  group.json()["conversation"] = {{"id", "zz-group"}, {"conversationType", "channel"}, {"isGroup", true}};
  world.say("x", "personal");
  world.receive(group);
  world.settle();
  auto found = test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->conversation_id(), "personal");
  EXPECT_FALSE(test::run_on(world.io(), world.proactive->find_reference("emulator", "nobody")));
}

TEST(References, AreKeptWhenTheTurnFails) {
  BotWorld world(message_bot([](TurnContext&) -> awaitable<void> {
    throw std::runtime_error("boom");
    co_return;
  }));
  EXPECT_EQ(world.say("x")->reply->status, 500U);
  EXPECT_FALSE(etag_of(world, key).empty());
}

TEST(References, AreRemovedWhenTheBotIs) {
  for (const auto* removal : {R"({"type":"installationUpdate","action":"remove"})",
                              R"({"type":"conversationUpdate","membersRemoved":[{"id":"bot-1"}]})"}) {
    BotWorld world(silent_bot());
    world.say("x");
    auto gone = world.message("");
    const auto members = json::parse(removal);
    for (const auto& [name, value] : members.as_object()) {
      gone.json()[name] = value;
    }
    world.receive(gone);
    world.settle();
    EXPECT_TRUE(etag_of(world, key).empty()) << removal;
    world.say("back");
    EXPECT_FALSE(etag_of(world, key).empty()) << "and written again when the user comes back";
  }
}

TEST(References, AreNotCapturedWhileProactiveIsOff) {
  BotWorld world(silent_bot(), runtime::RuntimeOptions(), false);
  world.say("x");
  EXPECT_TRUE(etag_of(world, key).empty());
}

}  // namespace
}  // namespace tern
