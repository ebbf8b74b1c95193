// SIGTERM ends a bot, whatever the bot does.

#include "programs/stuck_bot.hpp"
#include "unit/http/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <future>
#include <string>
#include <vector>

namespace tern::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* soon = "drain.deadline=100ms";
constexpr const char* never = "drain.deadline=24h";

TEST(Stop, EndsABotThatHasNothingToDo) {
  StuckBot bot({soon});
  EXPECT_EQ(bot.tell("hello").get().status, 200);
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, Not(HasSubstr("did not end in time")));
}

TEST(Stop, IsNotHeldByRequestsThatHaveNotArrivedWhole) {
  StuckBot bot({"drain.deadline=24h", "limits.header_timeout=24h", "limits.body_timeout=24h"});
  WireClient head(bot.port());
  WireClient body(bot.port());
  const std::string post = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\n";
  head.send(post);
  body.send(post + "Content-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(body.read().status, 100) << "it is known to have begun";
  body.send("{");
  head.delivered();
  EXPECT_EQ(bot.tell("hello").get().status, 200);
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, HasSubstr("stopped clean=true"));
  EXPECT_EQ(head.read().status, 503);
  EXPECT_EQ(body.read().status, 503);
}

TEST(Stop, IsNotHeldByThemWhereThereIsLittleTime) {
  StuckBot bot({"drain.deadline=4s", "limits.header_timeout=24h"});
  WireClient head(bot.port());
  head.send("POST /api/messages HTTP/1.1\r\n");
  head.delivered();
  EXPECT_EQ(bot.tell("hello").get().status, 200);
  EXPECT_EQ(bot.stop().status, 0);
}

TEST(Stop, CutsATurnThatOnlyWaits) {
  StuckBot bot({soon});
  const auto answer = bot.tell("wait");
  const auto ended = bot.stop();
  EXPECT_EQ(answer.get().status, 503);
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("stopped clean=false"), Not(HasSubstr("did not end in time"))));
}

TEST(Stop, EndsABotWhoseHandlerHoldsTheFirstShard) {
  StuckBot bot({soon, "listen.threads=1"});
  bot.tell("hold");
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("did not end in time"));
  EXPECT_THAT(ended.err, HasSubstr("waiting_for=\"the first shard\" shards=0\n"));
}

TEST(Stop, EndsABotWhoseHandlerHoldsOneOfManyShards) {
  StuckBot bot({soon, "listen.threads=3"});
  bot.tell("hold");
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("did not end in time"));
  EXPECT_THAT(ended.err, testing::ContainsRegex("shards=[012]\n"));
}

TEST(Stop, EndsAProgramThatDoesNotEndAfterRun) {
  StuckBot bot({soon});
  EXPECT_EQ(bot.tell("exit").get().status, 200);
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("stopped clean=true"));
  EXPECT_THAT(ended.err, HasSubstr("waiting_for=\"the program's own end\"\n"));
}

TEST(Stop, EndsABotWhoseLogNobodyReads) {
  StuckBot bot({soon, "listen.threads=1"});
  bot.tell("log");
  bot.program().wait_until_full();
  bot.program().signal(SIGTERM);
  EXPECT_EQ(bot.program().wait_unread(), 1);
}

TEST(Stop, ASecondSignalEndsABotWhoseHandlerHoldsItsShard) {
  StuckBot bot({never, "listen.threads=1"});
  bot.tell("hold");
  bot.program().signal(SIGTERM);
  bot.program().wait_for("draining");
  const auto ended = bot.stop_at_once();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("a second signal: ending at once"));
}

// As timeout(1) does it, to the process and to its group.
TEST(Stop, TwoSignalsAtOnceAreOneRequest) {
  StuckBot bot({soon});
  bot.program().signal(SIGTERM);
  bot.program().signal(SIGINT);  // the kernel would make one of two equal ones
  const auto ended = bot.program().wait();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, HasSubstr("stopped clean=true"));
}

TEST(Stop, ASecondSignalEndsABotWhoseLogNobodyReads) {
  StuckBot bot({never});
  bot.tell("log");
  bot.program().wait_until_full();
  bot.program().signal(SIGTERM);
  // It may not be there yet when the second one is sent, and then they are one: so, again until it has ended.
  while (!bot.program().has_ended()) {
    bot.program().signal(SIGTERM);
  }
  EXPECT_EQ(bot.program().wait_unread(), 1);
}

TEST(Stop, ServesOnForTheDelayWhileItIsNotReady) {
  StuckBot bot({soon, "drain.delay=24h"});
  EXPECT_EQ(bot.get("/readyz"), 200);
  bot.program().signal(SIGTERM);
  while (bot.get("/readyz") != 503) {
  }
  EXPECT_EQ(bot.tell("hello").get().status, 200);
  EXPECT_EQ(bot.get("/healthz"), 200);
  const auto ended = bot.stop_at_once();
  EXPECT_EQ(ended.status, 1) << "a second signal";
}

}  // namespace
}  // namespace tern::test
