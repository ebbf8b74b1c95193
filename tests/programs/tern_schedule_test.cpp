// tern-schedule as a user calls it.

#include "programs/proactive_bot.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Ended schedule_tool(std::vector<std::string> words, Program::Variables variables = {}) {
  words.insert(words.begin(), TERN_SCHEDULE_TOOL);
  return run_program(std::move(words), std::move(variables));
}

boost::json::object object(const std::string& line) {
  return boost::json::parse(line).as_object();
}

TEST(TernSchedule, ExplainsItself) {
  const auto help = schedule_tool({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("list"), HasSubstr("show"), HasSubstr("cancel"), HasSubstr("dead"),
                              HasSubstr("redrive"), HasSubstr("stats"), HasSubstr("TERN_STORAGE_URL")));
}

TEST(TernSchedule, ToldWronglyEndsWithTwo) {
  EXPECT_EQ(schedule_tool({}).status, 2);
  EXPECT_EQ(schedule_tool({"fly"}).status, 2);
  EXPECT_EQ(schedule_tool({"list"}).status, 2);
  EXPECT_EQ(schedule_tool({"list", "memory"}).status, 2);
  EXPECT_EQ(schedule_tool({"redrive", "rocksdb:x"}).status, 2);
  const auto handle = schedule_tool({"cancel", "rocksdb:x", "seven"});
  EXPECT_EQ(handle.status, 2);
  EXPECT_THAT(handle.err, HasSubstr("seven"));
  const auto command = schedule_tool({"frob", "rocksdb:x"});
  EXPECT_EQ(command.status, 2);
  EXPECT_THAT(command.err, AllOf(HasSubstr("tern-schedule: \"frob\" is no command"), HasSubstr("redrive")));
  const auto limit = schedule_tool({"list", "rocksdb:x", "--limit", "-1"});
  EXPECT_EQ(limit.status, 2);
  EXPECT_THAT(limit.err, HasSubstr("Give 1 or more."));
  EXPECT_THAT(schedule_tool({"--version"}).out, HasSubstr("tern-schedule "));
}

#ifdef TERN_HAS_ROCKSDB
TEST(TernSchedule, LooksAfterWhatAKilledBotPromised) {
  const Folder folder;
  const auto store = "rocksdb:" + (folder / "data");
  FakeChannel channel;
  {
    ProactiveBot bot({"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
    ASSERT_EQ(bot.say(channel, "one"), 200);
    ASSERT_EQ(bot.say(channel, "two"), 200);
    const auto busy = schedule_tool({"list", store});
    EXPECT_EQ(busy.status, 1);
    EXPECT_THAT(busy.err, AllOf(HasSubstr("Stop the bot"), HasSubstr("/proactive/")));
    bot.kill();
  }
  const auto listed = schedule_tool({"list", store});
  EXPECT_EQ(listed.status, 0) << listed.err;
  EXPECT_THAT(listed.out, AllOf(HasSubstr("HANDLE"), HasSubstr("conversation")));
  const auto first = schedule_tool({"list", store, "--json", "--text", "--limit", "1"}).out;
  const std::string handle(object(first).at("handle").as_string());
  EXPECT_EQ(object(first).at("activity").at("text").as_string(), "You said, \"one\"");

  EXPECT_THAT(schedule_tool({"show", store, handle}).out, HasSubstr("pending"));
  EXPECT_EQ(schedule_tool({"cancel", store, handle}).status, 0);
  const auto again = schedule_tool({"cancel", store, handle});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.out, HasSubstr("too late"));
  EXPECT_EQ(object(schedule_tool({"stats", store, "--json"}).out).at("pending").as_int64(), 1);
  EXPECT_THAT(schedule_tool({"dead", store}).out, HasSubstr("Nothing is dead"));

  const auto typing = channel.request_count();
  ProactiveBot bot({"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
  EXPECT_EQ(texts(channel.wait_for(typing + 1)), std::multiset<std::string>{"You said, \"two\""});
}

TEST(TernSchedule, MakesNoStoreThatItIsToRead) {
  const Folder folder;
  const auto listed = schedule_tool({"list", "rocksdb:" + (folder / "none")});
  EXPECT_EQ(listed.status, 1);
  EXPECT_THAT(listed.err, HasSubstr("no RocksDB store"));
}
#endif

#ifdef TERN_HAS_POSTGRES
TEST(TernSchedule, WorksBesideABotOnPostgres) {
  if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
    GTEST_SKIP() << obstacle;
  }
  const PostgresServer server;
  FakeChannel channel;
  ProactiveBot bot({"storage.kind=postgres", "storage.url=" + server.url()});
  ASSERT_EQ(bot.say(channel, "one"), 200);
  const auto stats = schedule_tool({"stats", "postgres:", "--json"}, {{"TERN_STORAGE_URL", server.url()}});
  EXPECT_EQ(stats.status, 0) << stats.err;
  const auto counts = object(stats.out);
  EXPECT_EQ(counts.at("pending").as_int64() + counts.at("sent").as_int64(), 1);
  EXPECT_EQ(texts(channel.wait_for(2)), std::multiset<std::string>{"You said, \"one\""});
}
#endif

}  // namespace
}  // namespace tern::test
