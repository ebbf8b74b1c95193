// What a bot keeps of a turn for longer than the turn, and uses.

#include "support/bot_world.hpp"
#include "support/captured_log.hpp"
#include "turn/turn_slots.hpp"

#include <tern/async/log.hpp>
#include <tern/turn/state.hpp>

#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <functional>
#include <new>
#include <set>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::message_bot;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const UserState user_state;

/// Does something with a turn that has ended, and keeps what it threw.
class EndedTurn : public ::testing::Test {
 protected:
  using Use = std::function<awaitable<void>(TurnContext&)>;

  awaitable<void> use(TurnContext* turn, Use what) {
    try {
      co_await what(*turn);
      said.emplace_back("nothing");
    } catch (const system_error& e) {
      said.emplace_back(e.code() == errc::turn_ended ? e.what() : "another error: " + std::string(e.what()));
    }
  }
  awaitable<void> send_later(TurnContext* turn) {
    co_await sleep_for(3s, world.clock);
    co_await use(turn, [](TurnContext& ended) -> awaitable<void> { co_await ended.send("late"); });
  }
  /// Turns of others, who must hear nothing of it.
  void others(int count) {
    for (int i = 0; i < count; ++i) {
      world.say("quiet", "other-" + std::to_string(i % 50));
    }
  }
  std::set<std::string> conversations_written_to() const {
    std::set<std::string> all;
    for (const auto& call : world.sender.calls) {
      all.emplace(call.activity.conversation_id().value_or(""));
    }
    return all;
  }

  TurnHandler handler;
  std::vector<std::string> said;
  BotWorld world{message_bot([this](TurnContext& turn) -> awaitable<void> {
    return turn.activity().text() == "quiet" ? quiet() : handler(turn);
  })};

  static awaitable<void> quiet() { co_return; }
};

TEST_F(EndedTurn, UsedByItsBackgroundWorkSaysWhoseItWasAndReachesNobody) {
  log::configure(log::Level::error, log::Format::text);
  const std::vector<Use> uses{
      [](TurnContext& turn) -> awaitable<void> { co_await turn.send("late"); },
      [](TurnContext& turn) -> awaitable<void> { co_await turn.send(Activity::typing()); },
      [](TurnContext& turn) -> awaitable<void> { co_await turn.send_many({Activity::message("late")}); },
      [](TurnContext& turn) -> awaitable<void> { co_await turn.update(Activity::message("late").set_id("1")); },
      [](TurnContext& turn) -> awaitable<void> { co_await turn.remove("1"); },
      [](TurnContext& turn) -> awaitable<void> { co_await turn.commit(); },
      [](TurnContext& turn) -> awaitable<void> { co_await turn.proactive().send_after(1s, Activity::message("late")); },
      [](TurnContext& turn) -> awaitable<void> { co_await sleep_for(1s, turn.clock()); },
      [](TurnContext& turn) -> awaitable<void> { (void)co_await user_state.property<int>("n").get(turn); },
      [](TurnContext& turn) -> awaitable<void> { co_await user_state.property<int>("n").set(turn, 1); },
      [](TurnContext& turn) -> awaitable<void> { co_await user_state.clear(turn); },
      [](TurnContext& turn) -> awaitable<void> {
        (void)turn.activity().text();
        co_return;
      },
      [](TurnContext& turn) -> awaitable<void> {
        (void)turn.reference();
        co_return;
      },
      [](TurnContext& turn) -> awaitable<void> {
        (void)turn.bag();
        co_return;
      },
      [](TurnContext& turn) -> awaitable<void> {
        (void)turn.responded();
        co_return;
      },
      [](TurnContext& turn) -> awaitable<void> {
        turn.set_invoke_response(InvokeResponse());
        co_return;
      },
      [](TurnContext& turn) -> awaitable<void> {
        turn.run_in_background([](Conversation) -> awaitable<void> { co_return; });
        co_return;
      },
  };
  test::CapturedLog captured;
  for (const auto& what : uses) {
    handler = [&](TurnContext& turn) -> awaitable<void> {
      turn.run_in_background([this, &turn, &what](Conversation conversation) -> awaitable<void> {
        co_await conversation.sleep_for(3s);
        co_await use(&turn, what);
      });
      co_return;
    };
    world.say("x", "conv-1", "whose-turn-" + std::to_string(said.size()));
    others(400);  // more than the slots that rest
    world.pass(4s, 500ms);
  }
  EXPECT_EQ(said.size(), uses.size());
  EXPECT_THAT(said, Each(AllOf(HasSubstr("the activity \"whose-turn"), HasSubstr("Conversation"))));
  EXPECT_THAT(captured.take(), HasSubstr("whose-turn"));
  for (const auto& call : world.sender.calls) {
    EXPECT_TRUE(call.activity.is(activity_types::typing)) << "of the work itself";
    EXPECT_EQ(call.activity.conversation_id(), "conv-1");
  }
}

TEST_F(EndedTurn, WhoseWorkGoesOnIsTheSameTurnToAllOfIt) {
  handler = [this](TurnContext& turn) -> awaitable<void> {
    for (const auto pause : {1s, 5s}) {
      turn.run_in_background([this, &turn, pause](Conversation conversation) -> awaitable<void> {
        co_await conversation.sleep_for(pause);
        co_await use(&turn, [](TurnContext& ended) -> awaitable<void> { co_await ended.send("late"); });
      });
    }
    co_return;
  };
  world.say("x", "conv-1", "whose-turn");
  world.pass(2s, 500ms);
  others(400);
  world.pass(10s, 500ms);
  ASSERT_EQ(said.size(), 2U);
  EXPECT_THAT(said, Each(HasSubstr("whose-turn")));
}

TEST_F(EndedTurn, UsedWithinACallThatBeganInTimeIsNoticedToo) {
  handler = [this](TurnContext& turn) -> awaitable<void> {
    turn.on_send([](TurnContext& hooked, Activity&, SendNext next) -> awaitable<std::optional<ResourceResponse>> {
      co_await sleep_for(3s, hooked.clock());
      auto response = co_await next();
      co_return response;
    });
    auto sending = turn.send("late");  // begins when it is awaited
    turn.run_in_background([this, &turn, kept = std::make_shared<decltype(sending)>(std::move(sending))](
                               Conversation conversation) -> awaitable<void> {
      co_await conversation.sleep_for(2s);
      co_await use(&turn, [kept](TurnContext&) -> awaitable<void> { co_await std::move(*kept); });
    });
    turn.run_in_background([this, &turn](Conversation) -> awaitable<void> {
      co_await use(&turn, [](TurnContext& still) -> awaitable<void> { co_await still.send("begun in time"); });
    });
    co_await sleep_for(1s, turn.clock());
  };
  world.say("x", "conv-1", "whose-turn");
  world.pass(1500ms);
  others(400);
  world.pass(5s, 500ms);
  ASSERT_EQ(said.size(), 2U);
  EXPECT_THAT(said, Each(HasSubstr("whose-turn")));
  EXPECT_THAT(world.sender.texts(), IsEmpty());
}

TEST_F(EndedTurn, KeptByACoroutineOfTheBotsOwnIsNoticedWhileItsSlotRests) {
  handler = [this](TurnContext& turn) -> awaitable<void> {
    asio::co_spawn(world.io(), send_later(&turn), asio::detached);
    co_return;
  };
  world.say("x", "conv-1", "whose-turn");
  others(static_cast<int>(detail::TurnSlots::most_resting) - 1);
  world.pass(4s, 500ms);
  EXPECT_THAT(said, ElementsAre(HasSubstr("the activity \"whose-turn")));
  EXPECT_THAT(world.sender.calls, IsEmpty());
}

TEST_F(EndedTurn, IsNamedWithoutAnIdAndWithAVeryLongOne) {
  TurnContext* kept = nullptr;
  handler = [&kept](TurnContext& turn) -> awaitable<void> {
    kept = &turn;
    co_return;
  };
  for (const auto& id : {json::value(nullptr), json::value(std::string(5'000, 'i'))}) {
    auto activity = world.message("x");
    activity.json()["id"] = id;
    world.receive(std::move(activity));
    world.settle();
    test::run_on(world.io(), use(kept, [](TurnContext& ended) -> awaitable<void> { co_await ended.send("late"); }));
  }
  ASSERT_EQ(said.size(), 2U);
  EXPECT_THAT(said[0], HasSubstr("an activity without an id"));
  EXPECT_THAT(said[1], HasSubstr("the activity \"iiiii"));
  EXPECT_LT(said[1].size(), 600U);
}

// The middleware's own `next` belongs to the turn as well.
TEST(EndedTurnOfMiddleware, NextThatIsKeptIsNoticed) {
  struct Keeping : Middleware {
    awaitable<void> on_turn(TurnContext&, std::function<awaitable<void>()> next) override {
      kept = next;
      return next();
    }
    std::function<awaitable<void>()> kept;
  };
  auto keeping = std::make_shared<Keeping>();
  int turns = 0;
  BotWorld world([&] {
    auto bot = std::make_unique<FunctionBot>();
    bot->use(keeping);
    bot->on_message([&turns](TurnContext&) -> awaitable<void> {
      ++turns;
      co_return;
    });
    return bot;
  });
  world.say("x");
  const auto kept = keeping->kept;
  EXPECT_THROW((void)kept(), system_error);
  EXPECT_EQ(turns, 1);
}

// A bot for each turn, whose background work has captured `this`.
TEST(EndedTurnOfABotForEachTurn, LeavesTheBotToItsBackgroundWork) {
  struct Own : ActivityHandler {
    explicit Own(int& count) : alive(count) { ++alive; }
    ~Own() override { --alive; }
    awaitable<void> on_message(TurnContext& turn) override {
      turn.run_in_background([this](Conversation conversation) -> awaitable<void> {
        co_await conversation.sleep_for(3s);
        co_await conversation.send(text);
      });
      co_return;
    }
    int& alive;
    std::string text = "a text that is too long for the string itself";
  };
  int alive = 0;
  runtime::RuntimeOptions options;
  options.bot_per_turn = true;
  BotWorld world([&alive] { return std::make_unique<Own>(alive); }, options);
  world.say("x");
  EXPECT_EQ(alive, 2) << "one of them is the specimen";
  world.pass(4s, 500ms);
  EXPECT_EQ(alive, 1);
  EXPECT_THAT(world.sender.texts(), ElementsAre("a text that is too long for the string itself"));
}

TEST(EndedConversation, KeptByValueGoesOnReachingItsOwn) {
  std::optional<Conversation> kept;
  BotWorld world(message_bot([&kept](TurnContext& turn) -> awaitable<void> {
    turn.run_in_background([&kept](Conversation conversation) -> awaitable<void> {
      kept = conversation;
      co_return;
    });
    co_return;
  }));
  world.say("x", "conv-1");
  auto first = *kept;
  world.say("x", "conv-2");
  EXPECT_EQ(kept->reference().conversation_id(), "conv-2");
  test::run_on(world.io(), first.send("later"));
  ASSERT_EQ(world.sender.texts().size(), 1U);
  EXPECT_EQ(world.sender.calls.back().activity.conversation_id(), "conv-1");
}

TEST(EndedConversation, ThatHasGoneIsNoticed) {
  alignas(Conversation) std::array<std::byte, sizeof(Conversation)> memory{};
  Conversation* gone = nullptr;
  BotWorld world(message_bot([&](TurnContext& turn) -> awaitable<void> {
    turn.run_in_background([&](Conversation conversation) -> awaitable<void> {
      gone = new (memory.data()) Conversation(std::move(conversation));
      co_return;
    });
    co_return;
  }));
  world.say("x");
  ASSERT_NE(gone, nullptr);
  gone->~Conversation();
  error_code code;
  try {
    (void)gone->send("late");
  } catch (const system_error& e) {
    code = e.code();
  }
  EXPECT_EQ(code, errc::turn_ended);
}

// What is remembered of ended turns is bounded, and a burst leaves no more than it must.
TEST(TurnSlots, AreTakenAgainOnceTheyHaveRested) {
  std::set<const TurnContext*> places;
  BotWorld world(message_bot([&places](TurnContext& turn) -> awaitable<void> {
    places.insert(&turn);
    co_return;
  }));
  for (int i = 0; i < 2'000; ++i) {
    world.say("x", "conv-" + std::to_string(i % 50));
  }
  EXPECT_EQ(places.size(), detail::TurnSlots::most_resting + 1);
}

}  // namespace
}  // namespace tern
