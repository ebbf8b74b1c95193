// Which sends of a turn are stored: keys of the bot's author, and turns that a channel delivers again.

#include "support/bot_world.hpp"
#include "turn/make_send.hpp"

#include <tern/async/log.hpp>
#include <tern/turn/state.hpp>

#include "support/captured_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::message_bot;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

const ConversationState conversation_state;

class TurnSendsTest : public ::testing::Test {
 protected:
  /// Each text of `texts` as a send of the turn, with a commit after each, and a failure in the end.
  void promise_and_fail(std::vector<std::string> texts) {
    handler = [texts = std::move(texts)](TurnContext& turn) -> awaitable<void> { return promise(turn, texts, true); };
  }
  static awaitable<void> promise(TurnContext& turn, std::vector<std::string> texts, bool fails) {
    for (const auto& text : texts) {
      co_await turn.proactive().send_after(10s, Activity::message(text));
      co_await turn.commit();
    }
    if (fails) {
      throw std::runtime_error("after the commit");
    }
  }
  /// The turn of one activity, once more.
  void deliver(unsigned status = 500) {
    const auto reply = world.say("x", "conv-1", "activity-1");
    ASSERT_TRUE(reply->reply);
    EXPECT_EQ(reply->status(), status);
    world.clock.advance(100ms);  // so that what is due after a while is due at another time
  }
  /// What is pending, by text.
  std::vector<std::string> pending() {
    std::vector<std::string> texts;
    for (const auto& send : test::run_on(world.io(), world.proactive->list({})).sends) {
      texts.emplace_back(send.activity.value().text());
    }
    return texts;
  }
  double known() { return world.metrics.counter("tern_known_sends_total", "").value(); }
  CancelOutcome cancel(const SendHandle& handle) { return test::run_on(world.io(), world.proactive->cancel(handle)); }
  /// Keeps the handle of what each turn schedules with `options`.
  void remind_with(const SendOptions& options) {
    handler = [this, options](TurnContext& turn) -> awaitable<void> { return remind(turn, &handles, options); };
  }
  static awaitable<void> remind(TurnContext& turn, std::vector<SendHandle>* handles, SendOptions options) {
    auto handle = co_await turn.proactive().send_after(10s, Activity::message("reminder"), options);
    handles->push_back(handle);
  }

  TurnHandler handler;
  std::vector<SendHandle> handles;
  BotWorld world{message_bot([this](TurnContext& turn) { return handler(turn); })};
};

TEST_F(TurnSendsTest, AKnownKeyYieldsTheHandleOfTheSendThatExists) {
  remind_with(SendOptions().key("reminder"));
  world.say("one");
  world.say("two");
  ASSERT_EQ(handles.size(), 2U);
  EXPECT_EQ(handles[1], handles[0]);
  EXPECT_EQ(pending().size(), 1U);
  EXPECT_EQ(known(), 1);
  EXPECT_EQ(cancel(handles[1]), CancelOutcome::cancelled);
  EXPECT_TRUE(pending().empty());
  world.say("three");
  EXPECT_EQ(handles.at(2), handles[0]) << "the key outlives its send";
  EXPECT_EQ(cancel(handles[2]), CancelOutcome::too_late);
}

// What a bot asked for and was not stored can be found in the log, whoever made the key.
TEST_F(TurnSendsTest, NoSendIsDroppedAsKnownWithoutALineInTheLog) {
  log::configure(log::Level::info, log::Format::text);
  test::CapturedLog captured;
  handler = [this](TurnContext& turn) -> awaitable<void> {
    co_await turn.proactive().send_after(10s, Activity::message("A"));
    co_await remind(turn, &handles, SendOptions().key("reminder"));
    co_await remind(turn, &handles, SendOptions().key("reminder"));
    co_await turn.commit();
    throw std::runtime_error("after the commit");
  };
  deliver();
  deliver();
  test::run_on(world.io(), world.proactive->send_after(world.message("x").reference(), 10s, Activity::message("other"),
                                                       SendOptions().key("reminder")));
  const auto said = captured.take();
  log::configure(log::Level::error, log::Format::text);
  double lines = 0;
  for (auto at = said.find("is known"); at != std::string::npos; at = said.find("is known", at + 1)) {
    ++lines;
  }
  EXPECT_EQ(known(), 5);
  EXPECT_EQ(lines, 5) << said;
}

TEST_F(TurnSendsTest, TheHandleOfAKnownKeyIsTheOneThatIsValidNow) {
  remind_with(SendOptions().key("reminder"));
  world.say("one");
  const auto moved = test::run_on(world.io(), world.proactive->reschedule(handles.at(0), world.clock.wall_now() + 1h));
  world.say("two");
  EXPECT_EQ(handles.at(1), moved);
}

TEST_F(TurnSendsTest, TwoSendsOfATurnWithOneKeyAreOne) {
  handler = [this](TurnContext& turn) -> awaitable<void> {
    co_await remind(turn, &handles, SendOptions().key("reminder"));
    co_await remind(turn, &handles, SendOptions().key("reminder"));
    co_await turn.commit();
    co_await remind(turn, &handles, SendOptions().key("reminder"));
  };
  world.say("one");
  ASSERT_EQ(handles.size(), 3U);
  EXPECT_EQ(handles[1], handles[0]);
  EXPECT_EQ(handles[2], handles[0]);
  EXPECT_EQ(pending().size(), 1U);
}

TEST_F(TurnSendsTest, OfTwoTurnsThatTakeAKeyAtOnceOneFailsAndFindsTheSendWhenItComesAgain) {
  bool first_time = true;
  std::string message;
  handler = [&](TurnContext& turn) -> awaitable<void> {
    const auto count = conversation_state.property<int>("count");
    const auto counted = co_await count.get(turn);
    co_await count.set(turn, counted + 1);
    co_await remind(turn, &handles, SendOptions().key("reminder"));
    if (std::exchange(first_time, false)) {  // another one commits in between
      auto other = co_await world.proactive->send_after(turn.reference(), 10s, Activity::message("other"),
                                                        SendOptions().key("reminder"));
      handles.push_back(other);
    }
    try {
      co_await turn.commit();
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), errc::conflict);
      message = error.what();
      throw;
    }
  };
  deliver(500);
  EXPECT_THAT(message, HasSubstr("\"reminder\""));
  EXPECT_THAT(pending(), ElementsAre("other"));
  const std::vector<std::string> state{"local/emulator/conversations/conv-1"};
  EXPECT_TRUE(test::run_on(world.io(), world.storage.read(state, Deadline::never())).empty());
  deliver(200);
  ASSERT_EQ(handles.size(), 3U);
  EXPECT_EQ(handles[2], handles[1]);
  EXPECT_THAT(pending(), ElementsAre("other"));
}

TEST_F(TurnSendsTest, AKeyIsOneForAllConversationsUnlessItIsOfTheConversation) {
  remind_with(SendOptions().key("reminder"));
  world.say("one", "conv-1");
  world.say("two", "conv-2");
  EXPECT_EQ(pending().size(), 1U);
  remind_with(SendOptions().key("reminder", KeyScope::conversation));
  world.say("one", "conv-1");
  world.say("two", "conv-2");
  world.say("three", "conv-2");
  EXPECT_EQ(pending().size(), 3U);
  EXPECT_EQ(handles.at(4), handles.at(3));
}

TEST_F(TurnSendsTest, AnAuthorsKeyMeetsNoneThatTheFrameworkMakes) {
  promise_and_fail({"A"});
  deliver();
  const auto made = world.records().at(0).idempotency_key;
  remind_with(SendOptions().key(made));
  world.say("x");
  EXPECT_THAT(pending(), UnorderedElementsAre("A", "reminder"));
}

TEST_F(TurnSendsTest, ATurnThatIsDeliveredAgainStoresNothingMore) {
  promise_and_fail({"A", "B", "A"});
  deliver();
  for (int i = 0; i < 3; ++i) {
    deliver();
    EXPECT_THAT(pending(), UnorderedElementsAre("A", "B", "A"));
  }
  EXPECT_EQ(known(), 9);
}

TEST_F(TurnSendsTest, WhatATurnPromisesInsteadWhenItIsDeliveredAgainIsStoredAndSaid) {
  log::configure(log::Level::info, log::Format::text);
  promise_and_fail({"A"});
  deliver();
  promise_and_fail({"B"});
  test::CapturedLog captured;
  deliver();
  const auto said = captured.take();
  EXPECT_THAT(said, AllOf(HasSubstr("warn"), HasSubstr("activity-1"), HasSubstr("SendOptions::key")));
  EXPECT_THAT(pending(), UnorderedElementsAre("A", "B"));

  test::CapturedLog captured_later;
  deliver();
  const auto said_later = captured_later.take();
  EXPECT_THAT(said_later, AllOf(Not(HasSubstr("SendOptions::key")), HasSubstr("is known")));
  EXPECT_THAT(pending(), UnorderedElementsAre("A", "B"));
  log::configure(log::Level::error, log::Format::text);
}

TEST_F(TurnSendsTest, WhatIsPromisedAtAnotherTimeIsAnotherPromise) {
  for (const auto delay : {10s, 20s, 10s, 20s}) {
    handler = [delay](TurnContext& turn) -> awaitable<void> {
      co_await turn.proactive().send_after(delay, Activity::message("A"));
      co_await turn.commit();
      throw std::runtime_error("after the commit");
    };
    deliver();
  }
  EXPECT_THAT(pending(), ElementsAre("A", "A"));
}

TEST_F(TurnSendsTest, PlacesThatShiftLoseAndDoubleNothing) {
  promise_and_fail({"A"});
  deliver();
  promise_and_fail({"B", "A"});
  deliver();
  EXPECT_THAT(pending(), UnorderedElementsAre("A", "B"));
  promise_and_fail({"C", "B", "A"});
  deliver();
  deliver();
  EXPECT_THAT(pending(), UnorderedElementsAre("A", "B", "C"));
}

TEST_F(TurnSendsTest, ATurnThatLeavesOutWhatIsDoneDoublesNothing) {
  promise_and_fail({"A", "B", "C"});
  deliver();
  for (const auto& rest : {std::vector<std::string>{"B", "C"}, {"C"}, {"C", "D"}, {"D"}}) {
    promise_and_fail(rest);
    deliver();
  }
  EXPECT_THAT(pending(), UnorderedElementsAre("A", "B", "C", "D"));
}

TEST_F(TurnSendsTest, AlikeOnesOfWhichOneIsLeftOutAreNotStoredAgain) {
  promise_and_fail({"A", "A"});
  deliver();
  promise_and_fail({"X", "A"});
  deliver();
  deliver();
  EXPECT_THAT(pending(), UnorderedElementsAre("A", "A", "X"));
}

TEST_F(TurnSendsTest, SendsOfOneWriteFindTheirPlacesTogether) {
  const auto at_once = [this](std::vector<std::string> texts) {
    handler = [texts = std::move(texts)](TurnContext& turn) -> awaitable<void> {
      for (const auto& text : texts) {
        co_await turn.proactive().send_after(10s, Activity::message(text));
      }
      co_await turn.commit();
      throw std::runtime_error("after the commit");
    };
  };
  at_once({"A", "B"});
  deliver();
  at_once({"C", "A", "D", "B"});
  deliver();
  deliver();
  EXPECT_THAT(pending(), UnorderedElementsAre("A", "B", "C", "D"));
}

TEST_F(TurnSendsTest, AmongVeryManyPlacesASendIsStoredOnce) {
  std::vector<std::string> many;
  for (int i = 0; i < 30; ++i) {
    many.push_back("text " + std::to_string(i));
  }
  promise_and_fail(many);
  deliver();
  promise_and_fail({"other", "another"});
  for (int i = 0; i < 3; ++i) {
    deliver();
    EXPECT_EQ(pending().size(), 32U);
  }
}

TEST_F(TurnSendsTest, IdsThatStrangersChooseMakeKeysThatEveryStoreTakes) {
  promise_and_fail({"A"});
  for (const auto& id : {std::string(2700, 'i'), std::string("i\0d", 3), std::string("a/b%")}) {
    world.say("x", "conv-1", id);
    world.say("x", "conv-1", id);
  }
  const auto sends = world.records();
  EXPECT_EQ(sends.size(), 3U);
  for (const auto& send : sends) {
    EXPECT_LE(send.idempotency_key.size(), max_key_bytes + 16);
    EXPECT_EQ(send.idempotency_key.find('\0'), std::string::npos);
  }
}

TEST(DigestOfASend, IsOfWhatItPromisesAndNotOfWhenThatWasReckoned) {
  const WallTime now{std::chrono::hours(480'000)};
  ConversationReference reference;
  reference.set_channel_id("emulator");
  reference.set_service_url("http://localhost:9");
  ConversationAccount conversation;
  conversation.set_id("conv-1");
  reference.set_conversation(conversation);
  const auto digest = [&](const std::string& text, const SendOptions& options = {}, std::string_view rule = "after 3") {
    const auto activity = Activity::message(text);
    return detail::digest_of(detail::make_activity_send("local", now, reference, now, activity, options), reference,
                             json::serialize(activity.json()), rule);
  };
  const auto usual = digest("A");
  EXPECT_EQ(digest("A"), usual) << "ids are new each time";
  EXPECT_EQ(digest("A", SendOptions().expires(now + 1h)), usual);
  EXPECT_NE(usual, SendDigest{});
  std::set<SendDigest> others{
      digest("B"),
      digest("A", {}, "after 4"),
      digest("A", SendOptions().at_most_once()),
      digest("A", SendOptions().cancel_on_reply()),
      digest("A", SendOptions().strict()),
      digest("A", SendOptions().order_key("another")),
      digest("A", SendOptions().every(Recurrence::every(1h))),
      digest("A", SendOptions().quiet_hours(QuietHours(TimeOfDay(22, 0), TimeOfDay(7, 0)))),
  };
  conversation.set_id("conv-2");
  reference.set_conversation(conversation);
  others.insert(digest("A"));
  ChannelAccount user;
  user.set_id("user-2");
  reference.set_user(user);
  others.insert(digest("A"));
  EXPECT_EQ(others.size(), 10U);
  EXPECT_FALSE(others.contains(usual));
}

TEST_F(TurnSendsTest, ANewNameOrAddressOfTheSameConversationIsNoOtherPromise) {
  promise_and_fail({"A"});
  deliver();
  auto again = world.message("x", "conv-1", "activity-1");
  again.set_service_url("http://127.0.0.1:2/moved");
  auto from = *again.from();
  from.set_name("Another name");
  again.set_from(from);
  world.receive(std::move(again));
  EXPECT_THAT(pending(), ElementsAre("A"));
  EXPECT_EQ(known(), 1);
}

TEST(StoredKey, NoTwoKeysMeetAndEachIsShownAsItWasGiven) {
  std::set<std::string> stored;
  std::size_t count = 0;
  for (const std::string key : {"a", "a/b", "b/c/d/e", "bot/a", "bot/bot/a", "conversation/b/c/d/a", "turn/b/c/d/1/0",
                                "continuation/b/c/d/1/0", "b/c/d/a"}) {
    for (const auto scope : {KeyScope::bot, KeyScope::conversation}) {
      for (const std::string conversation : {"b/c/d", "b/c/d%2Fa"}) {
        const auto made = detail::stored_key(SendOptions().key(key, scope), conversation);
        count += stored.insert(made).second ? 1 : 0;
        EXPECT_EQ(detail::given_key(made).key, key);
        EXPECT_EQ(detail::given_key(made).scope, scope);
        EXPECT_FALSE(made.starts_with("turn/") || made.starts_with("continuation/"));
      }
    }
  }
  EXPECT_EQ(count, 9U * 3U) << "of the bot's scope the two conversations have the same key";
  EXPECT_EQ(detail::stored_key(SendOptions().key("order-17"), "b/c/d"), "order-17") << "as earlier versions stored it";
}

}  // namespace
}  // namespace tern
