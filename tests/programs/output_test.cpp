// What becomes of what a program prints: a reader that stalls or goes away, a disk that is full, a file that is
// renamed.

#include "programs/stuck_bot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace tern::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A program whose standard output goes where `redirection` says.
Ended run_redirected(const std::string& redirection, std::vector<std::string> words) {
  words.insert(words.begin(), {"/bin/sh", "-c", "exec \"$0\" \"$@\" " + redirection});
  return run_program(std::move(words));
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Looks again and again.
std::string wait_for_text(const std::string& path, const std::string& text) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (;;) {
    auto found = text_of(path);
    const auto at = found.find(text);
    if (at != std::string::npos && found.find('\n', at) != std::string::npos) {
      return found;
    }
    if (std::chrono::steady_clock::now() > until) {
      throw std::runtime_error(path + " has no \"" + text + "\" but\n" + found);
    }
  }
}

TEST(Output, ThatCannotBeWrittenIsAFailureOfEveryCommand) {
  for (const std::string bot : {TERN_STATE_BOT, TERN_PROACTIVE_BOT, TERN_REMINDER_BOT}) {
    for (const std::string option : {"--help", "--version", "--print-config"}) {
      const auto ended = run_redirected(">/dev/full", {bot, option});
      EXPECT_EQ(ended.status, 1) << bot << " " << option;
      EXPECT_THAT(ended.err, HasSubstr("Standard output could not be written")) << bot << " " << option;
    }
  }
  for (const std::string tool : {TERN_STORAGE_TOOL, TERN_SCHEDULE_TOOL}) {
    const auto ended = run_redirected(">/dev/full", {tool, "--help"});
    EXPECT_EQ(ended.status, 1) << tool;
    EXPECT_THAT(ended.err, HasSubstr("Standard output could not be written")) << tool;
    EXPECT_EQ(run_redirected(">&-", {tool, "--help"}).status, 1) << tool;
  }
  EXPECT_EQ(run_redirected(">/dev/full", {TERN_SCHEDULE_TOOL, "--version"}).status, 1);
#ifdef TERN_HAS_POSTGRES
  EXPECT_EQ(run_redirected(">/dev/full", {TERN_STORAGE_TOOL, "schema", "--postgres"}).status, 1);
#endif
}

#ifdef TERN_HAS_ROCKSDB
TEST(Output, ThatCannotBeWrittenIsAFailureOfWhatReadsAStore) {
  const Folder folder;
  const auto store = "rocksdb:" + (folder / "store");
  std::ofstream(folder / "lines") << R"({"key":"a","document":1})" << '\n';
  ASSERT_EQ(run_program({TERN_STORAGE_TOOL, "import", store, "--input", folder / "lines"}).status, 0);
  EXPECT_EQ(run_redirected(">/dev/full", {TERN_STORAGE_TOOL, "check", store}).status, 1);
  EXPECT_EQ(run_redirected(">/dev/full", {TERN_STORAGE_TOOL, "export", store}).status, 1);
  EXPECT_EQ(run_redirected(">/dev/full", {TERN_SCHEDULE_TOOL, "stats", store}).status, 1);
  EXPECT_EQ(run_program({TERN_STORAGE_TOOL, "export", store, "--output", "/dev/full"}).status, 1);
}
#endif

TEST(Output, WhoeverReadsItMayGoAndTheBotServesOnAndDrains) {
  StuckBot bot({});
  bot.program().stop_reading();
  EXPECT_EQ(bot.ask("chatter").get().status, 200);
  EXPECT_EQ(bot.ask("print").get().status, 200);
  EXPECT_EQ(bot.get("/healthz"), 200);
  EXPECT_THAT(bot.body("/metrics"), Not(HasSubstr("tern_log_lines_dropped_total 0\n")));
  bot.program().signal(SIGTERM);
  EXPECT_EQ(bot.program().wait_unread(), 0);
}

TEST(Output, AReaderThatStallsStopsNoTurnAndNoDrain) {
  StuckBot bot({"log.buffer=64KiB", "listen.threads=1"});
  EXPECT_EQ(bot.ask("chatter").get().status, 200);
  bot.program().wait_until_full();
  EXPECT_EQ(bot.ask("hello").get().status, 200);
  EXPECT_EQ(bot.get("/healthz"), 200);
  EXPECT_THAT(bot.body("/metrics"), AllOf(HasSubstr("# TYPE tern_log_lines_dropped_total counter\n"),
                                          Not(HasSubstr("tern_log_lines_dropped_total 0\n"))));
  bot.program().signal(SIGTERM);
  EXPECT_EQ(bot.program().wait_unread(), 0) << "nothing was cut";
}

TEST(Output, AReaderThatGoesOnFindsHowManyLinesAreMissing) {
  StuckBot bot({"log.buffer=64KiB"});
  EXPECT_EQ(bot.ask("chatter").get().status, 200);
  const auto line = bot.program().wait_for("lines of the log were dropped");
  EXPECT_THAT(line, HasSubstr(" warn "));
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, HasSubstr("stopped clean=true"));
}

TEST(Output, HangingUpLetsABotGoOn) {
  StuckBot bot({});
  bot.program().signal(SIGHUP);
  bot.program().wait_for("SIGHUP: going on");
  bot.program().signal(SIGHUP);
  EXPECT_EQ(bot.tell("hello").get().status, 200);
  EXPECT_EQ(bot.stop().status, 0);
}

TEST(Output, HangingUpOpensTheFileOfTheLogAnew) {
  const Folder folder;
  const auto log = folder / "bot.log";
  const auto renamed = folder / "bot.log.1";
  Program bot({"/bin/sh", "-c", "exec \"$0\" --set listen.port=0 >>\"$1\" 2>&1", TERN_STATE_BOT, log});
  wait_for_text(log, " serving ");
  std::filesystem::rename(log, renamed);
  bot.signal(SIGHUP);
  EXPECT_THAT(wait_for_text(log, "SIGHUP"), HasSubstr("opened anew"));
  bot.signal(SIGTERM);
  EXPECT_EQ(bot.wait_unread(), 0);
  EXPECT_THAT(text_of(log), HasSubstr("stopped clean=true"));
  EXPECT_THAT(text_of(renamed), AllOf(HasSubstr(" serving "), Not(HasSubstr("stopped"))));
}

TEST(Output, WhatASecondHangUpFindsRemovedIsMadeAgain) {
  const Folder folder;
  const auto log = folder / "bot.log";
  Program bot({"/bin/sh", "-c", "exec \"$0\" --set listen.port=0 2>>\"$1\"", TERN_STATE_BOT, log});
  wait_for_text(log, " serving ");
  for (int i = 0; i < 2; ++i) {
    std::filesystem::remove(log);
    bot.signal(SIGHUP);
    wait_for_text(log, "opened anew");
  }
  bot.signal(SIGTERM);
  EXPECT_EQ(bot.wait_unread(), 0);
}

TEST(Output, AHandlerThatHoldsAShardIsNamed) {
  StuckBot bot({"listen.threads=1"});
  for (const std::string text : {"spin", "block"}) {
    const auto from = bot.program().mark();
    EXPECT_EQ(bot.ask(text).get().status, 200);
    const auto line = bot.program().wait_for("a handler held a shard", from);
    EXPECT_THAT(line, AllOf(HasSubstr("channel=emulator"), HasSubstr("conversation=c"), HasSubstr("type=message"),
                            testing::ContainsRegex("held_ms=[1-9][0-9]"), HasSubstr("tern::offload")))
        << text;
  }
  EXPECT_EQ(bot.stop().status, 0);
}

TEST(Output, AHandlerThatNeverGivesItsShardBackIsNamedMeanwhile) {
  StuckBot bot({"drain.deadline=100ms", "listen.threads=1"});
  bot.tell("hold");
  EXPECT_THAT(bot.program().wait_for("a handler holds a shard"),
              AllOf(HasSubstr("conversation=c"), HasSubstr("type=message"), HasSubstr("held_ms=")));
  EXPECT_EQ(bot.stop().status, 1);
}

}  // namespace
}  // namespace tern::test
