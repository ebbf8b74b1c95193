// A broadcast by a real process that is killed in the middle, again and again.

#include "programs/proactive_bot.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

namespace tern::test {
namespace {

constexpr std::size_t recipients = 3'000;
constexpr std::size_t kills = 3;
constexpr std::size_t in_flight = 32;
// What was under way when the process died, and the batch of outcomes that was not written yet. A step of the bot's
// broadcast is 800: one that is taken twice is seen.
constexpr std::size_t unsettled = in_flight + 256;

/// What the channel received, and where in it the process was killed.
struct Record {
  std::map<std::string, std::vector<std::size_t>> places;  ///< at which each conversation got the news, by arrival
  std::vector<std::size_t> kills;
};

class KilledBroadcast {
 public:
  explicit KilledBroadcast(std::vector<std::string> settings) : settings_(std::move(settings)) {
    settings_.insert(settings_.end(), {"listen.threads=1", "limits.sends_in_flight=" + std::to_string(in_flight)});
  }

  Record run() {
    for (std::size_t kill = 1; kill <= kills; ++kill) {
      ProactiveBot bot(settings_, TERN_BROADCAST_BOT);
      if (kill == 1) {
        EXPECT_EQ(bot.say(channel_, std::to_string(recipients)), 200);
      }
      (void)channel_.wait_for(recipients * kill / (kills + 1));
      bot.kill();
      channel_.wait_for_open_at_most(0);  // what it had written before has arrived
      record_.kills.push_back(channel_.request_count());
    }
    ProactiveBot bot(settings_, TERN_BROADCAST_BOT);
    std::set<std::string> reached;
    for (std::size_t seen = 0; reached.size() < recipients;) {
      const auto requests = channel_.wait_for(seen + 1);
      for (; seen < requests.size(); ++seen) {
        const auto conversation = conversation_of(requests[seen]);
        reached.insert(conversation);
        record_.places[conversation].push_back(seen);
      }
    }
    EXPECT_EQ(bot.stop().status, 0);
    return record_;
  }

 private:
  static std::string conversation_of(const FakeRequest& request) {
    const auto activity = boost::json::parse(request.body);
    EXPECT_EQ(activity.at("text"), "news");
    return activity.at("conversation").at("id").as_string().c_str();
  }

  std::vector<std::string> settings_;
  FakeChannel channel_;
  Record record_;
};

// Nobody is left out; and what came twice had arrived shortly before a kill, and came again after it.
void reaches_everybody(std::vector<std::string> settings) {
  const auto record = KilledBroadcast(std::move(settings)).run();
  EXPECT_EQ(record.places.size(), recipients);
  std::map<std::size_t, std::size_t> twice;  // by the kill
  for (const auto& [conversation, places] : record.places) {
    for (std::size_t i = 1; i < places.size(); ++i) {
      const auto kill = std::upper_bound(record.kills.begin(), record.kills.end(), places[i - 1]);
      ASSERT_TRUE(kill != record.kills.end() && *kill <= places[i])
          << conversation << " got it twice, and nobody was killed in between: " << places[i - 1] << ", " << places[i];
      EXPECT_LE(*kill - places[i - 1], 2 * unsettled) << conversation << " got it long before the kill, and again";
      ++twice[*kill];
    }
  }
  std::cout << "of " << recipients << " came twice";
  for (const auto& [kill, count] : twice) {
    EXPECT_LE(count, unsettled);
    std::cout << ", after the kill at " << kill << ": " << count;
  }
  std::cout << "\n";
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
