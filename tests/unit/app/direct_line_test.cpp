// Direct Line in a whole app, over real sockets.
#include "unit/app/direct_line_client.hpp"

#include "support/temporary_folder.hpp"

#include <tern/app/app.hpp>
#include <tern/tern.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::DirectLineClient;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string direct_line_secret = "the-secret-of-direct-line";

Settings with_direct_line(std::size_t threads = 2) {
  Settings settings;
  settings.listen.port = 0;
  settings.listen.threads = threads;
  settings.proactive.enabled = true;
  settings.log.level = log::Level::error;
  settings.direct_line.enabled = true;
  settings.direct_line.secret = direct_line_secret;
  return settings;
}

std::unique_ptr<Bot> echoing_bot() {
  auto bot = std::make_unique<FunctionBot>();
  bot->on_message([](TurnContext& turn) -> awaitable<void> {
    co_await turn.send_typing();
    co_await turn.send("Echo: " + std::string(turn.activity().text()));
  });
  return bot;
}

std::unique_ptr<Bot> promising_bot() {
  auto bot = std::make_unique<FunctionBot>();
  bot->on_message([](TurnContext& turn) -> awaitable<void> {
    auto later = Activity::message("Later: " + std::string(turn.activity().text()));
    co_await turn.proactive().send_after(500ms, std::move(later));
  });
  return bot;
}

TEST(DirectLineApp, SpeaksWithAClientOnASocket) {
  App app(with_direct_line(), echoing_bot);
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  EXPECT_EQ(client.begin(), 201);
  client.connect();
  const auto answer = client.say("one");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(boost::json::parse(answer.body).at("id").as_string(), client.id() + "|0000001");
  EXPECT_THAT(client.messages(2), ElementsAre("one", "Echo: one"));
  EXPECT_EQ(client.say("two").status, 200);
  EXPECT_THAT(client.messages(2), ElementsAre("two", "Echo: two"));
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, SpeaksWithAClientThatPolls) {
  App app(with_direct_line(), echoing_bot);
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  client.begin();
  client.say("one");
  const auto activities = client.poll();
  ASSERT_EQ(activities.size(), 2U);
  EXPECT_EQ(activities[0].at("text"), "one");
  EXPECT_EQ(activities[1].at("text"), "Echo: one");
  EXPECT_EQ(activities[1].at("replyToId").as_string(), client.id() + "|0000001");
  EXPECT_TRUE(client.poll().empty());
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, LosesAndDoublesNothingWhenTheSocketIsCutAgainAndAgain) {
  auto settings = with_direct_line();
  settings.limits.direct_line_token_rate = 0;
  settings.limits.direct_line_address_rate = 0;
  App app(settings, echoing_bot);
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  client.begin();
  client.connect();
  std::vector<std::string> got;
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    const auto text = std::to_string(i);
    ASSERT_EQ(client.say(text).status, 200);
    expected.push_back(text);
    expected.push_back("Echo: " + text);
    if (i % 10 == 9) {
      client.cut();
      ASSERT_EQ(client.begin(), 200);
      client.connect();
    }
  }
  for (auto& text : client.messages(expected.size() - got.size())) {
    got.push_back(std::move(text));
  }
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, AnswersARepetitionWithoutASecondTurn) {
  App app(with_direct_line(), echoing_bot);
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  client.begin();
  const auto post = [&client] {
    return client.post("/conversations/" + client.id() + "/activities",
                       R"({"type":"message","text":"one","from":{"id":"u"},"channelData":{"clientActivityID":"c-1"}})");
  };
  const auto first = post();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(post().body, first.body);
  EXPECT_EQ(client.poll().size(), 2U) << "the message, and one echo";
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, ShowsWhatAStreamedTurnSaysThatIsRunAgain) {
  std::atomic<int> turns = 0;
  App app(with_direct_line(), [&] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([&](TurnContext& turn) -> awaitable<void> {
      const bool is_first = ++turns == 1;
      co_await turn.send(is_first ? "A" : "B");
      if (is_first) {
        throw std::runtime_error("the first one fails");
      }
    });
    return bot;
  });
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  client.begin();
  const auto post = [&client] {
    return client
        .post("/conversations/" + client.id() + "/activities",
              R"({"type":"message","text":"one","deliveryMode":"stream","from":{"id":"u"},
                  "channelData":{"clientActivityID":"c-1"}})")
        .status;
  };
  EXPECT_EQ(post(), 502);
  EXPECT_EQ(post(), 200);
  EXPECT_EQ(post(), 200);
  std::vector<std::string> shown;
  for (const auto& activity : client.poll()) {
    shown.emplace_back(activity.at("text").as_string());
  }
  EXPECT_THAT(shown, ElementsAre("one", "A", "B")) << "and the replay of the second run adds nothing";
  EXPECT_EQ(turns, 2);
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, RefusesAGigabyteBeforeItIsSent) {
  App app(with_direct_line(), echoing_bot);
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  client.begin();
  const auto large = [](const std::string& size) {
    return "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: " + size;
  };
  const auto path = "/conversations/" + client.id() + "/upload";
  EXPECT_EQ(client.send("POST", path, large("1073741824"), {}).status, 413);
  const DirectLineClient stranger(app.port(), "no-token");
  EXPECT_EQ(stranger.send("POST", path, large("1000000"), {}).status, 413) << "no memory for strangers";
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: "
      "image/png\r\n\r\n" +
      std::string(1'000'000, 'x') + "\r\n--b--";
  EXPECT_EQ(client.send("POST", path, large(std::to_string(form.size())), form).status, 200);
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, LetsAPageReadWhyTheServerHasRefused) {
  App app(with_direct_line(), echoing_bot);
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  client.begin();
  const auto path = "/conversations/" + client.id() + "/activities";
  const auto refused = client.send("POST", path, "Origin: https://a.example\r\nContent-Length: 10000000", {});
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.head, HasSubstr("Access-Control-Allow-Origin: https://a.example"));
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, CountsItsCallsAmongTheRequestsOfAClient) {
  std::promise<void> begun;
  std::promise<void> go;
  const auto gone = go.get_future().share();
  auto settings = with_direct_line();
  settings.limits.client_requests = 1;
  App app(settings, [&] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([&](TurnContext&) -> awaitable<void> {
      begun.set_value();
      co_await offload([gone] { gone.wait(); });
    });
    return bot;
  });
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  client.begin();
  client.connect();
  std::thread waits([&client] { EXPECT_EQ(client.say("wait").status, 200); });
  begun.get_future().wait();
  const auto refused = client.send("GET", "/conversations/" + client.id(), "Origin: https://a.example", {});
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_THAT(refused.head, HasSubstr("Retry-After: 1"));
  EXPECT_THAT(refused.head, HasSubstr("Access-Control-Allow-Origin: https://a.example"));
  go.set_value();
  waits.join();
  EXPECT_EQ(client.get("/conversations/" + client.id()).status, 200) << "an open socket does not count";
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, IsNotThereUnlessItIsEnabled) {
  auto settings = with_direct_line();
  settings.direct_line.enabled = false;
  App app(settings, echoing_bot);
  app.start();
  EXPECT_EQ(DirectLineClient(app.port(), direct_line_secret).begin(), 404);
  EXPECT_TRUE(app.stop());
}

TEST(DirectLineApp, DoesNotLetItsConversationsBeReachedOverHttp) {
  App app(with_direct_line(), echoing_bot);
  app.start();
  DirectLineClient client(app.port(), direct_line_secret);
  client.begin();
  const auto forged = test::post_activity(
      app.port(),
      R"({"type":"message","id":"x","text":"forged","channelId":"directline","serviceUrl":"urn:tern:direct-line",
        "from":{"id":"u"},"recipient":{"id":"b"},"conversation":{"id":")" +
          client.id() + "\"}}");
  EXPECT_EQ(forged.status, 400) << forged.body;
  EXPECT_TRUE(client.poll().empty());
  EXPECT_TRUE(app.stop());
}

#ifdef TERN_HAS_ROCKSDB
TEST(DirectLineApp, SendsOnceWhatFellDueAfterARestart) {
  test::TemporaryFolder folder;
  auto settings = with_direct_line();
  settings.storage.kind = "rocksdb";
  settings.storage.path = folder.path() / "data";
  std::unique_ptr<DirectLineClient> client;
  {
    App app(settings, promising_bot);
    app.start();
    client = std::make_unique<DirectLineClient>(app.port(), direct_line_secret);
    client->begin();
    client->connect();
    EXPECT_EQ(client->say("one").status, 200);
    EXPECT_THAT(client->messages(1), ElementsAre("one"));
    client->cut();
    app.stop();
  }
  App app(settings, promising_bot);
  app.start();
  client->move_to(app.port());
  EXPECT_EQ(client->begin(), 200) << "the token outlives the process";
  client->connect();
  EXPECT_THAT(client->messages(1), ElementsAre("Later: one"));
  EXPECT_TRUE(client->poll().empty());
  EXPECT_EQ(client->say("two").status, 200);
  EXPECT_THAT(client->messages(2), ElementsAre("two", "Later: two"));
  EXPECT_TRUE(app.stop());
}
#endif

}  // namespace
}  // namespace tern
