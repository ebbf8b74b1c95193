// How turns end that take too long, and what is told of them.

#include "support/bot_world.hpp"
#include "support/captured_log.hpp"

#include <tern/async/log.hpp>
#include <tern/turn/state.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::message_bot;
using testing::ElementsAre;

/// A bot that counts in its state, on a store whose writes are told only when time has passed.
class SlowCommit : public ::testing::Test {
 protected:
  runtime::Runtime::MakeBot counting() {
    return message_bot([this](TurnContext& turn) -> awaitable<void> {
      ++turns;
      auto n = state.property<int>("n");
      co_await n.set(turn, turns);
      if (turn.activity().text().starts_with("commit")) {
        co_await turn.commit();
      }
      if (turn.activity().text() == "commit and wait") {
        co_await sleep_for(1h, turn.clock());
      }
    });
  }
  std::shared_ptr<test::StorageFaults> with_slow_writes() {
    auto slow = std::make_shared<test::StorageFaults>();
    slow->written = [this]() -> awaitable<void> {
      if (delay > 0s) {
        co_await sleep_for(delay, world.clock);
      }
      if (fails) {
        throw_error(errc::storage_unavailable, "nobody knows what came of it");
      }
    };
    return slow;
  }
  std::shared_ptr<BotWorld::Reply> ask(const std::string& text = "count") {
    auto activity = world.message(text, "conv-1", "same-id");
    activity.set_delivery_mode("expectReplies");
    auto reply = world.receive(std::move(activity));
    world.settle();
    return reply;
  }
  std::string stored() {
    auto items =
        test::run_on(world.io(), world.storage.read({"local/emulator/conversations/conv-1"}, Deadline::never()));
    return items.empty() ? "" : items.begin()->document;
  }

  const ConversationState state;
  int turns = 0;
  SteadyTime::duration delay{0};
  bool fails = false;
  BotWorld world{counting(), runtime::RuntimeOptions(), true, proactive::SchedulerOptions(), with_slow_writes()};
};

TEST_F(SlowCommit, IsNotCutAndWhatComesOfItIsTold) {
  delay = 20s;
  const auto reply = ask();
  world.pass(15s);
  EXPECT_FALSE(reply->reply) << "a 504 would say that nothing has happened";
  EXPECT_EQ(stored(), R"({"n":1})");
  world.pass(6s);
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ(reply->status(), 200U);
  const auto again = ask();
  ASSERT_TRUE(again->reply);
  EXPECT_EQ(again->status(), 200U);
  EXPECT_EQ(turns, 1) << "the repetition is known";
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

TEST_F(SlowCommit, ThatFailsBeyondTheDeadlineIsAnswered) {
  delay = 20s;
  fails = true;
  const auto reply = ask();
  world.pass(21s);
  ASSERT_TRUE(reply->reply);
  EXPECT_GE(reply->status(), 500U);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

TEST_F(SlowCommit, InTheMiddleOfATurnIsNotCutEither) {
  delay = 20s;
  const auto reply = ask("commit");
  world.pass(15s);
  EXPECT_FALSE(reply->reply);
  world.pass(6s);
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ(reply->status(), 200U) << "nothing was left to do";
  EXPECT_EQ(turns, 1);
}

TEST_F(SlowCommit, EndsByItselfWhenADrainIsOver) {
  delay = 1200ms;
  const auto reply = ask();
  std::optional<bool> clean;
  asio::co_spawn(world.io(), world.runtime->drain_turns(Deadline::after(1s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.pass(1100ms);
  EXPECT_FALSE(reply->reply) << "a 503 would say that nothing has happened";
  world.pass(200ms);
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ(reply->status(), 200U);
  EXPECT_EQ(clean, false);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

// It is spared for its commit alone.
TEST_F(SlowCommit, ThatATurnGoesOnAfterIsCutByTheDrainAllTheSame) {
  delay = 1200ms;
  const auto reply = ask("commit and wait");
  std::optional<bool> clean;
  asio::co_spawn(world.io(), world.runtime->drain_turns(Deadline::after(1s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.pass(1500ms);
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ(reply->status(), 503U);
  EXPECT_EQ(clean, false);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

/// A bot that never comes to an end of a message "hang", nor of a continuation.
class HangingTurn : public ::testing::Test {
 protected:
  runtime::Runtime::MakeBot hanging() {
    return [this] {
      auto bot = std::make_unique<FunctionBot>();
      const auto hang = [this](TurnContext& turn) -> awaitable<void> {
        ++begun;
        co_await sleep_for(24h * 365, turn.clock());
      };
      bot->on_message([hang](TurnContext& turn) -> awaitable<void> {
        if (turn.activity().text() == "hang") {
          co_await turn.send("I begin");
          co_await hang(turn);
        }
        co_await turn.send("done");
      });
      bot->on_continue("hang", hang);
      return bot;
    };
  }
  static runtime::RuntimeOptions options() {
    runtime::RuntimeOptions made;
    made.longest = 60s;
    return made;
  }
  void expect_free_conversation() {
    EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
    world.sender.calls.clear();
    world.say("next");
    EXPECT_THAT(world.sender.texts(), ElementsAre("done"));
  }

  int begun = 0;
  BotWorld world{hanging(), options()};
};

TEST_F(HangingTurn, IsCutAfterItsLongestTimeAndTheNextOneRuns) {
  const auto reply = world.say("hang");
  world.pass(10100ms);
  EXPECT_EQ(reply->status(), 202U);
  world.pass(59s, 100ms);
  const auto waiting = world.say("next");
  EXPECT_FALSE(waiting->reply);
  world.pass(1100ms);
  ASSERT_TRUE(waiting->reply);
  EXPECT_EQ(waiting->status(), 200U);
  expect_free_conversation();
}

// The time of one that waits is not taken from it: it is counted from its beginning.
TEST_F(HangingTurn, ThatWaitedForAnotherHasItsWholeTime) {
  world.say("hang");
  const auto second = world.say("hang");
  world.pass(70100ms, 100ms);
  EXPECT_EQ(second->status(), 202U);
  EXPECT_EQ(begun, 2);
  world.pass(59s, 100ms);
  EXPECT_EQ(world.runtime->turns_in_flight(), 1U);
  world.pass(2s, 100ms);
  expect_free_conversation();
}

TEST_F(HangingTurn, OfAStreamTellsItsClient) {
  auto activity = world.message("hang");
  activity.set_delivery_mode("stream");
  const auto reply = world.receive(std::move(activity));
  world.settle();
  world.pass(59s, 100ms);
  EXPECT_FALSE(reply->stream_ended);
  EXPECT_EQ(reply->activities(), 1U);
  world.pass(1100ms, 100ms);
  EXPECT_TRUE(reply->stream_ended);
  EXPECT_THAT(reply->streamed, testing::HasSubstr("event: error"));
  expect_free_conversation();
}

TEST_F(HangingTurn, OfAContinuationIsCutAsWell) {
  const auto reference = world.message("x").reference();
  test::run_on(world.io(), world.proactive->continue_after(reference, 1s, "hang", nullptr, {}));
  world.pass(2s, 100ms);
  EXPECT_EQ(begun, 1);
  world.say("next");
  EXPECT_TRUE(world.sender.texts().empty());
  world.pass(60s, 100ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("done"));
}

/// A turn that continues its own conversation three times, where one may wait.
class FullQueue : public ::testing::Test {
 protected:
  static runtime::RuntimeOptions options() {
    runtime::RuntimeOptions made;
    made.conversation_queue = 1;
    return made;
  }
  awaitable<void> try_to_continue(ConversationReference reference) {
    try {
      co_await world.proactive->continue_conversation(std::move(reference), [this](TurnContext&) -> awaitable<void> {
        ++ran;
        co_return;
      });
      codes.emplace_back();
    } catch (const system_error& e) {
      codes.push_back(e.code());
      EXPECT_THAT(e.what(), testing::HasSubstr("limits.conversation_queue"));
    }
  }
  runtime::Runtime::MakeBot continuing() {
    return message_bot([this](TurnContext& turn) -> awaitable<void> {
      for (int i = 0; i < 3; ++i) {
        co_await try_to_continue(turn.reference());
      }
    });
  }

  int ran = 0;
  std::vector<error_code> codes;
  BotWorld world{continuing(), options()};
};

TEST_F(FullQueue, RefusesAContinuationAndSaysSo) {
  world.say("x");
  EXPECT_THAT(codes, ElementsAre(error_code(), make_error_code(errc::overloaded), make_error_code(errc::overloaded)));
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

TEST(ContinueConversation, IsRefusedWhereTheProcessIsFull) {
  runtime::RuntimeOptions options;
  options.turns = 1;
  error_code code;
  std::unique_ptr<BotWorld> world;
  world = std::make_unique<BotWorld>(message_bot([&](TurnContext& turn) -> awaitable<void> {
                                       try {
                                         co_await turn.proactive().continue_conversation(
                                             turn.reference(), [](TurnContext&) -> awaitable<void> { co_return; });
                                       } catch (const system_error& e) {
                                         code = e.code();
                                       }
                                     }),
                                     options);
  world->say("x");
  EXPECT_EQ(code, errc::overloaded);
}

/// Background work that asks for something at a time when turns are not taken any more.
class WorkDuringADrain : public ::testing::Test {
 protected:
  using Ask = std::function<awaitable<void>(Conversation)>;

  runtime::Runtime::MakeBot bot() {
    return [this] {
      auto made = std::make_unique<FunctionBot>();
      made->on_continue("later", [](TurnContext&) -> awaitable<void> { co_return; });
      made->on_message([this](TurnContext& turn) -> awaitable<void> {
        turn.run_in_background([this](Conversation conversation) -> awaitable<void> {
          co_await conversation.sleep_for(1s);
          try {
            co_await ask(conversation);
            code = error_code();
          } catch (const system_error& e) {
            code = e.code();
          }
        });
        co_return;
      });
      return made;
    };
  }
  awaitable<bool> drain() {
    const auto by = Deadline::after(10s, world.clock);
    const bool turns = co_await world.runtime->drain_turns(by);
    const bool work = co_await world.runtime->drain_background(by);
    co_return turns&& work;
  }
  TurnHandler counting() {
    return [this](TurnContext&) -> awaitable<void> {
      ++ran;
      co_return;
    };
  }
  std::size_t pending() { return test::run_on(world.io(), world.proactive->list({})).sends.size(); }
  void run(Ask what) {
    ask = std::move(what);
    code.reset();
    world.say("x");
    std::optional<bool> clean;
    asio::co_spawn(world.io(), drain(), [&clean](std::exception_ptr, bool value) { clean = value; });
    world.pass(2s);
    EXPECT_EQ(clean, true);
  }

  Ask ask;
  std::optional<error_code> code;
  int ran = 0;
  BotWorld world{bot()};
};

TEST_F(WorkDuringADrain, IsToldThatNoTurnIsBegunForIt) {
  run([this](Conversation conversation) { return conversation.continue_conversation(counting()); });
  EXPECT_EQ(code, make_error_code(errc::shutting_down));
  EXPECT_EQ(ran, 0);
}

TEST_F(WorkDuringADrain, IsToldSoAlsoWhenItWaitsForTheTurn) {
  run([this](Conversation conversation) -> awaitable<void> {
    co_await conversation.proactive().continue_and_wait(conversation.reference(), counting());
  });
  EXPECT_EQ(code, make_error_code(errc::shutting_down));
  EXPECT_EQ(ran, 0);
}

TEST_F(WorkDuringADrain, IsToldSoOfTheFirstTurnOfAConversationThatItBegins) {
  run([this](Conversation conversation) -> awaitable<void> {
    co_await conversation.proactive().create_conversation("emulator", "http://localhost:9", ConversationParameters(),
                                                          counting());
  });
  EXPECT_EQ(code, make_error_code(errc::shutting_down));
  EXPECT_EQ(ran, 0);
}

TEST_F(WorkDuringADrain, SendsAndSchedulesAsEver) {
  run([](Conversation conversation) -> awaitable<void> {
    co_await conversation.send("done");
    co_await conversation.send_after(1h, Activity::message("later"));
    co_await conversation.proactive().continue_after(conversation.reference(), 2h, "later");
  });
  EXPECT_EQ(code, error_code());
  EXPECT_THAT(world.sender.texts(), ElementsAre("done"));
  EXPECT_EQ(pending(), 2U) << "for the next start";
}

TEST(ContinueConversation, QueuedBeforeADrainRunsBeforeItsEnd) {
  int ran = 0;
  BotWorld world(message_bot([&ran](TurnContext& turn) -> awaitable<void> {
    co_await turn.proactive().continue_conversation(turn.reference(), [&ran](TurnContext&) -> awaitable<void> {
      ++ran;
      co_return;
    });
    co_await sleep_for(1s, turn.clock());
  }));
  world.say("x");
  std::optional<bool> clean;
  asio::co_spawn(world.io(), world.runtime->drain_turns(Deadline::after(10s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.pass(2s);
  EXPECT_EQ(clean, true);
  EXPECT_EQ(ran, 1);
}

TEST(ContinueConversation, ThatWaitsUntilTheEndOfADrainIsSaidAndTheDrainIsNotClean) {
  log::configure(log::Level::warn, log::Format::text);
  int ran = 0;
  BotWorld world(message_bot([&ran](TurnContext& turn) -> awaitable<void> {
    co_await turn.proactive().continue_conversation(turn.reference(), [&ran](TurnContext&) -> awaitable<void> {
      ++ran;
      co_return;
    });
    co_await sleep_for(1h, turn.clock());
  }));
  world.say("x");
  std::optional<bool> clean;
  test::CapturedLog captured;
  asio::co_spawn(world.io(), world.runtime->drain_turns(Deadline::after(10s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.pass(11s, 100ms);
  EXPECT_THAT(captured.take(), testing::HasSubstr("a continuation is dropped"));
  log::configure(log::Level::error, log::Format::text);
  EXPECT_EQ(clean, false);
  EXPECT_EQ(ran, 0);
}

// What another thread posts runs before what the turn itself has posted, and that is how the work begins.
TEST(Background, CancelledByAnotherThreadBeforeItBeginsItEnds) {
  bool did = false;
  bool cancelled = false;
  BackgroundTask task;
  BotWorld world(message_bot([&](TurnContext& turn) -> awaitable<void> {
    task = turn.run_in_background([&did](Conversation conversation) -> awaitable<void> {
      co_await conversation.sleep_for(1s);
      did = true;
    });
    std::thread([&] { cancelled = task.cancel(); }).join();
    co_return;
  }));
  world.say("x");
  world.pass(10s);
  EXPECT_TRUE(cancelled);
  EXPECT_FALSE(did);
  EXPECT_FALSE(task.running());
}

}  // namespace
}  // namespace tern
