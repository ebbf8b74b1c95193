// reminder_bot as its users talk to it, killed in between.

#include "programs/proactive_bot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace tern::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ReminderBot : public ::testing::Test {
 protected:
  void start() { bot_.emplace(settings(), TERN_REMINDER_BOT); }
  void kill() { bot_->kill(); }

  /// What it answers, in the turn.
  std::string ask(const std::string& text) {
    EXPECT_EQ(bot_->say(channel_, text, "conversation"), 200);
    return next();
  }
  /// What it says next.
  std::string next() {
    ++heard_;
    const auto request = channel_.wait_for(heard_).at(heard_ - 1);
    return boost::json::parse(request.body).at("text").as_string().c_str();
  }

 private:
  std::vector<std::string> settings() const {
#ifdef TERN_HAS_ROCKSDB
    return {"storage.kind=rocksdb", "storage.path=" + (folder_ / "data")};
#else
    return {};
#endif
  }

  Folder folder_;
  FakeChannel channel_;
  std::optional<ProactiveBot> bot_;
  std::size_t heard_ = 0;
};

TEST_F(ReminderBot, RemindsListsAndCancels) {
  start();
  EXPECT_THAT(ask("hello"), HasSubstr("remind me in 20 s"));
  EXPECT_THAT(ask("time zone Mars/Olympus"), HasSubstr("no time zone \"Mars/Olympus\""));
  EXPECT_THAT(ask("time zone Europe/Zurich"), HasSubstr("Europe/Zurich"));
  EXPECT_THAT(ask("every day at 9 to drink water"), AllOf(HasSubstr("drink water"), HasSubstr("09:00")));
  EXPECT_THAT(ask("remind me in 2 hours to stretch"), HasSubstr("stretch"));
  EXPECT_THAT(ask("list"), AllOf(HasSubstr("1. "), HasSubstr("2. "), HasSubstr("drink water"), HasSubstr("next on")));
  EXPECT_THAT(ask("cancel 3"), HasSubstr("no number 3"));
  EXPECT_THAT(ask("cancel 1"), HasSubstr("I will not remind you"));
  EXPECT_THAT(ask("List"), AllOf(HasSubstr("1. "), Not(HasSubstr("2. "))));
  EXPECT_THAT(ask("remind me in 1 s to breathe"), HasSubstr("breathe"));
  EXPECT_EQ(next(), "Reminder: breathe");
}

// As in a slim container.
TEST(ReminderBotWithoutTimeZones, SaysAtItsStartWhatIsMissing) {
  const std::string hide = "mount -t tmpfs none /usr/share/zoneinfo && exec \"$0\" --set listen.port=0";
  if (run_program({"/usr/bin/unshare", "-m", "true"}).status != 0) {
    GTEST_SKIP() << "This process may not have a mount namespace of its own.";
  }
  Program bot({"/usr/bin/unshare", "-m", "sh", "-c", hide, TERN_REMINDER_BOT});
  EXPECT_THAT(bot.wait_for("no time zone data"), HasSubstr("tzdata"));
  bot.wait_for(" serving ");
  bot.signal(SIGTERM);
  EXPECT_EQ(bot.wait().status, 0);
}

#ifdef TERN_HAS_ROCKSDB
TEST_F(ReminderBot, KeepsItsPromiseThroughAKill) {
  start();
  EXPECT_THAT(ask("remind me in 2 s to stand up"), HasSubstr("stand up"));
  kill();
  start();
  EXPECT_EQ(next(), "Reminder: stand up");
}
#endif

}  // namespace
}  // namespace tern::test
