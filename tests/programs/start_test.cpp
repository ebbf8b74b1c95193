// How programs are started, and what they say when they cannot be.

#include "programs/stuck_bot.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

namespace tern::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(Start, AConfigurationThatIsAFolderIsASentenceAndNoCrash) {
  const Folder folder;
  for (const std::string bot : {TERN_STATE_BOT, TERN_PROACTIVE_BOT, TERN_REMINDER_BOT}) {
    for (const auto& path : {folder / "", std::string("/dev/zero"), folder / "none"}) {
      const auto ended = run_program({bot, "--config", path});
      EXPECT_EQ(ended.status, 2) << bot << " " << path << "\n" << ended.err;
      EXPECT_THAT(ended.err, HasSubstr("The configuration file " + path)) << bot;
    }
  }
}

// As any other wrong value, which no restart mends.
TEST(Start, AFileThatAKeyNamesAndThatIsNotThereIsAWrongConfiguration) {
  const Folder folder;
  const std::string id = "bot.app_id=b0700000-0000-4000-8000-000000000001";
  for (const std::vector<std::string>& settings :
       {std::vector<std::string>{"listen.certificate=" + (folder / "none"),
                                 "listen.certificate_key=" + (folder / "no")},
        {id, "bot.app_password_file=" + (folder / "none")},
        {id, "bot.federated_token_file=" + (folder / "none")},
        {id, "bot.certificate=" + (folder / "none"), "bot.certificate_key=" + (folder / "none")},
        {id, "bot.ca_file=" + (folder / "none")}}) {
    std::vector<std::string> words{TERN_STATE_BOT, "--set", "listen.port=0"};
    for (const auto& setting : settings) {
      words.insert(words.end(), {"--set", setting});
    }
    const auto ended = run_program(words);
    EXPECT_EQ(ended.status, 2) << ended.err;
    EXPECT_THAT(ended.err, AllOf(HasSubstr(folder / "none"), HasSubstr(settings.back().substr(0, 4))));
  }
}

TEST(Start, KeysOfABotsOwnAreLikeTerns) {
  EXPECT_THAT(run_program({TERN_ORDER_BOT, "--help"}).out,
              AllOf(HasSubstr("  shop.most_open\n"), HasSubstr("  listen.port\n")));
  const auto printed = run_program({TERN_ORDER_BOT, "--print-config", "--set", "shop.most_open=7"});
  EXPECT_EQ(printed.status, 0) << printed.err;
  EXPECT_THAT(printed.out, AllOf(HasSubstr("\"shop.most_open\": 7"), HasSubstr("\"shop.delivery\": \"2h\"")));
  const auto mistyped = run_program({TERN_ORDER_BOT, "--set", "shop.curency=CHF"});
  EXPECT_EQ(mistyped.status, 2);
  EXPECT_THAT(mistyped.err, HasSubstr("Did you mean shop.currency?"));
}

TEST(Start, ToolsThatAreGivenAFolderSayASentence) {
  const Folder folder;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{TERN_STORAGE_TOOL, "import", "rocksdb:" + (folder / "s"), "--input", folder / ""},
        {TERN_STORAGE_TOOL, "export", "rocksdb:" + (folder / "none"), "--output", folder / ""},
        {TERN_STORAGE_TOOL, "check", "rocksdb:/dev/null"},
        {TERN_SCHEDULE_TOOL, "list", "rocksdb:" + (folder / "none")}}) {
    const auto ended = run_program(words);
    EXPECT_THAT(ended.status, testing::AnyOf(1, 2)) << words[1] << "\n" << ended.err;
    EXPECT_THAT(ended.err, testing::StartsWith("tern-s")) << words[1];
  }
}

TEST(Start, TheAddressIsSaidWhateverTheLevelOfTheLog) {
  for (const std::string level : {"warn", "error", "off"}) {
    StuckBot bot({"log.level=" + level});
    EXPECT_EQ(bot.get("/healthz"), 200) << level;
    bot.program().signal(SIGTERM);
    EXPECT_THAT(bot.program().wait().err, Not(HasSubstr("draining"))) << level;
  }
}

TEST(Start, VariablesOfAKubernetesServiceAreNoConfiguration) {
  const Bot bot({"log.level=warn"}, {{"TERN_SERVICE_HOST", "10.0.0.1"},
                                     {"TERN_PORT", "tcp://10.0.0.1:3978"},
                                     {"TERN_PORT_3978_TCP_ADDR", "10.0.0.1"},
                                     {"TERN_LISTEN_PORT", "tcp://10.0.0.2:80"}});
  EXPECT_EQ(bot.get("/healthz"), 200);
}

TEST(Start, AVariableThatIsNoKeyIsAWarning) {
  StuckBot bot({}, {{"TERN_LOG_LEVLE", "debug"}});
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("warn"), HasSubstr("TERN_LOG_LEVLE"), HasSubstr("TERN_LOG_LEVEL?")));
  const auto printed = run_program({TERN_STATE_BOT, "--print-config"}, {{"TERN_LOG_LEVLE", "debug"}});
  EXPECT_EQ(printed.status, 0);
  EXPECT_THAT(printed.err, HasSubstr("TERN_LOG_LEVLE"));
  EXPECT_THAT(printed.out, Not(HasSubstr("LEVLE")));
  EXPECT_THAT(printed.err, HasSubstr("Memory that the bounds allow"));
}

TEST(Start, MetricsTellOfTheProcess) {
  const StuckBot bot({});
  const auto figures = bot.body("/metrics");
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
                           "process_open_fds", "process_max_fds", "process_start_time_seconds"}) {
    EXPECT_THAT(figures, testing::ContainsRegex("\n" + std::string(name) + " [1-9]|\n" + name + " 0\\.0*[1-9]"));
  }
  EXPECT_THAT(figures, HasSubstr("tern_turn_seconds_bucket{type=\"message\",le=\"+Inf\"} 0"));
}

#ifdef TERN_HAS_ROCKSDB
TEST(Start, ASecondProcessWaitsForTheFolderOfOneThatEnds) {
  const Folder folder;
  const std::vector<std::string> settings{"storage.kind=rocksdb", "storage.path=" + (folder / "data")};
  StuckBot first(settings);
  Program second({TERN_STATE_BOT, "--set", "listen.port=0", "--set", settings[0], "--set", settings[1]});
  EXPECT_THAT(second.wait_for("waiting for the folder"), HasSubstr(folder / "data"));
  EXPECT_EQ(first.stop().status, 0);
  second.wait_for(" serving ");
  second.signal(SIGTERM);
  const auto ended = second.wait();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, Not(HasSubstr("rocksdb says")));
}

TEST(Start, AProcessThatWaitsForAFolderCanBeEnded) {
  const Folder folder;
  const std::vector<std::string> settings{"storage.kind=rocksdb", "storage.path=" + (folder / "data")};
  const StuckBot first(settings);
  Program second({TERN_STATE_BOT, "--set", "listen.port=0", "--set", settings[0], "--set", settings[1]});
  second.wait_for("waiting for the folder");
  second.signal(SIGTERM);
  const auto ended = second.wait();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, HasSubstr("asked to end during the start"));
}

TEST(Start, AToolDoesNotWaitForAFolderAndSaysOnceThatItIsTaken) {
  const Folder folder;
  const StuckBot bot({"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{TERN_STORAGE_TOOL, "check", "rocksdb:" + (folder / "data")},
        {TERN_SCHEDULE_TOOL, "list", "rocksdb:" + (folder / "data")}}) {
    const auto ended = run_program(words);
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, AllOf(testing::StartsWith("tern-s"), Not(HasSubstr("rocksdb says"))));
  }
}
#endif

#ifdef TERN_HAS_POSTGRES
TEST(Start, AnAddressThatCannotBeReadIsRefusedAtOnceAndNotShown) {
  for (const std::string url : {"postgresql://bot:se/cret@host/db", "postgresql://bot:se@cret@host/db",
                                "postgresql://bot:cret@host:port/db", "host=db port=cret"}) {
    const Program::Variables variables{{"TERN_STORAGE_URL", url}};
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{TERN_STATE_BOT, "--set", "storage.kind=postgres"},
          {TERN_STATE_BOT, "--set", "storage.kind=postgres", "--set", "storage.url=" + url},
          {TERN_STORAGE_TOOL, "check", "postgres:"},
          {TERN_STORAGE_TOOL, "copy", "--from", "postgres:", "--to", url, "--to-schema", "other"},
          {TERN_SCHEDULE_TOOL, "list", "postgres:"},
          {TERN_SCHEDULE_TOOL, "list", "postgres:" + url}}) {
      const auto ended = run_program(words, variables);
      EXPECT_EQ(ended.status, 2) << words[0] << " " << url << "\n" << ended.err;
      EXPECT_THAT(ended.err, AllOf(HasSubstr("cannot be read"), Not(HasSubstr("cret")), Not(HasSubstr("bot:"))));
      EXPECT_EQ(ended.out, "");
    }
  }
}

TEST(Start, ToolsThatAreCalledWronglyShowNoAddress) {
  const std::string url = "postgresql://bot:hunter2@host/db";
  for (const std::vector<std::string>& words : {std::vector<std::string>{TERN_STORAGE_TOOL, url, "check"},
                                                {TERN_STORAGE_TOOL, "check", url, url},
                                                {TERN_STORAGE_TOOL, "check", "host=h password=hunter2"},
                                                {TERN_SCHEDULE_TOOL, url, "list"},
                                                {TERN_SCHEDULE_TOOL, "list", "bot:hunter2@host"},
                                                {TERN_SCHEDULE_TOOL, "list", url, url}}) {
    const auto ended = run_program(words);
    EXPECT_EQ(ended.status, 2) << ended.err;
    EXPECT_THAT(ended.out + ended.err, Not(HasSubstr("hunter2")));
  }
}

TEST(Start, StrangersAreNotToldWhereTheDatabaseIs) {
  if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
    GTEST_SKIP() << obstacle;
  }
  PostgresServer server;
  StuckBot bot({"storage.kind=postgres"}, {{"TERN_STORAGE_URL", server.url()}});
  EXPECT_EQ(bot.get("/readyz"), 200);
  server.stop(PostgresServer::Stop::fast);
  while (bot.get("/readyz") != 503) {
  }
  EXPECT_EQ(bot.body("/readyz"), R"({"status":"the storage is away; the log says why"})");
  bot.program().wait_for("storage connection lost");
}
#endif

}  // namespace
}  // namespace tern::test
