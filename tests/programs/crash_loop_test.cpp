// kill -9 again and again while a bot schedules and sends as fast as it can, with a record outside of it of all that it
// confirmed and all that arrived.

#include "programs/program.hpp"
#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tern::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

// Sanitizers make a process slow to start.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long usual_kills = 5;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr long usual_kills = 5;
#else
constexpr long usual_kills = 50;
#endif
#else
constexpr long usual_kills = 50;
#endif

constexpr int conversations = 40;
// What one kill may double: what was being sent, and what was sent and not yet noted. With one shard, few sends at
// once, and lives in which more is sent than this, a bot that noted nothing would be caught.
constexpr std::size_t in_flight = 32;
constexpr std::size_t one_batch = 256;
constexpr std::size_t bound = in_flight + one_batch;
constexpr std::size_t most_confirmed_in_a_life = 900;

long kills_wanted() {
  const char* given = std::getenv("TERN_TEST_KILLS");
  return given != nullptr ? std::strtol(given, nullptr, 10) : usual_kills;
}

/// What arrived at the channel.
class Arrivals {
 public:
  /// `name count due`, in a conversation.
  void note(const std::string& text, const std::string& conversation) {
    const auto now =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    std::istringstream words(text);
    std::string name;
    std::int64_t count = 0;
    std::int64_t due = 0;
    words >> name >> count >> due;
    const std::lock_guard lock(mutex_);
    early_ += now < due ? 1 : 0;
    ++all_;
    const auto [arrived, is_new] = life_of_.try_emplace(name, life_);
    if (!is_new) {
      // By the end of the life in which it came before.
      ++twice_in_[std::exchange(arrived->second, life_)];
    }
    counts_[conversation].insert(count);
    changed_.notify_all();
  }
  /// The bot is killed now.
  void next_life() {
    const std::lock_guard lock(mutex_);
    ++life_;
  }
  /// Waits for all of `names`, as long as something arrives each half minute; those that did not.
  std::set<std::string> missing(const std::set<std::string>& names) {
    std::set<std::string> missing;
    std::unique_lock lock(mutex_);
    for (;;) {
      missing.clear();
      for (const auto& name : names) {
        if (!life_of_.contains(name)) {
          missing.insert(name);
        }
      }
      const auto before = all_;
      if (missing.empty() || !changed_.wait_for(lock, 30s, [&] { return all_ > before; })) {
        return missing;
      }
    }
  }
  std::size_t all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  std::size_t early() const {
    const std::lock_guard lock(mutex_);
    return early_;
  }
  std::size_t distinct() const {
    const std::lock_guard lock(mutex_);
    return life_of_.size();
  }
  /// How many arrived again because of each kill, counted from 0; the life after the last kill is at the end.
  std::map<long, std::size_t> twice_in() const {
    const std::lock_guard lock(mutex_);
    return twice_in_;
  }
  /// Waits until the counts of a conversation are these, as `missing` does.
  bool has_counts_to(const std::string& conversation, std::int64_t last) {
    std::unique_lock lock(mutex_);
    const auto& counts = counts_[conversation];
    (void)changed_.wait_for(lock, 30s, [&] { return static_cast<std::int64_t>(counts.size()) >= last; });
    return static_cast<std::int64_t>(counts.size()) == last &&
           (last == 0 || (*counts.begin() == 1 && *counts.rbegin() == last));
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t all_ = 0;
  std::size_t early_ = 0;
  long life_ = 0;
  std::map<std::string, long> life_of_;  ///< in which life of the bot each came last
  std::map<long, std::size_t> twice_in_;
  std::map<std::string, std::set<std::int64_t>> counts_;
};

std::string conversation_name(int index) {
  return "conversation " + std::to_string(index);
}

/// Talks to whatever bot is alive, from several threads, and keeps the record of what was confirmed.
class Talkers {
 public:
  explicit Talkers(std::string service_url) : service_url_(std::move(service_url)) {
    constexpr int threads = 4;
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, i] { talk(static_cast<unsigned>(i)); });
    }
  }
  ~Talkers() { stop(); }
  Talkers(const Talkers&) = delete;
  Talkers& operator=(const Talkers&) = delete;

  /// 0: there is none.
  void set_port(std::uint16_t port) {
    const std::lock_guard lock(mutex_);
    port_ = port;
    changed_.notify_all();
  }
  std::set<std::string> stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      changed_.notify_all();
    }
    for (auto& thread : threads_) {
      thread.join();
    }
    threads_.clear();
    return confirmed_;
  }
  /// Blocks until this many more were confirmed, or for a while.
  void wait_for(std::size_t more) {
    std::unique_lock lock(mutex_);
    const auto until = confirmed_.size() + more;
    (void)changed_.wait_for(lock, 20s, [&] { return confirmed_.size() >= until; });
  }

  std::string activity(const std::string& id, const std::string& text, const std::string& conversation,
                       const char* delivery = nullptr) const {
    json::object activity{{"type", "message"},
                          {"id", id},
                          {"text", text},
                          {"channelId", "emulator"},
                          {"serviceUrl", service_url_},
                          {"from", {{"id", "user"}}},
                          {"recipient", {{"id", "bot"}}},
                          {"conversation", {{"id", conversation}}}};
    if (delivery != nullptr) {
      activity["deliveryMode"] = delivery;
    }
    return json::serialize(activity);
  }

 private:
  void talk(unsigned seed) {
    std::mt19937 random(std::random_device{}() + seed);
    for (int i = 0;; ++i) {
      std::uint16_t port = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopped_ || port_ != 0; });
        if (stopped_) {
          return;
        }
        port = port_;
      }
      const auto name = std::to_string(seed) + "-" + std::to_string(i);
      const auto text = std::to_string(random() % 300) + " " + name;
      int status = 0;
      try {
        status =
            post_activity(port, activity(name, text, conversation_name(static_cast<int>(random() % conversations))))
                .status;
      } catch (const std::exception&) {
        // It was killed: what became of this message is unknown, and nothing is expected of it.
        const std::lock_guard lock(mutex_);
        port_ = port_ == port ? 0 : port_;
      }
      if (status == 200) {
        const std::lock_guard lock(mutex_);
        confirmed_.insert(name);
        changed_.notify_all();
      }
    }
  }

  const std::string service_url_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint16_t port_ = 0;
  bool stopped_ = false;
  std::set<std::string> confirmed_;
  std::vector<std::thread> threads_;
};

class CrashBot {
 public:
  explicit CrashBot(const std::vector<std::string>& settings) : program_(words(settings)) {
    const auto line = program_.wait_for(" serving ");
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.find("port=") + 5)));
  }
  std::uint16_t port() const noexcept { return port_; }
  void kill() {
    program_.signal(SIGKILL);
    (void)program_.wait();
  }
  int stop() {
    program_.signal(SIGTERM);
    return program_.wait().status;
  }

 private:
  static std::vector<std::string> words(const std::vector<std::string>& settings) {
    std::vector<std::string> all{TERN_CRASH_BOT,
                                 "--set",
                                 "listen.port=0",
                                 "--set",
                                 "listen.threads=1",
                                 "--set",
                                 "limits.sends_in_flight=" + std::to_string(in_flight)};
    for (const auto& setting : settings) {
      all.insert(all.end(), {"--set", setting});
    }
    return all;
  }

  Program program_;
  std::uint16_t port_ = 0;
};

std::int64_t count_of(const CrashBot& bot, const Talkers& talkers, const std::string& conversation) {
  const auto answer =
      post_activity(bot.port(), talkers.activity("count of " + conversation, "count", conversation, "expectReplies"));
  const auto body = json::parse(answer.body);
  return std::stoll(std::string(body.at("activities").at(0).at("text").as_string()));
}

/// Each kill may double so many. What the last process had sent may be read by the channel after its death: that counts
/// as the last kill's.
std::size_t expect_few_twice(const Arrivals& arrivals, long kills) {
  std::map<long, std::size_t> by_kill;
  for (const auto& [life, twice] : arrivals.twice_in()) {
    by_kill[std::min(life, kills - 1)] += twice;
  }
  std::size_t most = 0;
  for (const auto& [kill, twice] : by_kill) {
    EXPECT_LE(twice, bound) << "by kill " << kill;
    most = std::max(most, twice);
  }
  return most;
}

void expect_promises_kept(const std::string& name, const std::vector<std::string>& settings) {
  const long kills = kills_wanted();
  Arrivals arrivals;
  FakeChannelOptions forgetful;
  forgetful.keep_requests = false;
  FakeChannel channel(forgetful);
  channel.answer_with([&](const FakeRequest& request) {
    const auto activity = json::parse(request.body);
    arrivals.note(std::string(activity.at("text").as_string()),
                  std::string(activity.at("conversation").at("id").as_string()));
    return FakeAnswer();
  });
  Talkers talkers(channel.url());
  std::mt19937 random(std::random_device{}());
  for (long kill = 0; kill < kills; ++kill) {
    CrashBot bot(settings);
    talkers.set_port(bot.port());
    talkers.wait_for(random() % most_confirmed_in_a_life + 1);
    bot.kill();
    arrivals.next_life();
  }
  CrashBot bot(settings);
  const auto confirmed = talkers.stop();
  const auto lost = arrivals.missing(confirmed);
  EXPECT_EQ(lost.size(), 0U) << "of " << confirmed.size();
  for (int i = 0; i < conversations; ++i) {
    const auto conversation = conversation_name(i);
    const auto count = count_of(bot, talkers, conversation);
    EXPECT_TRUE(arrivals.has_counts_to(conversation, count))
        << conversation << " has a state without its send, or a send without its state";
  }
  EXPECT_EQ(bot.stop(), 0);
  EXPECT_EQ(arrivals.early(), 0u);
  const auto most = expect_few_twice(arrivals, kills);
  std::cout << name << ": kills=" << kills << " confirmed=" << confirmed.size() << " lost=" << lost.size()
            << " early=" << arrivals.early() << " twice=" << arrivals.all() - arrivals.distinct()
            << " most_twice_by_one_kill=" << most << " bound=" << bound << "\n";
}

#ifdef TERN_HAS_ROCKSDB
TEST(CrashLoop, RocksdbKeepsItsPromises) {
  const Folder folder;
  expect_promises_kept("rocksdb", {"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
}
#endif

#ifdef TERN_HAS_POSTGRES
TEST(CrashLoop, PostgresKeepsItsPromises) {
  if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
    GTEST_SKIP() << obstacle;
  }
  const PostgresServer server;
  expect_promises_kept("postgres", {"storage.kind=postgres", "storage.url=" + server.url()});
}
#endif

}  // namespace
}  // namespace tern::test
