#include "support/bot_world.hpp"

#include <tern/turn/state.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern {
namespace {

using test::BotWorld;
using test::message_bot;
using testing::ElementsAre;

const ConversationState conversation_state;
const UserState user_state;
const PrivateConversationState private_state;

StoreItems read(BotWorld& world, std::vector<std::string> keys) {
  return test::run_on(world.io(), world.storage.read(std::move(keys), Deadline::never()));
}

void overwrite(BotWorld& world, std::string key, std::string document) {
  StoreChanges changes;
  changes.upserts.emplace_back(std::move(key), std::move(document));
  auto written = test::run_on(world.io(), world.storage.write(std::move(changes), Deadline::never()));
  ASSERT_TRUE(written.has_value());
}

TEST(State, IsKeptBetweenTurnsAndSeparateForEachConversation) {
  std::vector<std::int64_t> seen;
  BotWorld world(message_bot([&seen](TurnContext& turn) -> awaitable<void> {
    const auto here = conversation_state.property<std::int64_t>("count");
    const auto mine = user_state.property<std::int64_t>("count");
    const auto c = co_await here.get(turn);
    const auto u = co_await mine.get(turn);
    co_await here.set(turn, c + 1);
    co_await mine.set(turn, u + 1);
    seen.push_back(c + 1);
    seen.push_back(u + 1);
  }));
  world.say("a", "one");
  world.say("b", "one");
  world.say("c", "two");
  EXPECT_THAT(seen, ElementsAre(1, 1, 2, 2, 1, 3));
  const auto items = read(world, {"local/emulator/conversations/one", "local/emulator/users/user-1"});
  EXPECT_EQ(items.find("local/emulator/conversations/one")->document, R"({"count":2})");
  EXPECT_EQ(items.find("local/emulator/users/user-1")->document, R"({"count":3})");
}

TEST(State, PrivateStateIsReadAlongOnceATurnHasUsedIt) {
  const std::string conversation = "local/emulator/conversations/conv-1";
  const std::string user = "local/emulator/users/user-1";
  const std::string both = conversation + "/users/user-1";
  auto storage = std::make_shared<test::StorageFaults>();
  std::vector<int> seen;
  BotWorld world(message_bot([&seen](TurnContext& turn) -> awaitable<void> {
                   const auto here = conversation_state.property<int>("n");
                   const auto c = co_await here.get(turn);
                   co_await here.set(turn, c + 1);
                   if (turn.activity().text() == "private") {
                     const auto mine = private_state.property<int>("n");
                     const auto p = co_await mine.get(turn);
                     co_await mine.set(turn, p + 1);
                     seen.push_back(p + 1);
                   }
                   seen.push_back(c + 1);
                 }),
                 runtime::RuntimeOptions(), false, proactive::SchedulerOptions(), storage);
  for (const auto* text : {"x", "private", "x", "private"}) {
    EXPECT_EQ(world.say(text)->status(), 200U);
  }
  EXPECT_THAT(seen, ElementsAre(1, 1, 2, 3, 2, 4));
  EXPECT_THAT(storage->read,
              ElementsAre(ElementsAre(conversation, user), ElementsAre(conversation, user), ElementsAre(both),
                          ElementsAre(conversation, user, both), ElementsAre(conversation, user, both)));
}

TEST(State, IsNotWrittenWhenItsContentDidNotChange) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await conversation_state.property<std::string>("name").set(turn, "same");
  }));
  world.say("a");
  const auto key = std::string("local/emulator/conversations/conv-1");
  const auto before = read(world, {key}).find(key)->etag;
  world.say("b");
  EXPECT_EQ(read(world, {key}).find(key)->etag, before);
}

TEST(State, AFailedTurnWritesNothing) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await conversation_state.property<int>("n").set(turn, 1);
    co_await turn.proactive().send_after(std::chrono::seconds(1), Activity::message("never"));
    throw std::runtime_error("boom");
  }));
  auto reply = world.say("a");
  EXPECT_EQ(reply->status(), 500U);
  EXPECT_THAT(reply->body(), testing::Not(testing::HasSubstr("boom")));
  EXPECT_TRUE(read(world, {"local/emulator/conversations/conv-1"}).empty());
  world.pass(std::chrono::seconds(2));
  EXPECT_TRUE(world.sender.calls.empty());
}

TEST(State, AConflictIsAnErrorOfTheTurnAndWritesNeitherStateNorSends) {
  BotWorld* current = nullptr;
  std::vector<bool> conflicts;
  BotWorld world([&] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([&](TurnContext& turn) -> awaitable<void> {
      co_await conversation_state.property<int>("n").set(turn, 1);
      co_await turn.proactive().send_after(std::chrono::seconds(1), Activity::message("never"));
      StoreChanges changes;
      changes.upserts.emplace_back("local/emulator/conversations/conv-1", R"({"n":7})");
      co_await current->storage.write(std::move(changes), Deadline::never());
    });
    bot->on_error([&](TurnContext&, std::exception_ptr error) -> awaitable<void> {
      try {
        std::rethrow_exception(error);
      } catch (const system_error& e) {
        conflicts.push_back(e.code() == errc::conflict);
      }
      co_return;
    });
    return bot;
  });
  current = &world;
  auto reply = world.say("a");
  EXPECT_THAT(conflicts, ElementsAre(true));
  EXPECT_EQ(reply->status(), 500U) << "a conflict is 500 even when on_turn_error returns";
  const auto key = std::string("local/emulator/conversations/conv-1");
  EXPECT_EQ(read(world, {key}).find(key)->document, R"({"n":7})");
  world.pass(std::chrono::seconds(2));
  EXPECT_TRUE(world.sender.calls.empty());
}

TEST(State, UpdateIsAppliedAgainToWhatAnotherWriterLeft) {
  BotWorld* current = nullptr;
  int applied = 0;
  BotWorld world(message_bot([&](TurnContext& turn) -> awaitable<void> {
    co_await conversation_state.property<int>("n").update(turn, [&applied](int& n) {
      ++applied;
      n += 1;
    });
    StoreChanges changes;
    changes.upserts.emplace_back("local/emulator/conversations/conv-1", R"({"n":41,"other":true})");
    co_await current->storage.write(std::move(changes), Deadline::never());
  }));
  current = &world;
  auto reply = world.say("a");
  EXPECT_EQ(reply->status(), 200U);
  EXPECT_EQ(applied, 2);
  const auto key = std::string("local/emulator/conversations/conv-1");
  EXPECT_EQ(read(world, {key}).find(key)->document, R"({"n":42,"other":true})");
}

TEST(State, ClearWritesAnEmptyDocumentAndRemoveDeletesIt) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    if (turn.activity().text() == "clear") {
      co_await conversation_state.clear(turn);
    } else if (turn.activity().text() == "remove") {
      co_await conversation_state.remove(turn);
    } else {
      co_await conversation_state.property<int>("n").set(turn, 1);
    }
  }));
  const auto key = std::string("local/emulator/conversations/conv-1");
  world.say("set");
  world.say("clear");
  EXPECT_EQ(read(world, {key}).find(key)->document, "{}");
  world.say("remove");
  EXPECT_TRUE(read(world, {key}).empty());
  auto again = world.say("remove");
  EXPECT_EQ(again->status(), 200U);
}

TEST(State, CommitMakesWhatWasChangedDurableBeforeTheHandlerEnds) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await conversation_state.property<int>("n").set(turn, 1);
    co_await turn.commit();
    co_await conversation_state.property<int>("n").set(turn, 2);
    throw std::runtime_error("after the commit");
  }));
  world.say("a");
  const auto key = std::string("local/emulator/conversations/conv-1");
  EXPECT_EQ(read(world, {key}).find(key)->document, R"({"n":1})");
}

TEST(State, MayBeCommittedAgainAndAgainInOneTurn) {
  const std::string key = "local/emulator/conversations/conv-1";
  std::vector<std::string> stored;
  BotWorld* current = nullptr;
  BotWorld world(message_bot([&](TurnContext& turn) -> awaitable<void> {
    const auto n = conversation_state.property<int>("n");
    const auto look = [&]() -> awaitable<void> {
      auto items = co_await current->storage.read({key}, Deadline::never());
      const auto* item = items.find(key);
      stored.push_back(item != nullptr ? item->document + ' ' + item->etag : "absent");
    };
    for (const int value : {1, 1, 2}) {
      co_await n.set(turn, value);
      co_await turn.commit();
      co_await look();
    }
    co_await conversation_state.remove(turn);
    co_await turn.commit();
    co_await look();
    co_await n.set(turn, 2);
    co_await turn.commit();
    co_await look();
    co_await n.set(turn, 3);
  }));
  current = &world;
  EXPECT_EQ(world.say("a")->status(), 200U);
  EXPECT_EQ(read(world, {key}).find(key)->document, R"({"n":3})");
  ASSERT_EQ(stored.size(), 5U);
  EXPECT_THAT(stored[0], testing::StartsWith(R"({"n":1})"));
  EXPECT_EQ(stored[1], stored[0]) << "what has not changed since the last commit is not written";
  EXPECT_THAT(stored[2], testing::StartsWith(R"({"n":2})"));
  EXPECT_EQ(stored[3], "absent");
  EXPECT_THAT(stored[4], testing::StartsWith(R"({"n":2})"));
}

TEST(State, AConflictOfOneDocumentLeavesTheOthersAsTheTurnHasThem) {
  BotWorld* current = nullptr;
  bool disturbs = true;
  BotWorld world(message_bot([&](TurnContext& turn) -> awaitable<void> {
    const auto add = [](int& n) { n += 1; };
    co_await conversation_state.property<int>("n").update(turn, add);
    co_await user_state.property<int>("n").update(turn, add);
    if (std::exchange(disturbs, false)) {
      StoreChanges changes;
      changes.upserts.emplace_back("local/emulator/users/user-1", R"({"n":10})");
      co_await current->storage.write(std::move(changes), Deadline::never());
    }
    co_await turn.commit();
    co_await conversation_state.property<int>("n").update(turn, add);
    co_await user_state.property<int>("n").update(turn, add);
  }));
  current = &world;
  EXPECT_EQ(world.say("a")->status(), 200U);
  const auto items = read(world, {"local/emulator/conversations/conv-1", "local/emulator/users/user-1"});
  EXPECT_EQ(items.find("local/emulator/conversations/conv-1")->document, R"({"n":2})");
  EXPECT_EQ(items.find("local/emulator/users/user-1")->document, R"({"n":12})");
}

TEST(State, ACommitThatFailedMayBeTriedAgain) {
  auto storage = std::make_shared<test::StorageFaults>();
  BotWorld world(message_bot([&](TurnContext& turn) -> awaitable<void> {
                   co_await conversation_state.property<int>("n").set(turn, 1);
                   storage->writes_fail = true;
                   bool failed = false;
                   try {
                     co_await turn.commit();
                   } catch (const system_error&) {
                     failed = true;
                   }
                   EXPECT_TRUE(failed);
                   storage->writes_fail = false;
                   co_await turn.commit();
                 }),
                 runtime::RuntimeOptions(), false, proactive::SchedulerOptions(), storage);
  EXPECT_EQ(world.say("a")->status(), 200U);
  const auto key = std::string("local/emulator/conversations/conv-1");
  EXPECT_EQ(read(world, {key}).find(key)->document, R"({"n":1})");
}

TEST(State, WhatCouldNotBeReadIsNotTakenForAbsent) {
  auto storage = std::make_shared<test::StorageFaults>();
  int failures = 0;
  int seen = 0;
  BotWorld world(message_bot([&](TurnContext& turn) -> awaitable<void> {
                   const auto mine = private_state.property<int>("n");
                   (void)co_await conversation_state.property<int>("n").get(turn);  // a read of its own
                   if (turn.activity().text() == "fails") {
                     storage->calls_left = 0;
                     try {
                       (void)co_await mine.get(turn);
                     } catch (const system_error&) {
                       ++failures;
                     }
                   }
                   seen = co_await mine.get(turn);
                   co_await mine.set(turn, seen + 1);
                 }),
                 runtime::RuntimeOptions(), false, proactive::SchedulerOptions(), storage);
  const auto key = std::string("local/emulator/conversations/conv-1/users/user-1");
  overwrite(world, key, R"({"n":7})");
  EXPECT_EQ(world.say("fails")->status(), 200U);
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(read(world, {key}).find(key)->document, R"({"n":8})");
}

TEST(State, OfAUserIsAnErrorThatSaysSoWhenNobodySent) {
  std::string said;
  BotWorld world(message_bot([&said](TurnContext& turn) -> awaitable<void> {
    try {
      co_await user_state.property<int>("n").get(turn);
    } catch (const system_error& e) {
      said = e.what();
    }
  }));
  auto activity = world.message("x");
  activity.json().erase("from");
  world.receive(activity);
  world.settle();
  EXPECT_THAT(said, testing::HasSubstr("from.id"));
}

TEST(State, KeysCannotBeForgedByIds) {
  BotWorld world(message_bot(
      [](TurnContext& turn) -> awaitable<void> { co_await conversation_state.property<int>("n").set(turn, 1); }));
  world.say("x", "a/users/b");
  EXPECT_EQ(read(world, {"local/emulator/conversations/a%2Fusers%2Fb"}).size(), 1U);
}

TEST(State, ADocumentThatIsNoObjectIsReported) {
  BotWorld world(message_bot(
      [](TurnContext& turn) -> awaitable<void> { co_await conversation_state.property<int>("n").get(turn); }));
  overwrite(world, "local/emulator/conversations/conv-1", "[1]");
  EXPECT_EQ(world.say("x")->status(), 500U);
}

}  // namespace
}  // namespace tern
