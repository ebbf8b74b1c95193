// What a bot promised to send it sends, also when it was killed in between.

#include "programs/proactive_bot.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

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

// Three replicas: one is killed, one is stopped in its tracks past its lease and let go again.
TEST(Promises, OutliveTheLossOfReplicas) {
  if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
    GTEST_SKIP() << obstacle;
  }
  constexpr int promises = 60;
  const PostgresServer server;
  FakeChannel channel;
  std::vector<std::unique_ptr<ProactiveBot>> bots;
  for (int i = 0; i < 3; ++i) {
    bots.push_back(std::make_unique<ProactiveBot>(on(server)));
  }
  for (auto& bot : bots) {
    (void)bot->wait_for("owners=3");
  }
  std::set<std::string> promised;
  const auto promise = [&](ProactiveBot& bot, const std::string& text) {
    ASSERT_EQ(bot.say(channel, text), 200);
    promised.insert("You said, \"" + text + "\"");
  };
  for (int i = 0; i < promises; ++i) {
    promise(*bots[static_cast<std::size_t>(i) % bots.size()], std::to_string(i));
  }
  bots[0]->kill();
  bots[1]->signal(SIGSTOP);

  // Each turn sends typing, and the message later. One that was being sent at that moment may come twice.
  const auto arrived = [&](std::size_t messages) {
    auto received = channel.wait_for(2 * messages);
    for (auto heard = texts(received); std::set(heard.begin(), heard.end()).size() < messages;
         heard = texts(received)) {
      received = channel.wait_for(received.size() + 1);
    }
    const auto heard = texts(received);
    return std::set<std::string>(heard.begin(), heard.end());
  };
  EXPECT_EQ(arrived(promises), promised);
  const auto before = channel.request_count();

  // Whoever comes back begins nothing of what others hold by now, and takes its part again.
  bots[1]->signal(SIGCONT);
  (void)bots[2]->wait_for("held=32 owners=2");
  for (int i = 0; i < promises; ++i) {
    promise(*bots[static_cast<std::size_t>(i % 2) + 1], "again " + std::to_string(i));
  }
  EXPECT_EQ(arrived(2 * promises), promised);
  EXPECT_EQ(channel.request_count(), before + 2 * promises) << "each once";

  EXPECT_EQ(bots[1]->stop().status, 0);
  (void)bots[2]->wait_for("held=64 owners=1");
  for (int i = 0; i < 10; ++i) {
    promise(*bots[2], "alone " + std::to_string(i));
  }
  EXPECT_EQ(arrived(2 * promises + 10), promised);
}
#endif

}  // namespace
}  // namespace tern::test
