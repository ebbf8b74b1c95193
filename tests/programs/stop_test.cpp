// SIGTERM ends a bot, whatever the bot does.

#include "programs/program.hpp"
#include "support/raw_client.hpp"

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

class StuckBot {
 public:
  explicit StuckBot(const std::vector<std::string>& settings) : program_(words(settings)) {
    const auto line = program_.wait_for(" serving ");
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.find("port=") + 5)));
  }

  /// What it answers to `text`, which it may never do. Returns once the turn has begun.
  std::shared_future<RawAnswer> tell(const std::string& text) {
    std::shared_future<RawAnswer> answer = std::async(std::launch::async, [port = port_, text] {
      return post_activity(port, R"({"type":"message","channelId":"emulator","deliveryMode":"expectReplies","text":")" +
                                     text + R"(","conversation":{"id":"c"},"from":{"id":"u"}})");
    });
    answers_.push_back(answer);
    program_.wait_for("was told text=" + text);
    return answer;
  }
  int get(const std::string& path) const { return test::get(port_, path).status; }
  std::uint16_t port() const noexcept { return port_; }
  Program& program() noexcept { return program_; }
  Ended stop() {
    program_.signal(SIGTERM);
    return program_.wait();
  }

 private:
  static std::vector<std::string> words(const std::vector<std::string>& settings) {
    std::vector<std::string> all{TERN_STUCK_BOT, "--set", "listen.port=0"};
    for (const auto& setting : settings) {
      all.insert(all.end(), {"--set", setting});
    }
    return all;
  }

  std::vector<std::shared_future<RawAnswer>> answers_;  // which all come when the program has ended
  Program program_;
  std::uint16_t port_ = 0;
};

constexpr const char* soon = "drain.deadline=100ms";
constexpr const char* never = "drain.deadline=24h";

TEST(Stop, EndsABotThatHasNothingToDo) {
  StuckBot bot({soon});
  EXPECT_EQ(bot.tell("hello").get().status, 200);
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, Not(HasSubstr("did not end in time")));
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
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("a second signal: ending at once"));
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
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 1) << "a second signal";
}

}  // namespace
}  // namespace tern::test
