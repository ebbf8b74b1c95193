#include "runtime/reference_capture.hpp"
#include "support/bot_world.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/turn/state.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

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

unsigned answered(BotWorld& world, Activity activity) {
  const auto reply = world.receive(std::move(activity));
  world.settle();
  return reply->reply ? reply->status() : 0;
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) {
    all += text;
  }
  return all;
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

std::string found_for_user(BotWorld& world) {
  auto found = test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1"));
  return found ? std::string(*found->conversation_id()) : std::string();
}

void say_in_group(BotWorld& world, const std::string& group) {
  auto message = world.message("x", group);
  message.json()["conversation"] = {{"id", group}, {"conversationType", "groupChat"}, {"isGroup", true}};
  world.receive(std::move(message));
  world.settle();
}

TEST(References, OfTheConversationThatTheUserWroteInLastAreFound) {
  BotWorld world(silent_bot());
  for (const auto* conversation : {"a:1", "a:2", "a:1", "a:3", "a:2", "a:1"}) {
    world.say("x", conversation);
    EXPECT_EQ(found_for_user(world), conversation);
  }
}

TEST(References, OfTheGroupThatTheUserWroteInLastAreFound) {
  BotWorld world(silent_bot());
  for (const auto* group : {"g:1", "g:2", "g:1", "g:3", "g:1"}) {
    say_in_group(world, group);
    EXPECT_EQ(found_for_user(world), group);
  }
  world.say("x", "personal");
  say_in_group(world, "g:2");
  EXPECT_EQ(found_for_user(world), "personal");
}

TEST(References, OfTheLastConversationAreNotedOnlyWhenItIsAnother) {
  BotWorld world(silent_bot());
  const std::string note = "local/emulator/last/personal/user-1";
  world.say("x", "a:1");
  const auto first = etag_of(world, note);
  ASSERT_FALSE(first.empty());
  for (int i = 0; i < 5; ++i) {
    world.say("x", "a:1");
  }
  EXPECT_EQ(etag_of(world, note), first);
  world.say("x", "a:2");
  EXPECT_NE(etag_of(world, note), first);
}

void show_in(BotWorld& world, const std::string& conversation, const json::object& fields) {
  auto activity = world.message("", conversation);
  for (const auto& [name, value] : fields) {
    activity.json()[name] = value;
  }
  world.receive(std::move(activity));
  world.settle();
}

TEST(References, TypingReactionsAndReceiptsAreNoWriting) {
  BotWorld world(silent_bot());
  world.say("x", "a:1");
  for (const auto* type : {"typing", "messageReaction", "messageDelete", "event", "endOfConversation", "x.y/custom"}) {
    show_in(world, "a:2", {{"type", type}, {"name", "application/vnd.microsoft.readReceipt"}});
    EXPECT_EQ(found_for_user(world), "a:1") << type;
  }
  show_in(world, "a:2", {{"type", "conversationUpdate"}, {"topicName", "renamed"}});
  EXPECT_EQ(found_for_user(world), "a:1");
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1", "a:2")))
      << "where it is, is kept all the same";
  world.say("x", "a:2");
  EXPECT_EQ(found_for_user(world), "a:2");
}

TEST(References, EditsButtonsAndNewConversationsCountAsWriting) {
  BotWorld world(silent_bot());
  int number = 0;
  for (const json::object& fields :
       {json::object{{"type", "messageUpdate"}}, json::object{{"type", "invoke"}, {"name", "adaptiveCard/action"}},
        json::object{{"type", "conversationUpdate"}, {"membersAdded", {{{"id", "bot-1"}}}}},
        json::object{{"type", "installationUpdate"}, {"action", "add"}},
        json::object{{"type", "contactRelationUpdate"}, {"action", "add"}}}) {
    const auto conversation = "a:" + std::to_string(++number);
    show_in(world, conversation, fields);
    EXPECT_EQ(found_for_user(world), conversation) << json::serialize(fields);
  }
}

TEST(References, OfALastConversationThatIsGoneGiveWayToAnother) {
  BotWorld world(silent_bot());
  world.say("x", "a:1");
  world.say("x", "a:2");
  auto gone = world.message("", "a:2");
  gone.json()["type"] = "installationUpdate";
  gone.json()["action"] = "remove";
  world.receive(std::move(gone));
  world.settle();
  EXPECT_EQ(found_for_user(world), "a:1");
  world.say("x", "a:2");
  EXPECT_EQ(found_for_user(world), "a:2");
}

TEST(References, StoredByVersionsThatNotedNoLastConversationAreFound) {
  BotWorld world(silent_bot());
  world.say("x", "a:1");
  world.say("x", "a:2");
  StoreChanges changes;
  changes.removals.emplace_back("local/emulator/last/personal/user-1");
  (void)test::run_on(world.io(), world.storage.write(std::move(changes), Deadline::never()));
  EXPECT_EQ(found_for_user(world), "a:2") << "the one that was written last";
}

TEST(LastConversations, HoldForAWhileWhereOthersWriteToTheStore) {
  ManualClock clock;
  runtime::LastConversations shared(clock, std::chrono::seconds(60));
  runtime::LastConversations alone(clock);
  for (auto* last : {&shared, &alone}) {
    EXPECT_FALSE(last->is_last(1, {0, 10}));
    last->note(1, {0, 10});
    EXPECT_TRUE(last->is_last(1, {0, 10}));
    EXPECT_FALSE(last->is_last(1, {0, 11}));
  }
  clock.advance(std::chrono::seconds(60));
  EXPECT_FALSE(shared.is_last(1, {0, 10}));
  EXPECT_TRUE(alone.is_last(1, {0, 10}));
}

// At another replica the conversation may have moved, and here it moves back.
TEST(ReferenceCapture, WritesAgainAfterAWhileWhereOthersWriteToTheStore) {
  BotWorld world(silent_bot());
  runtime::LastConversations shared(world.clock, std::chrono::seconds(60));
  runtime::LastConversations alone(world.clock);
  for (auto* last : {&shared, &alone}) {
    runtime::ReferenceCapture capture("local", *last, 4096);
    for (const auto* conversation : {"a:personal", "19:group"}) {
      auto activity = world.message("hello", conversation);
      activity.json()["conversation"].as_object()["isGroup"] = conversation[0] == '1';
      detail::UnitOfWork work(world.runtime->environment(0), activity);
      capture.written(capture.observe(activity, work).value());
      EXPECT_FALSE(capture.has_news(activity));
      world.clock.advance(std::chrono::seconds(60));
      shared.note(1, {0, 1});  // of somebody else
      EXPECT_EQ(capture.has_news(activity), last == &shared);
      detail::UnitOfWork again(world.runtime->environment(0), activity);
      EXPECT_TRUE(capture.observe(activity, again));
      EXPECT_EQ(again.references_pending(), last == &shared);
    }
  }
}

// The writes of two turns of one user may come in either order.
TEST(LastConversations, ForgetWhatTwoTurnsWroteAtTheSameTime) {
  ManualClock clock;
  runtime::LastConversations last(clock);
  last.note(1, {0, 10});
  last.note(1, {0, 11});
  last.written(1, {0, 11});
  EXPECT_TRUE(last.is_last(1, {0, 11}));
  last.written(1, {0, 10});
  EXPECT_FALSE(last.is_last(1, {0, 11}));
  last.note(2, {0, 20});
  last.forget(2);
  EXPECT_FALSE(last.is_last(2, {0, 20}));
}

TEST(LastConversations, AreBounded) {
  ManualClock clock;
  runtime::LastConversations last(clock, std::nullopt, 1'600);
  std::size_t known = 0;
  for (std::uint64_t user = 0; user < 10'000; ++user) {
    last.note(user, {0, 1});
  }
  for (std::uint64_t user = 0; user < 10'000; ++user) {
    known += last.is_last(user, {0, 1}) ? 1 : 0;
  }
  EXPECT_LE(known, 1'600U);
  EXPECT_GE(known, 800U);
  EXPECT_TRUE(last.is_last(9'999, {0, 1}));
}

TEST(References, AreKeptWhenTheTurnFails) {
  BotWorld world(message_bot([](TurnContext&) -> awaitable<void> {
    throw std::runtime_error("boom");
    co_return;
  }));
  EXPECT_EQ(world.say("x")->status(), 500U);
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

double lost(BotWorld& world) {
  return world.metrics.counter("tern_references_lost_total", "").value();
}

json::object stored(BotWorld& world) {
  auto items = test::run_on(world.io(), world.storage.read({key}, Deadline::never()));
  return items.empty() ? json::object() : json::parse(items.begin()->document).as_object();
}

TEST(References, AreKeptWithNamesOfBoundedLength) {
  BotWorld world(silent_bot());
  auto activity = world.message("x");
  activity.json()["from"].as_object()["name"] = std::string(100'000, 'n') + "\u00e9";
  activity.json()["conversation"].as_object()["name"] = "x" + repeated("\u00e9", 50'000);
  EXPECT_EQ(answered(world, activity), 200U);
  const auto kept = stored(world);
  EXPECT_EQ(kept.at("user").at("name").as_string(), std::string(256, 'n'));
  EXPECT_EQ(kept.at("conversation").at("name").as_string(), "x" + repeated("\u00e9", 127)) << "whole characters";
  EXPECT_EQ(lost(world), 0);
}

TEST(References, ThatAreLongLoseWhatASendDoesNotNeed) {
  BotWorld world(silent_bot());
  auto activity = world.message("x");
  activity.json()["from"].as_object()["properties"] = {{"pad", std::string(100'000, 'p')}};
  activity.json()["conversation"].as_object()["tenantId"] = "tenant-1";
  EXPECT_EQ(answered(world, activity), 200U);
  const auto kept = stored(world);
  EXPECT_FALSE(kept.at("user").as_object().contains("properties"));
  EXPECT_EQ(kept.at("user").at("id").as_string(), "user-1");
  EXPECT_EQ(kept.at("conversation").at("tenantId").as_string(), "tenant-1");
  EXPECT_EQ(kept.at("serviceUrl").as_string(), "http://localhost:9");
}

TEST(References, ThatAreTooLongAreCountedAndFailNoTurn) {
  BotWorld world(silent_bot());
  auto activity = world.message("x");
  activity.set_service_url("http://localhost:9/" + std::string(100'000, 'p'));
  EXPECT_EQ(answered(world, activity), 200U);
  EXPECT_TRUE(stored(world).empty());
  EXPECT_EQ(lost(world), 1);
  EXPECT_EQ(answered(world, world.message("y")), 200U);
  EXPECT_FALSE(stored(world).empty()) << "the next one is kept";
}

TEST(References, ThatCannotBeStoredFailNoTurnAndAreStoredLater) {
  auto faults = std::make_shared<test::StorageFaults>();
  BotWorld world(silent_bot(), {}, true, {}, faults);
  faults->writes_fail = true;
  EXPECT_EQ(world.say("x")->status(), 200U);
  EXPECT_EQ(lost(world), 1);
  faults->writes_fail = false;
  EXPECT_EQ(world.say("y")->status(), 200U);
  EXPECT_FALSE(stored(world).empty());
  EXPECT_EQ(lost(world), 1);
}

TEST(References, ThatCannotBeStoredDoNotHideThatStateCannot) {
  auto faults = std::make_shared<test::StorageFaults>();
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
                   co_await ConversationState().property<int>("n").set(turn, 1);
                 }),
                 {}, true, {}, faults);
  faults->writes_fail = true;
  EXPECT_EQ(world.say("x")->status(), 500U);
}

// With `expectReplies` and `stream` the edge takes any address, since nothing is sent there.
TEST(References, WithAnAddressThatNothingIsSentToAreNotStored) {
  BotWorld world(silent_bot());
  world.sender.only_to = "http://localhost:9";
  world.say("x");
  const auto first = etag_of(world, key);
  ASSERT_FALSE(first.empty());
  for (const char* mode : {"expectReplies", "stream", "normal"}) {
    auto activity = world.message("x");
    activity.json()["deliveryMode"] = mode;
    activity.set_service_url("http://elsewhere.example");
    world.receive(activity);
    world.settle();
    EXPECT_EQ(etag_of(world, key), first) << mode;
  }
  world.say("x", "..");
  EXPECT_FALSE(test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1", "..")));
  EXPECT_EQ(lost(world), 0);
}

TEST(References, AreNotCapturedWhileProactiveIsOff) {
  BotWorld world(silent_bot(), runtime::RuntimeOptions(), false);
  world.say("x");
  EXPECT_TRUE(etag_of(world, key).empty());
}

}  // namespace
}  // namespace tern
