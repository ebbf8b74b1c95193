// What a bot promised to send it sends, also when it was killed in between.

#include "programs/program.hpp"
#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>

namespace tern::test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

/// proactive_bot, listening.
class ProactiveBot {
 public:
  explicit ProactiveBot(const std::vector<std::string>& settings) : program_(words(settings)) {
    const auto line = program_.wait_for(" serving ");
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.find("port=") + 5)));
  }

  /// The status of the turn.
  int say(const FakeChannel& channel, const std::string& text) {
    const json::object activity{{"type", "message"},
                                {"id", "in-" + text},
                                {"text", text},
                                {"channelId", "emulator"},
                                {"serviceUrl", channel.url()},
                                {"from", {{"id", "user"}}},
                                {"recipient", {{"id", "bot"}}},
                                {"conversation", {{"id", "conversation " + text}}}};
    return post_activity(port_, json::serialize(activity)).status;
  }
  void kill() {
    program_.signal(SIGKILL);
    (void)program_.wait();
  }
  Ended stop() {
    program_.signal(SIGTERM);
    return program_.wait();
  }

 private:
  static std::vector<std::string> words(const std::vector<std::string>& settings) {
    std::vector<std::string> all{TERN_PROACTIVE_BOT, "--set", "listen.port=0"};
    for (const auto& setting : settings) {
      all.insert(all.end(), {"--set", setting});
    }
    return all;
  }

  Program program_;
  std::uint16_t port_ = 0;
};

std::multiset<std::string> texts(const std::vector<FakeRequest>& requests) {
  std::multiset<std::string> texts;
  for (const auto& request : requests) {
    const auto activity = json::parse(request.body);
    if (activity.at("type") == "message") {
      texts.insert(activity.at("text").as_string().c_str());
    }
  }
  return texts;
}

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

}  // namespace
}  // namespace tern::test
