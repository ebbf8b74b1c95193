// A broadcast by a real process that is killed in the middle, again and again.

#include "programs/proactive_bot.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gtest/gtest.h>

#include <iostream>
#include <map>

namespace tern::test {
namespace {

constexpr std::size_t recipients = 1'000;
constexpr std::size_t kills = 3;

// How often each conversation got the news.
std::map<std::string, int> received(const FakeChannel& channel) {
  std::map<std::string, int> times;
  for (const auto& request : channel.requests()) {
    const auto activity = boost::json::parse(request.body);
    if (activity.at("text") == "news") {
      ++times[activity.at("conversation").at("id").as_string().c_str()];
    }
  }
  return times;
}

void reaches_everybody(const std::vector<std::string>& settings) {
  FakeChannel channel;
  {
    ProactiveBot bot(settings, TERN_BROADCAST_BOT);
    ASSERT_EQ(bot.say(channel, std::to_string(recipients)), 200);
    (void)channel.wait_for(recipients / (kills + 1));
    bot.kill();
  }
  for (std::size_t kill = 2; kill <= kills; ++kill) {
    ProactiveBot bot(settings, TERN_BROADCAST_BOT);
    (void)channel.wait_for(recipients * kill / (kills + 1));
    bot.kill();
  }
  ProactiveBot bot(settings, TERN_BROADCAST_BOT);
  while (received(channel).size() < recipients) {
    (void)channel.wait_for(channel.request_count() + 1);
  }
  std::size_t twice = 0;
  for (const auto& [conversation, times] : received(channel)) {
    twice += static_cast<std::size_t>(times) - 1;
  }
  // What was under way at a kill comes again: one batch of outcomes, and what the channel had just taken.
  EXPECT_LE(twice, kills * 512);
  std::cout << twice << " of " << recipients << " came twice through " << kills << " kills\n";
  EXPECT_EQ(bot.stop().status, 0);
}

#ifdef TERN_HAS_ROCKSDB
TEST(Broadcasts, ReachEverybodyThroughKillsOnRocksdb) {
  const Folder folder;
  reaches_everybody({"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
}
#endif

#ifdef TERN_HAS_POSTGRES
TEST(Broadcasts, ReachEverybodyThroughKillsOnPostgres) {
  if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
    GTEST_SKIP() << obstacle;
  }
  const PostgresServer server;
  reaches_everybody({"storage.kind=postgres", "storage.url=" + server.url()});
}
#endif

}  // namespace
}  // namespace tern::test
