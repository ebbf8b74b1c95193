// What a bot promised to send it sends, also when it was killed in between.

#include "programs/proactive_bot.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace tern::test {
namespace {

using testing::HasSubstr;

void keeps_its_promises(const std::vector<std::string>& settings) {
  constexpr int promises = 20;
  FakeChannel channel;
  std::multiset<std::string> promised;
  {
    ProactiveBot bot(settings);
    for (int i = 0; i < promises; ++i) {
      ASSERT_EQ(bot.say(channel, std::to_string(i)), 200);
      promised.insert("You said, \"" + std::to_string(i) + "\"");
    }
    EXPECT_TRUE(texts(channel.requests()).empty()) << "the answers take three seconds";
    bot.kill();
  }
  const auto typing = channel.request_count();
  ProactiveBot bot(settings);
  EXPECT_EQ(texts(channel.wait_for(typing + promises)), promised);
  const auto ended = bot.stop();
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, testing::Not(HasSubstr("end with this process")));
  EXPECT_EQ(channel.request_count(), typing + promises) << "each once";
}

#ifdef TERN_HAS_ROCKSDB
TEST(Promises, OutliveAKillOnRocksdb) {
  const Folder folder;
  keeps_its_promises({"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
}
#endif

#ifdef TERN_HAS_POSTGRES
std::vector<std::string> on(const PostgresServer& server) {
  return {"storage.kind=postgres", "storage.url=" + server.url()};
}

TEST(Promises, OutliveAKillOnPostgres) {
  if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
    GTEST_SKIP() << obstacle;
  }
  const PostgresServer server;
  keeps_its_promises(on(server));
}

using Time = std::chrono::steady_clock::time_point;

double seconds_since(Time begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

/// A channel that refuses the first attempt of each message, when it is told to, and gives that answer when it is told
/// to. It keeps the record of what it took.
class RefusingChannel {
 public:
  RefusingChannel() {
    channel_.answer_with([this](const FakeRequest& request) {
      const auto activity = boost::json::parse(request.body);
      if (activity.at("type") != "message") {
        return FakeAnswer();
      }
      const std::lock_guard lock(mutex_);
      const std::string text(activity.at("text").as_string());
      if (refuses_ && seen_.insert(text).second) {
        auto answer = FakeAnswer::with(seen_.size() % 2 == 0 ? 503 : 500);
        answer.held = true;
        changed_.notify_all();
        return answer;
      }
      taken_.insert(text);
      changed_.notify_all();
      return FakeAnswer();
    });
  }

  FakeChannel& channel() noexcept { return channel_; }
  void refuse(bool refuses) {
    const std::lock_guard lock(mutex_);
    refuses_ = refuses;
  }
  /// Waits until so many messages were refused.
  void wait_for_refused(std::size_t count) {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return seen_.size() >= count; });
  }
  /// Waits until it has taken all of these; what it has taken, each as often as it came.
  std::multiset<std::string> wait_for_taken(const std::set<std::string>& texts) {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return std::includes(taken_.begin(), taken_.end(), texts.begin(), texts.end()); });
    return taken_;
  }

 private:
  void wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& is_so) {
    if (!changed_.wait_for(lock, std::chrono::seconds(60), is_so)) {
      throw std::runtime_error("the channel refused " + std::to_string(seen_.size()) + " messages and took " +
                               std::to_string(taken_.size()) + ", and then nothing came for a minute");
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool refuses_ = false;
  std::set<std::string> seen_;
  std::multiset<std::string> taken_;
  FakeChannel channel_;  // its thread ends first
};

/// Replicas of a bot on one PostgreSQL, and what they have promised.
class Replicas : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
      GTEST_SKIP() << obstacle;
    }
    server_ = std::make_unique<PostgresServer>();
    for (int i = 0; i < 3; ++i) {
      bots_.push_back(std::make_unique<ProactiveBot>(on(*server_)));
    }
    for (auto& bot : bots_) {
      (void)bot->wait_for("owners=3");
    }
  }

  /// Each of `bots` in turn promises a message.
  void promise(const std::vector<std::size_t>& bots, const std::string& name) {
    for (std::size_t i = 0; i < promises; ++i) {
      const auto text = name + " " + std::to_string(i);
      ASSERT_EQ(bots_.at(bots[i % bots.size()])->say(channel_.channel(), text), 200);
      promised_.insert("You said, \"" + text + "\"");
    }
  }
  void expect_all_taken_once() {
    const auto taken = channel_.wait_for_taken(promised_);
    EXPECT_EQ(taken, std::multiset<std::string>(promised_.begin(), promised_.end()));
  }

  static constexpr std::size_t promises = 60;
  std::unique_ptr<PostgresServer> server_;
  RefusingChannel channel_;
  std::vector<std::unique_ptr<ProactiveBot>> bots_;
  std::set<std::string> promised_;
};

// One is killed, and one stopped in its tracks past its lease and let go again: it has refusals to record then of sends
// that another has by now, and what it says of them does not count.
TEST_F(Replicas, OutliveTheLossOfOthers) {
  auto& killed = *bots_[0];
  auto& stopped = *bots_[1];
  auto& other = *bots_[2];
  channel_.refuse(true);
  promise({0, 1, 2}, "refused");
  // No more than a new host that does not answer has places in each shard: enough for each replica to have some.
  channel_.wait_for_refused(promises / 3);
  channel_.refuse(false);
  const auto stop_mark = other.mark();
  stopped.signal(SIGSTOP);
  const auto killed_at = std::chrono::steady_clock::now();
  killed.kill();
  channel_.channel().release();
  (void)other.wait_for("held=64 owners=1", stop_mark);
  const auto take_over = seconds_since(killed_at);
  std::cout << "taken over from one that was killed and one that hangs: " << take_over << " s\n";
  EXPECT_LE(take_over, 10) << "a lease is 6 s, a heartbeat 2 s";
  expect_all_taken_once();

  const auto other_mark = other.mark();
  const auto stopped_mark = stopped.mark();
  stopped.signal(SIGCONT);
  (void)other.wait_for("held=32 owners=2", other_mark);
  (void)stopped.wait_for("held=32 owners=2", stopped_mark);
  EXPECT_GT(stopped.figure("tern_stale_outcomes_total"), 0) << "it had nothing to record that was refused";
  promise({1, 2}, "shared again");
  expect_all_taken_once();
  for (auto* bot : {&stopped, &other}) {
    EXPECT_EQ(bot->figure("tern_scheduled_sends_total", R"(outcome="dead")"), 0);
  }
}

// A replica that ends as it should leaves its slots to the others at once, and not when its lease is over.
TEST_F(Replicas, TakeOverAtOnceAfterACleanStop) {
  const auto mark = bots_[2]->mark();
  const auto stopped_at = std::chrono::steady_clock::now();
  bots_[0]->signal(SIGTERM);
  (void)bots_[2]->wait_for("held=32 owners=2", mark);
  const auto take_over = seconds_since(stopped_at);
  std::cout << "taken over after a clean stop: " << take_over << " s\n";
  EXPECT_LE(take_over, 2) << "0.3 s are promised; the rest is for a machine that is busy";
  EXPECT_EQ(bots_[0]->wait().status, 0);
  EXPECT_EQ(bots_[1]->stop().status, 0);
  (void)bots_[2]->wait_for("held=64 owners=1", mark);
  promise({2}, "alone");
  expect_all_taken_once();
}
#endif

}  // namespace
}  // namespace tern::test
