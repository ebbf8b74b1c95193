// One program, three kinds of storage: the same conversation, also after the program was stopped or killed.

#include "programs/program.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>

namespace tern::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Transcript = std::vector<std::string>;

const std::vector<std::pair<const char*, const char*>> first_part = {
    {"c1", "u1"}, {"c1", "u1"}, {"c2", "u1"}, {"c1", "u2"}, {"c\xc3\xb6/3", "u 3"}};
const std::vector<std::pair<const char*, const char*>> second_part = {
    {"c1", "u1"}, {"c2", "u2"}, {"c\xc3\xb6/3", "u 3"}};

const Transcript expected = {"conversation 1, user 1", "conversation 2, user 2", "conversation 1, user 3",
                             "conversation 3, user 1", "conversation 1, user 1",
                             // the second part
                             "conversation 4, user 4", "conversation 2, user 2", "conversation 2, user 2",
                             // and once more
                             "conversation 5, user 5", "conversation 3, user 3", "conversation 3, user 3"};

void speak(Bot& bot, const std::vector<std::pair<const char*, const char*>>& part, Transcript& heard) {
  for (const auto& [conversation, user] : part) {
    heard.push_back(bot.say(conversation, user));
  }
}

#if defined(TERN_HAS_ROCKSDB) || defined(TERN_HAS_POSTGRES)
/// With a drain and a kill in between.
Transcript with_restarts(const std::vector<std::string>& settings, const Program::Variables& variables = {}) {
  Transcript heard;
  {
    Bot bot(settings, variables);
    speak(bot, first_part, heard);
    const auto ended = bot.stop();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.err, Not(HasSubstr("do not survive a restart")));
  }
  {
    Bot bot(settings, variables);
    speak(bot, second_part, heard);
    bot.kill();
  }
  Bot bot(settings, variables);
  speak(bot, second_part, heard);
  return heard;
}
#endif

TEST(SameConversation, InMemory) {
  Transcript heard;
  Bot bot({"storage.kind=memory"});
  speak(bot, first_part, heard);
  speak(bot, second_part, heard);
  speak(bot, second_part, heard);
  EXPECT_EQ(heard, expected);
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, HasSubstr("end with this process"));
}

#ifdef TERN_HAS_ROCKSDB
TEST(SameConversation, OnRocksdbAcrossRestarts) {
  const Folder folder;
  EXPECT_EQ(with_restarts({"storage.kind=rocksdb", "storage.path=" + (folder / "data")}), expected);
}

TEST(Start, IsRefusedWhileAnotherProcessHasTheFolder) {
  const Folder folder;
  const std::vector<std::string> settings{"storage.kind=rocksdb", "storage.path=" + (folder / "data")};
  Bot first(settings);
  Program second({TERN_STATE_BOT, "--set", "listen.port=0", "--set", settings[0], "--set", settings[1]});
  const auto ended = second.wait();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("could not be served"), HasSubstr(folder / "data")));
  EXPECT_EQ(first.say("c", "u"), "conversation 1, user 1") << "the first is not disturbed";
}
#endif

#ifdef TERN_HAS_POSTGRES
class OnPostgres : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
      GTEST_SKIP() << obstacle;
    }
    server = std::make_unique<PostgresServer>();
  }
  Program::Variables url() const { return {{"TERN_STORAGE_URL", server->url()}}; }

  std::unique_ptr<PostgresServer> server;
};

TEST_F(OnPostgres, TheSameConversationAcrossRestarts) {
  EXPECT_EQ(with_restarts({"storage.kind=postgres"}, url()), expected);
}

TEST_F(OnPostgres, TheBotIsNotReadyWhileTheServerIsAway) {
  Bot bot({"storage.kind=postgres"}, url());
  EXPECT_EQ(bot.say("c", "u"), "conversation 1, user 1");
  EXPECT_EQ(bot.get("/readyz"), 200);
  server->stop(PostgresServer::Stop::fast);
  EXPECT_TRUE(bot.becomes("/readyz", 503));
  // Why is for the log; a client is told nothing of the house.
  EXPECT_THAT(bot.say("c", "u"),
              AllOf(HasSubstr("status 500"), Not(HasSubstr("Postgres")), Not(HasSubstr("127.0.0.1"))));
  EXPECT_EQ(bot.get("/healthz"), 200) << "the process itself is well";
  server->start();
  EXPECT_TRUE(bot.becomes("/readyz", 200));
  EXPECT_EQ(bot.say("c", "u"), "conversation 2, user 2");
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("a turn failed"), HasSubstr("The Postgres storage is away")));
}

TEST_F(OnPostgres, ABotWhoseServerHangsCanBeStopped) {
  Bot bot({"storage.kind=postgres", "drain.deadline=1s"}, url());
  EXPECT_EQ(bot.say("c", "u"), "conversation 1, user 1");
  server->pause();
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(bot.stop().status, 0) << "nothing was cut: no turn ran";
  // A second for the drain, as long for what it cuts, and what a loaded machine adds.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  server->resume();
}

TEST(Start, IsRefusedWhenThereIsNoServerAndNoPasswordIsTold) {
  Program bot({TERN_STATE_BOT, "--set", "listen.port=0", "--set", "storage.kind=postgres"},
              {{"TERN_STORAGE_URL", "postgresql://tern:hunter2@127.0.0.1:1/bots"}});
  const auto ended = bot.wait();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("could not be served"), HasSubstr("127.0.0.1:1"), Not(HasSubstr("hunter2"))));
}

TEST(Start, SaysWhatItWaitsForAndEndsWhenItIsAskedToMeanwhile) {
  Program bot({TERN_STATE_BOT, "--set", "listen.port=0", "--set", "storage.kind=postgres"},
              {{"TERN_STORAGE_URL", "postgresql://tern:hunter2@127.0.0.1:1/bots"}});
  EXPECT_THAT(bot.wait_for("waiting for the server of the storage"),
              AllOf(HasSubstr("127.0.0.1"), Not(HasSubstr("hunter2"))));
  bot.signal(SIGTERM);
  const auto ended = bot.wait();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("during the start"), Not(HasSubstr("could not be served"))));
}
#endif

}  // namespace
}  // namespace tern::test
