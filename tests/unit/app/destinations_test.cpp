// Where a bot sends to, through a real app over HTTP.
#include "support/fake_channel.hpp"
#include "support/proxy_server.hpp"
#include "support/raw_client.hpp"
#include "support/temporary_folder.hpp"

#include <tern/app/app.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/schema/parse.hpp>
#include <tern/tern.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// Accepts everybody, as a channel.
class OpenDoor final : public Authenticator {
 public:
  Authentication authenticate(const InboundRequest&) override {
    Identity channel;
    channel.kind = Identity::Kind::channel;
    return channel;
  }
};

Settings sending_to(std::string hosts) {
  Settings settings;
  settings.listen.port = 0;
  settings.listen.threads = 1;
  settings.log.level = log::Level::off;
  settings.proactive.enabled = true;
  settings.bot.allowed_hosts = std::move(hosts);
  return settings;
}

App::Options authenticated() {
  App::Options options;
  options.authenticator = [](const BotContext&) { return std::make_unique<OpenDoor>(); };
  return options;
}

/// Answers, and promises an answer in an hour.
BotFactory promising_bot() {
  return [] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([](TurnContext& turn) -> awaitable<void> {
      co_await turn.send("now");
      co_await turn.proactive().send_after(1h, Activity::message("later"));
    });
    return bot;
  };
}

std::string activity_from(const std::string& service_url, const std::string& id = "in-1") {
  json::object activity{{"type", "message"},
                        {"id", id},
                        {"timestamp", "2026-11-29T10:00:00.000Z"},
                        {"text", "hello"},
                        {"channelId", "emulator"},
                        {"serviceUrl", service_url},
                        {"from", {{"id", "u"}}},
                        {"recipient", {{"id", "b"}}},
                        {"conversation", {{"id", "c"}}}};
  return json::serialize(activity);
}

ConversationReference reference_at(const std::string& service_url) {
  return parse_activity(activity_from(service_url))->reference();
}

/// Runs `work` on the bot and waits for it.
template <class T>
T result_of(const App& app, std::function<awaitable<T>()> work) {
  std::promise<T> done;
  app.post([&]() -> awaitable<void> { done.set_value(co_await work()); }).get();
  return done.get_future().get();
}

TEST(Destinations, OfABotWithAListAreTheHostsOnIt) {
  test::FakeChannel listed;
  test::FakeChannel other;
  App app(sending_to("http://127.0.0.1:" + std::to_string(listed.port())), promising_bot(), authenticated());
  app.start();
  EXPECT_EQ(test::post_activity(app.port(), activity_from(listed.url())).status, 200);
  EXPECT_EQ(listed.wait_for(1).size(), 1U);
  for (const auto& url : {other.url(), std::string("https://smba.trafficmanager.net/teams/"),
                          std::string("http://localhost:") + std::to_string(listed.port())}) {
    const auto refused = test::post_activity(app.port(), activity_from(url));
    EXPECT_EQ(refused.status, 403) << url;
    EXPECT_THAT(refused.body, AllOf(HasSubstr("ServiceUrlNotAllowed"), HasSubstr("bot.allowed_hosts"))) << url;
  }
  EXPECT_EQ(other.accepted(), 0U);
}

TEST(Destinations, AreRefusedToAHandlerWithTheKeyToSet) {
  test::FakeChannel other;
  auto settings = sending_to({});
  settings.bot.app_id = "12345678-9abc-def0-1234-56789abcdef0";
  App app(std::move(settings), promising_bot(), authenticated());
  app.start();
  try {
    app.post([&]() -> awaitable<void> {
         co_await app.proactive().send(reference_at(other.url()), Activity::message("x"));
       })
        .get();
    ADD_FAILURE() << "it was sent";
  } catch (const system_error& e) {
    EXPECT_EQ(e.code(), errc::service_url_refused);
    EXPECT_THAT(e.what(), AllOf(HasSubstr("127.0.0.1"), HasSubstr("bot.allowed_hosts"))) << "not even this machine";
  }
  EXPECT_EQ(other.accepted(), 0U);
}

TEST(Destinations, WithoutAListStayOnThisMachineWhoeverIsAsked) {
  test::FakeChannel here;
  App app(sending_to({}), promising_bot(), authenticated());
  app.start();
  EXPECT_EQ(test::post_activity(app.port(), activity_from(here.url())).status, 200);
  EXPECT_EQ(here.wait_for(1).size(), 1U);
  EXPECT_EQ(test::post_activity(app.port(), activity_from("https://smba.trafficmanager.net/teams/")).status, 403);
}

/// A variable of the environment, for as long as it lives. No other thread runs when it is made.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

TEST(Destinations, AreReachedThroughTheProxyOfTheEnvironment) {
  test::ProxyServer proxy;
  proxy.answer_with("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
  const Variable variable("https_proxy", proxy.url());
  auto settings = sending_to({});
  settings.bot.app_id = "12345678-9abc-def0-1234-56789abcdef0";
  App app(std::move(settings), promising_bot(), authenticated());
  app.start();
  try {
    app.post([&]() -> awaitable<void> {
         co_await app.proactive().send(reference_at("https://smba.trafficmanager.net/teams/"), Activity::message("x"));
       })
        .get();
    ADD_FAILURE() << "it was sent";
  } catch (const system_error& e) {
    EXPECT_EQ(e.code(), errc::channel_unreachable);
    EXPECT_THAT(e.what(), HasSubstr("https://smba.trafficmanager.net:443 through the proxy " + proxy.url()));
  }
  ASSERT_EQ(proxy.heads().size(), 1U);
  EXPECT_THAT(proxy.heads()[0], testing::StartsWith("CONNECT smba.trafficmanager.net:443 HTTP/1.1\r\n"));
}

TEST(Destinations, BehindAProxyWhoseUrlIsWrongAreAMistakeOfTheConfiguration) {
  const Variable variable("https_proxy", "socks5://user:secret@proxy.test");
  auto settings = sending_to("channel.test");
  try {
    App app(std::move(settings), promising_bot(), authenticated());
    app.start();
    ADD_FAILURE() << "it has started";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(),
                AllOf(HasSubstr("https_proxy"), HasSubstr("http://host:port"), testing::Not(HasSubstr("secret"))));
  }
  App without(sending_to({}), promising_bot());
  without.start();  // it sends to this machine alone, and needs no proxy
}

// Whoever writes the list gives it a meaning: an empty one for a bot that may send anywhere changes nothing.
TEST(Destinations, OfABotThatAnybodyMaySpeakToAreNarrowedByAList) {
  test::FakeChannel listed;
  test::FakeChannel other;
  auto settings = sending_to("http://127.0.0.1:" + std::to_string(listed.port()));
  settings.bot.allow_anonymous = true;
  App app(std::move(settings), promising_bot());
  app.start();
  EXPECT_EQ(test::post_activity(app.port(), activity_from(listed.url())).status, 200);
  EXPECT_EQ(test::post_activity(app.port(), activity_from(other.url())).status, 403);
  EXPECT_EQ(other.accepted(), 0U);
}

#ifdef TERN_HAS_ROCKSDB
TEST(Destinations, AreCheckedAgainWhenAScheduledSendFires) {
  const test::TemporaryFolder folder;
  test::FakeChannel channel;
  auto settings = sending_to("http://127.0.0.1:" + std::to_string(channel.port()));
  settings.storage.kind = "rocksdb";
  settings.storage.path = folder.path() / "data";
  ManualClock clock;
  auto options = authenticated();
  options.clock = &clock;
  {
    App app(settings, promising_bot(), options);
    app.start();
    EXPECT_EQ(test::post_activity(app.port(), activity_from(channel.url())).status, 200);
    EXPECT_EQ(channel.wait_for(1).size(), 1U);
    EXPECT_TRUE(app.stop());
  }
  settings.bot.allowed_hosts = "elsewhere.example";
  clock.advance(2h);
  App app(settings, promising_bot(), options);
  app.start();
  const auto letters = [&] {
    return result_of<DeadLetterPage>(app, [&] { return app.proactive().dead_letters().list(); }).letters;
  };
  auto dead = letters();
  while (dead.empty()) {
    std::this_thread::yield();
    dead = letters();
  }
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_THAT(dead.front().reason, AllOf(HasSubstr("127.0.0.1"), HasSubstr("bot.allowed_hosts")));
  EXPECT_EQ(channel.request_count(), 1U);
}

// What somebody said while nobody was asked moves nothing once callers are checked; what a channel says does.
TEST(Destinations, OfAScheduledSendAreMovedByCallersThatWereChecked) {
  const test::TemporaryFolder folder;
  test::FakeChannel first;
  test::FakeChannel second;
  test::FakeChannel third;
  auto settings = sending_to({});
  settings.storage.kind = "rocksdb";
  settings.storage.path = folder.path() / "data";
  ManualClock clock;
  auto options = authenticated();
  options.clock = &clock;
  {
    auto nobody_is_asked = options;
    nobody_is_asked.authenticator = nullptr;
    App app(settings, promising_bot(), nobody_is_asked);
    app.start();
    EXPECT_EQ(test::post_activity(app.port(), activity_from(first.url())).status, 200);
    EXPECT_EQ(test::post_activity(app.port(), activity_from(second.url(), "in-2")).status, 200);
    EXPECT_TRUE(app.stop());
  }
  const auto texts = [](const test::FakeChannel& channel, std::size_t count) {
    std::vector<std::string> all;
    for (const auto& request : channel.wait_for(count)) {
      all.emplace_back(json::parse(request.body).at("text").as_string());
    }
    return all;
  };
  {
    clock.advance(2h);
    App app(settings, promising_bot(), options);
    app.start();
    EXPECT_THAT(texts(first, 2), testing::ElementsAre("now", "later")) << "it stays where it was scheduled for";
    EXPECT_THAT(texts(second, 2), testing::ElementsAre("now", "later"));
    EXPECT_EQ(test::post_activity(app.port(), activity_from(first.url(), "in-3")).status, 200);
    EXPECT_EQ(test::post_activity(app.port(), activity_from(third.url(), "in-4")).status, 200);
    EXPECT_TRUE(app.stop());
  }
  clock.advance(2h);
  App app(settings, promising_bot(), options);
  app.start();
  EXPECT_THAT(texts(third, 3), testing::ElementsAre("now", "later", "later"));
  EXPECT_EQ(first.request_count(), 3U);
}
#endif

}  // namespace
}  // namespace tern
