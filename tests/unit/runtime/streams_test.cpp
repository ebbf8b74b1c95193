#include "support/bot_world.hpp"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::message_bot;
using testing::HasSubstr;

/// Streams "one", and 20 s later "two".
runtime::Runtime::MakeBot two_replies(int& turns) {
  return message_bot([&turns](TurnContext& turn) -> awaitable<void> {
    ++turns;
    co_await turn.send("one");
    co_await sleep_for(20s, turn.clock());
    co_await turn.send("two");
  });
}

/// Sends 1,000 messages of 1,000 bytes each.
runtime::Runtime::MakeBot chatty_bot(int& sent) {
  return message_bot([&sent](TurnContext& turn) -> awaitable<void> {
    for (int i = 0; i < 1000; ++i) {
      co_await turn.send(std::string(1000, 'x'));
      ++sent;
    }
  });
}

Activity with_mode(Activity activity, std::string_view mode) {
  activity.set_delivery_mode(mode);
  return activity;
}

/// What was read of a stream, without the comments that say that it is there.
std::string events(const BotWorld::Reply& reply) {
  auto text = reply.streamed;
  for (auto at = text.find("\n:\n\n"); at != std::string::npos; at = text.find("\n:\n\n")) {
    text.erase(at + 1, 3);
  }
  return text;
}

TEST(Streams, ARepetitionGetsAllEventsOfTheFirst) {
  int turns = 0;
  BotWorld world(two_replies(turns));
  const auto ask = [&world] {
    auto reply = world.receive(with_mode(world.message("x", "conv-1", "same"), "stream"));
    world.settle();
    return reply;
  };
  const auto first = ask();
  EXPECT_EQ(first->activities(), 1U);
  const auto meanwhile = ask();
  EXPECT_EQ(meanwhile->streamed, first->streamed);
  world.pass(20s, 500ms);
  const auto afterwards = ask();
  EXPECT_EQ(first->activities(), 2U);
  EXPECT_EQ(events(*meanwhile), events(*first));
  EXPECT_EQ(afterwards->streamed, events(*first));
  EXPECT_TRUE(first->stream_ended && meanwhile->stream_ended && afterwards->stream_ended);
  EXPECT_EQ(turns, 1);
  world.pass(5min, 10s);
  ask();
  EXPECT_EQ(turns, 2) << "after the window it is a new activity";
}

TEST(Streams, ARepetitionOfAnInvokeGetsItsAnswerToo) {
  BotWorld world([] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on("invoke", [](TurnContext& turn) -> awaitable<void> {
      co_await turn.send("one");
      turn.set_invoke_response(InvokeResponse(200, {{"ok", true}}));
    });
    return bot;
  });
  const auto ask = [&world] {
    auto activity = with_mode(world.message("x", "conv-1", "same"), "stream");
    activity.set_type("invoke");
    auto reply = world.receive(std::move(activity));
    world.settle();
    return reply;
  };
  const auto first = ask();
  EXPECT_THAT(first->streamed, HasSubstr("event: invokeResponse\ndata: {\"status\":200,\"body\":{\"ok\":true}}\n\n"));
  EXPECT_EQ(ask()->streamed, first->streamed);
}

TEST(Streams, ARepetitionOfMoreThanIsKeptIsRefused) {
  int turns = 0;
  runtime::RuntimeOptions options;
  options.stream_replay = 100;
  BotWorld world(two_replies(turns), options);
  const auto ask = [&world] {
    auto reply = world.receive(with_mode(world.message("x", "conv-1", "same"), "stream"));
    world.settle();
    return reply;
  };
  const auto first = ask();
  const auto meanwhile = ask();
  ASSERT_TRUE(meanwhile->reply);
  EXPECT_EQ(meanwhile->status(), 409U);
  EXPECT_THAT(meanwhile->body(), HasSubstr("limits.stream_replay"));
  world.pass(20s, 500ms);
  EXPECT_EQ(first->activities(), 2U);
  const auto afterwards = ask();
  EXPECT_EQ(afterwards->status(), 409U);
  EXPECT_FALSE(afterwards->stream_ended);
  EXPECT_EQ(turns, 1);
}

TEST(Streams, AFailedStreamIsNotRemembered) {
  int turns = 0;
  BotWorld world(message_bot([&turns](TurnContext& turn) -> awaitable<void> {
    co_await turn.send("one");
    if (++turns == 1) {
      throw std::runtime_error("first time");
    }
  }));
  const auto ask = [&world] {
    auto reply = world.receive(with_mode(world.message("x", "conv-1", "same"), "stream"));
    world.settle();
    return reply;
  };
  EXPECT_THAT(ask()->streamed, HasSubstr("event: error\n"));
  EXPECT_THAT(ask()->streamed, testing::Not(HasSubstr("event: error\n")));
  EXPECT_EQ(turns, 2);
}

TEST(Streams, TheSameActivityInAnotherModeIsNoRepetition) {
  int turns = 0;
  BotWorld world(message_bot([&turns](TurnContext& turn) -> awaitable<void> {
    ++turns;
    co_await turn.send("one");
  }));
  const auto ask = [&world](std::string_view mode) {
    auto reply = world.receive(with_mode(world.message("x", "conv-1", "same"), mode));
    world.settle();
    return reply;
  };
  EXPECT_EQ(ask("stream")->activities(), 1U);
  EXPECT_THAT(ask("expectReplies")->reply.value().body, HasSubstr("\"one\""));
  EXPECT_EQ(ask("normal")->reply.value().body, "");
  EXPECT_EQ(world.sender.texts().size(), 1U);
  EXPECT_EQ(turns, 3);
}

TEST(Streams, SendWaitsForAClientThatDoesNotRead) {
  int sent = 0;
  runtime::RuntimeOptions options;
  options.stream_buffer = 10'000;
  options.stream_replay = 20'000;
  BotWorld world(chatty_bot(sent), options);
  const auto reply = world.receive_unread(with_mode(world.message("x"), "stream"));
  world.settle();
  EXPECT_GT(sent, 1);
  EXPECT_LE(sent, 10);
  const auto before = sent;
  const auto piece = test::run_on(world.io(), reply->reader->next());
  const auto more = test::run_on(world.io(), reply->reader->next());
  world.settle();
  EXPECT_GT(sent, before) << "what the client has read makes room";
  EXPECT_LT(sent, 40);
  reply->streamed = *piece + *more;
  world.read(reply);
  world.settle();
  EXPECT_EQ(sent, 1000);
  EXPECT_EQ(reply->activities(), 1000U);
  EXPECT_TRUE(reply->stream_ended);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

TEST(Streams, TheTurnGoesOnWhenItsClientLeavesWhileSendWaits) {
  int sent = 0;
  BotWorld world(chatty_bot(sent));
  const auto reply = world.receive_unread(with_mode(world.message("x"), "stream"));
  world.settle();
  EXPECT_LT(sent, 1000);
  reply->reader.reset();
  world.settle();
  EXPECT_EQ(sent, 1000);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
}

TEST(Streams, ADrainCutsATurnWhoseSendWaits) {
  int sent = 0;
  BotWorld world(chatty_bot(sent));
  const auto reply = world.receive_unread(with_mode(world.message("x"), "stream"));
  world.settle();
  std::optional<bool> clean;
  asio::co_spawn(world.io(), world.runtime->drain_turns(Deadline::after(1s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.pass(1100ms);
  EXPECT_EQ(clean, false);
  EXPECT_LT(sent, 1000);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U);
  world.read(reply);
  world.settle();
  EXPECT_TRUE(reply->stream_ended);
  EXPECT_THAT(reply->streamed, HasSubstr("event: error\n"));
}

TEST(Streams, ExpectRepliesHasABound) {
  int sent = 0;
  runtime::RuntimeOptions options;
  options.replies = 10'000;
  BotWorld world(message_bot([&sent](TurnContext& turn) -> awaitable<void> {
                   try {
                     for (; sent < 1000; ++sent) {
                       co_await turn.send(std::string(1000, 'x'));
                     }
                   } catch (const system_error& e) {
                     EXPECT_EQ(e.code(), errc::overloaded);
                     EXPECT_THAT(e.what(), HasSubstr("limits.replies"));
                   }
                 }),
                 options);
  const auto reply = world.receive(with_mode(world.message("x"), "expectReplies"));
  world.settle();
  EXPECT_LT(sent, 10);
  const auto body = json::parse(reply->reply.value().body);
  EXPECT_EQ(static_cast<int>(body.at("activities").as_array().size()), sent) << "what went before is whole";
}

// Stop after every n handlers and destroy everything; AddressSanitizer says what is wrong.
TEST(Streams, CanBeDestroyedAfterAnyNumberOfHandlers) {
  runtime::RuntimeOptions options;
  options.stream_buffer = 1;
  for (std::size_t n = 0; n < 300; ++n) {
    BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
                     for (int i = 0; i < 5; ++i) {
                       co_await turn.send("x");
                     }
                   }),
                   options);
    const auto first = world.receive(with_mode(world.message("x", "conv-1", "same"), "stream"));
    const auto second = world.receive(with_mode(world.message("x", "conv-1", "same"), "stream"));
    std::size_t ran = 0;
    while (ran < n && world.io().poll_one() > 0) {
      ++ran;
    }
    if (ran < n) {
      EXPECT_EQ(first->activities(), 5U);
      EXPECT_EQ(second->streamed, first->streamed);
      return;  // all of it was run through
    }
  }
  FAIL() << "the turn does not end";
}

/// How many lines of comment were read.
std::size_t comments(const BotWorld::Reply& reply) {
  std::size_t count = 0;
  for (auto at = reply.streamed.find(":\n\n"); at != std::string::npos; at = reply.streamed.find(":\n\n", at + 1)) {
    count += at == 0 || reply.streamed[at - 1] == '\n' ? 1 : 0;
  }
  return count;
}

TEST(Streams, ASilentOneSaysEvery15SecondsThatItIsThere) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await sleep_for(50s, turn.clock());
    co_await turn.send("one");
    co_await sleep_for(50s, turn.clock());
    co_await turn.send("two");
  }));
  const auto first = world.receive(with_mode(world.message("x", "conv-1", "same"), "stream"));
  world.settle();
  for (std::size_t each = 1; each <= 3; ++each) {
    world.pass(15s, 100ms);
    EXPECT_GE(comments(*first), each) << "also before anything was said";
  }
  EXPECT_LE(comments(*first), 3U);
  world.pass(5s, 100ms);
  EXPECT_EQ(first->activities(), 1U);
  world.pass(45s, 100ms);
  EXPECT_GE(comments(*first), 6U);
  world.pass(6s, 100ms);
  EXPECT_EQ(first->activities(), 2U);
  EXPECT_TRUE(first->stream_ended);
  const auto repeated = world.receive(with_mode(world.message("x", "conv-1", "same"), "stream"));
  world.settle();
  EXPECT_EQ(repeated->activities(), 2U);
  EXPECT_EQ(comments(*repeated), 0U) << "a comment is no part of the answer";
}

TEST(Streams, OneThatFailsAfterASilenceSaysSoInTheStream) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await sleep_for(20s, turn.clock());
    throw std::runtime_error("boom");
  }));
  const auto reply = world.receive(with_mode(world.message("x"), "stream"));
  world.pass(21s, 100ms);
  EXPECT_FALSE(reply->plain);
  EXPECT_THAT(reply->streamed, HasSubstr("event: error\n"));
  EXPECT_TRUE(reply->stream_ended);
}

/// A turn that ends at once, and leaves work behind that says something after a minute.
class StreamOfWork : public ::testing::Test {
 protected:
  runtime::Runtime::MakeBot bot() {
    return message_bot([this](TurnContext& turn) -> awaitable<void> {
      ++turns;
      co_await turn.send("I begin");
      turn.run_in_background([this](Conversation conversation) -> awaitable<void> {
        co_await conversation.sleep_for(50s);
        if (fails) {
          throw std::runtime_error("boom");
        }
        co_await conversation.send("done");
      });
    });
  }
  std::shared_ptr<BotWorld::Reply> ask(bool reachable = true) {
    auto activity = with_mode(world.message("x", "conv-1", "same"), "stream");
    if (!reachable) {
      activity.json().erase("serviceUrl");
    }
    auto reply = world.receive(std::move(activity));
    world.settle();
    return reply;
  }

  int turns = 0;
  bool fails = false;
  BotWorld world{bot()};
};

TEST_F(StreamOfWork, IsOpenUntilTheWorkHasSaidWhatItFound) {
  for (const bool reachable : {true, false}) {
    turns = 0;
    const auto first = ask(reachable);
    EXPECT_EQ(first->activities(), 1U);
    EXPECT_EQ(world.runtime->turns_in_flight(), 0U) << "the next turn of the conversation need not wait";
    for (std::size_t each = 1; each <= 3; ++each) {
      world.pass(15s, 100ms);
      EXPECT_GE(comments(*first), each);
    }
    const auto meanwhile = ask(reachable);
    EXPECT_EQ(meanwhile->activities(), 1U);
    world.pass(6s, 100ms);
    const auto afterwards = ask(reachable);
    for (const auto& reply : {first, meanwhile, afterwards}) {
      EXPECT_EQ(reply->activities(), 2U);
      EXPECT_THAT(reply->streamed, HasSubstr("\"done\""));
      EXPECT_TRUE(reply->stream_ended);
    }
    EXPECT_EQ(turns, 1);
    EXPECT_TRUE(world.sender.texts().empty());
    world.pass(6min, 10s);  // the window
  }
}

TEST_F(StreamOfWork, WithoutAClientGoesToTheChannel) {
  auto reply = world.receive_unread(with_mode(world.message("x", "conv-1", "same"), "stream"));
  world.settle();
  reply->reader.reset();
  world.pass(51s, 100ms);
  EXPECT_THAT(world.sender.texts(), testing::ElementsAre("done"));
}

TEST_F(StreamOfWork, EndsWithWorkThatFailsOrIsCut) {
  fails = true;
  const auto failed = ask();
  world.pass(51s, 100ms);
  EXPECT_TRUE(failed->stream_ended);
  EXPECT_EQ(failed->activities(), 1U);
  world.pass(6min, 10s);
  const auto cut = ask();
  std::optional<bool> clean;
  asio::co_spawn(world.io(), world.runtime->drain_background(Deadline::after(1s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.pass(2s, 100ms);
  EXPECT_EQ(clean, false);
  EXPECT_TRUE(cut->stream_ended);
}

}  // namespace
}  // namespace tern
