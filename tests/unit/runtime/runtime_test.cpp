#include "support/bot_world.hpp"

#include <tern/turn/state.hpp>

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::message_bot;
using testing::ElementsAre;

/// Handlers that note begin and end around a pause given by the text ("100" ms).
runtime::Runtime::MakeBot slow_bot(std::vector<std::string>& log) {
  return message_bot([&log](TurnContext& turn) -> awaitable<void> {
    const std::string text(turn.activity().text());
    const std::string where(*turn.activity().conversation_id());
    log.push_back(where + " begins");
    co_await sleep_for(std::chrono::milliseconds(std::stoi(text)), turn.clock());
    log.push_back(where + " ends");
  });
}

TEST(Runtime, TurnsOfOneConversationNeverOverlapAndKeepTheirOrder) {
  std::vector<std::string> log;
  BotWorld world(message_bot([&log](TurnContext& turn) -> awaitable<void> {
    const std::string text(turn.activity().text());
    log.push_back(text + " begins");
    co_await sleep_for(100ms, turn.clock());
    log.push_back(text + " ends");
  }));
  for (const auto* text : {"1", "2", "3"}) {
    world.say(text);
  }
  world.pass(300ms);
  EXPECT_THAT(log, ElementsAre("1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"));
}

TEST(Runtime, OtherConversationsGoOnWhileOneHandlerWaits) {
  std::vector<std::string> log;
  BotWorld world(slow_bot(log));
  world.say("10000", "slow");
  auto quick = world.say("0", "quick");
  EXPECT_TRUE(quick->reply);
  EXPECT_THAT(log, ElementsAre("slow begins", "quick begins", "quick ends"));
}

TEST(Runtime, WithoutOrderTurnsOfOneConversationRunSideBySide) {
  std::vector<std::string> log;
  runtime::RuntimeOptions options;
  options.ordered = false;
  BotWorld world(slow_bot(log), options);
  world.say("100");
  world.say("100");
  EXPECT_THAT(log, ElementsAre("conv-1 begins", "conv-1 begins"));
}

TEST(Runtime, ATurnThatNeverWaitsIsOverWhenItsActivityIsReceived) {
  int turns = 0;
  BotWorld world(message_bot([&turns](TurnContext&) -> awaitable<void> {
    ++turns;
    co_return;
  }));
  for (int i = 0; i < 3; ++i) {
    const auto reply = world.receive(world.message("hello"));
    ASSERT_TRUE(reply->reply);
    EXPECT_EQ(reply->status(), 200U);
    EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
  }
  EXPECT_EQ(turns, 3);
}

TEST(Runtime, TurnsThatWaitedForTheirConversationDoNotRunInsideEachOther) {
  constexpr int turns = 90;
  std::vector<const void*> frames;
  BotWorld world(message_bot([&frames](TurnContext& turn) -> awaitable<void> {
    frames.push_back(__builtin_frame_address(0));
    if (turn.activity().text() == "wait") {
      co_await sleep_for(1s, turn.clock());
    }
  }));
  world.receive(world.message("wait"));
  for (int i = 0; i < turns; ++i) {
    world.receive(world.message("hello"));
  }
  world.pass(1100ms);
  ASSERT_EQ(frames.size(), turns + 1U);
  EXPECT_EQ(frames[1], frames[turns]) << "each begins at the same depth of the stack";
}

TEST(Runtime, ALongTurnIsAcknowledgedAndGoesOn) {
  std::vector<std::string> log;
  BotWorld world(slow_bot(log));
  auto reply = world.say("15000");
  world.pass(9900ms);
  EXPECT_FALSE(reply->reply);
  world.pass(200ms);
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ(reply->status(), 202U);
  EXPECT_EQ(log.size(), 1U);
  world.pass(5s);
  EXPECT_THAT(log, ElementsAre("conv-1 begins", "conv-1 ends"));
  EXPECT_EQ(reply->replies, 1U);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

TEST(Runtime, ExpectRepliesIsCutAtTheDeadlineAndWritesNothing) {
  const ConversationState state;
  BotWorld world(message_bot([&state](TurnContext& turn) -> awaitable<void> {
    co_await state.property<int>("n").set(turn, 1);
    co_await sleep_for(60s, turn.clock());
  }));
  auto activity = world.message("x");
  activity.set_delivery_mode("expectReplies");
  auto reply = world.receive(activity);
  auto waiting = world.receive([&] {
    auto second = world.message("y");
    second.set_delivery_mode("expectReplies");
    return second;
  }());
  world.settle();
  world.pass(14100ms);
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ(reply->status(), 504U);
  EXPECT_EQ(waiting->status(), 504U) << "one that still waited is cut as well";
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
  auto items = test::run_on(world.io(), world.storage.read({"local/emulator/conversations/conv-1"}, Deadline::never()));
  EXPECT_TRUE(items.empty());
  EXPECT_EQ(world.say("next")->replies, 0U) << "the conversation is free again";
  EXPECT_EQ(world.runtime->turns_in_flight(), 1U);
}

TEST(Runtime, AnExceptionIs500WithoutItsTextAndTheNextTurnRuns) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    if (turn.activity().text() == "throw") {
      throw std::runtime_error("secret");
    }
    co_await turn.send("fine");
  }));
  auto failed = world.say("throw");
  EXPECT_EQ(failed->status(), 500U);
  EXPECT_THAT(failed->body(), testing::HasSubstr("\"error\""));
  EXPECT_THAT(failed->body(), testing::Not(testing::HasSubstr("secret")));
  EXPECT_EQ(world.say("ok")->status(), 200U);
}

TEST(Runtime, OnTurnErrorMayAnswerAndChangeState) {
  const ConversationState state;
  BotWorld world([&state] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([&state](TurnContext& turn) -> awaitable<void> {
      co_await state.property<int>("half").set(turn, 1);
      throw std::runtime_error("boom");
    });
    bot->on_error([&state](TurnContext& turn, std::exception_ptr) -> awaitable<void> {
      co_await turn.send("sorry");
      co_await state.property<bool>("failed").set(turn, true);
    });
    return bot;
  });
  EXPECT_EQ(world.say("x")->status(), 200U);
  EXPECT_THAT(world.sender.texts(), ElementsAre("sorry"));
  auto items = test::run_on(world.io(), world.storage.read({"local/emulator/conversations/conv-1"}, Deadline::never()));
  EXPECT_EQ(items.begin()->document, R"({"failed":true})");
}

TEST(Runtime, AFullQueueAndAFullProcessAre503WithRetryAfter) {
  std::vector<std::string> log;
  runtime::RuntimeOptions options;
  options.conversation_queue = 1;
  options.turns = 3;
  BotWorld world(slow_bot(log), options);
  world.say("100");
  world.say("100");
  auto full = world.say("100");
  ASSERT_TRUE(full->reply);
  EXPECT_EQ(full->status(), 503U);
  EXPECT_EQ(full->reply->retry_after, std::chrono::seconds(1));
  world.say("100", "other");
  auto capacity = world.say("100", "third");
  EXPECT_EQ(capacity->status(), 503U);
  world.pass(300ms);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
  EXPECT_EQ(world.say("0")->status(), 200U);
}

TEST(Runtime, ARepetitionWaitsForTheFirstAndGetsItsAnswer) {
  int turns = 0;
  BotWorld world(message_bot([&turns](TurnContext& turn) -> awaitable<void> {
    ++turns;
    co_await sleep_for(100ms, turn.clock());
    co_await turn.send("once");
  }));
  const auto make = [&] {
    auto activity = world.message("x", "conv-1", "same-id");
    activity.set_delivery_mode("expectReplies");
    return activity;
  };
  auto first = world.receive(make());
  auto second = world.receive(make());
  world.settle();
  world.pass(100ms);
  auto third = world.receive(make());
  world.settle();
  EXPECT_EQ(turns, 1);
  ASSERT_TRUE(first->reply && second->reply && third->reply);
  EXPECT_EQ(first->reply->body, second->reply->body);
  EXPECT_EQ(first->reply->body, third->reply->body);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
  world.pass(5min, 10s);
  world.receive(make());
  world.settle();
  EXPECT_EQ(turns, 2) << "after the window it is a new activity";
}

TEST(Runtime, AFailureIsNotRemembered) {
  int turns = 0;
  BotWorld world(message_bot([&turns](TurnContext&) -> awaitable<void> {
    ++turns;
    if (turns == 1) {
      throw std::runtime_error("first time");
    }
    co_return;
  }));
  EXPECT_EQ(world.say("x", "conv-1", "same")->status(), 500U);
  EXPECT_EQ(world.say("x", "conv-1", "same")->status(), 200U);
  EXPECT_EQ(turns, 2);
}

TEST(Runtime, TheSameIdInAnotherConversationIsAnotherActivity) {
  int turns = 0;
  BotWorld world(message_bot([&turns](TurnContext&) -> awaitable<void> {
    ++turns;
    co_return;
  }));
  world.say("x", "one", "same");
  world.say("x", "two", "same");
  EXPECT_EQ(turns, 2);
}

TEST(Runtime, MiddlewareRunsAroundTheTurnAndMayEndIt) {
  struct Gate : Middleware {
    explicit Gate(std::vector<std::string>& into) : log(into) {}
    awaitable<void> on_turn(TurnContext& turn, std::function<awaitable<void>()> next) override {
      log.emplace_back("in");
      if (turn.activity().text() != "stop") {
        co_await next();
      }
      log.emplace_back("out");
    }
    std::vector<std::string>& log;
  };
  std::vector<std::string> log;
  BotWorld world([&log] {
    auto bot = std::make_unique<FunctionBot>();
    bot->use(std::make_shared<Gate>(log)).use(std::make_shared<Gate>(log));
    bot->on_message([&log](TurnContext&) -> awaitable<void> {
      log.emplace_back("handler");
      co_return;
    });
    return bot;
  });
  world.say("go");
  world.say("stop");
  EXPECT_THAT(log, ElementsAre("in", "in", "handler", "out", "out", "in", "out"));
}

TEST(Runtime, AFactoryMakesABotForEachTurn) {
  int made = 0;
  runtime::RuntimeOptions options;
  options.bot_per_turn = true;
  BotWorld world(
      [&made] {
        ++made;
        return std::make_unique<FunctionBot>();
      },
      options);
  made = 0;
  world.say("a");
  world.say("b");
  EXPECT_EQ(made, 2);
}

TEST(Runtime, ContinuationsJoinTheQueueOfTheirConversation) {
  std::vector<std::string> log;
  BotWorld world(slow_bot(log));
  world.say("100");
  const auto reference = world.message("x").reference();
  bool returned = false;
  auto queue_it = [](BotWorld* where, ConversationReference what, std::vector<std::string>* into,
                     bool* done) -> awaitable<void> {
    co_await where->proactive->continue_conversation(what, [into](TurnContext& turn) -> awaitable<void> {
      into->push_back("continued as " + std::string(turn.activity().type()) + " " +
                      std::string(turn.activity().name().value_or("")));
      co_await turn.send("from a continuation");
    });
    *done = true;
  };
  test::run_on(world.io(), queue_it(&world, reference, &log, &returned));
  EXPECT_TRUE(returned) << "it is queued, not waited for";
  world.settle();
  EXPECT_THAT(log, ElementsAre("conv-1 begins"));
  world.pass(100ms);
  EXPECT_THAT(log, ElementsAre("conv-1 begins", "conv-1 ends", "continued as event ContinueConversation"));
  const auto& sent = world.sender.calls.at(0).activity;
  EXPECT_FALSE(sent.reply_to_id());
  EXPECT_EQ(sent.recipient_id(), "user-1");
  EXPECT_EQ(sent.from_id(), "bot-1");
}

TEST(Runtime, DrainRefusesNewTurnsAndWaitsForTheRunningOnes) {
  std::vector<std::string> log;
  BotWorld world(slow_bot(log));
  auto running = world.say("100");
  std::optional<bool> clean;
  asio::co_spawn(world.io(), world.runtime->drain_turns(Deadline::after(1s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.settle();
  auto refused = world.say("0", "other");
  EXPECT_EQ(refused->status(), 503U);
  EXPECT_FALSE(clean);
  world.pass(100ms);
  EXPECT_EQ(clean, true);
  EXPECT_EQ(running->status(), 200U);
}

TEST(Runtime, DrainCutsWhatDoesNotEndInTime) {
  std::vector<std::string> log;
  BotWorld world(slow_bot(log));
  auto running = world.say("60000");
  auto waiting = world.say("0");
  std::optional<bool> clean;
  asio::co_spawn(world.io(), world.runtime->drain_turns(Deadline::after(1s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.pass(1100ms);
  EXPECT_EQ(clean, false);
  EXPECT_EQ(running->status(), 503U);
  EXPECT_EQ(waiting->status(), 503U);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

// Fail at the N-th step: each send of a turn fails in its turn, until one run sees no failure.
TEST(Runtime, ATurnSurvivesAFailureAtEveryStep) {
  for (std::size_t step = 0; step < 4; ++step) {
    BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
      co_await turn.send("one");
      co_await turn.send("two");
      auto three = Activity::message("three");
      three.set_id("sent-1");
      co_await turn.update(std::move(three));
    }));
    for (std::size_t i = 0; i < step; ++i) {
      world.sender.failures.push_back(nullptr);
    }
    world.sender.failures.push_back(
        std::make_exception_ptr(AmbiguousSend(make_error_code(errc::timed_out), "nobody knows what came of it")));
    auto reply = world.say("x");
    ASSERT_TRUE(reply->reply) << step;
    EXPECT_EQ(reply->status(), step < 3 ? 500U : 200U) << step;
    EXPECT_EQ(world.runtime->turns_in_flight(), 0U) << step;
    world.sender.failures.clear();
    EXPECT_EQ(world.say("y")->status(), 200U) << step;
  }
}

// Stop after every n handlers and destroy everything; AddressSanitizer says what is wrong.
TEST(Runtime, CanBeDestroyedAfterAnyNumberOfHandlers) {
  for (std::size_t n = 0; n < 200; ++n) {
    const ConversationState state;
    BotWorld world(message_bot([&state](TurnContext& turn) -> awaitable<void> {
      co_await turn.send_typing();
      co_await state.property<int>("n").set(turn, 1);
      turn.run_in_background([](Conversation conversation) -> awaitable<void> {
        co_await conversation.sleep_for(1s);
        co_await conversation.send("done");
      });
      co_await sleep_for(10ms, turn.clock());
      co_await turn.proactive().send_after(10ms, Activity::message("later"));
    }));
    world.sender.takes = 5ms;
    world.receive(world.message("x"));
    world.receive(world.message("y"));
    std::size_t ran = 0;
    for (int moved = 0; ran < n && moved < 400;) {
      if (world.io().poll_one() > 0) {
        ++ran;
      } else {
        world.io().restart();
        world.clock.advance(5ms);
        ++moved;
      }
    }
    if (ran < n) {
      return;  // all of it was run through
    }
  }
}

}  // namespace
}  // namespace tern
