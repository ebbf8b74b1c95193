// Two processes that serve Direct Line from one PostgreSQL, as two apps of this process.
#include "unit/app/direct_line_client.hpp"

#include "support/postgres_server.hpp"

#include <tern/app/app.hpp>
#include <tern/tern.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::DirectLineClient;
using testing::ElementsAre;

const std::string secret_of_replicas = "the-secret-of-both-replicas";

class DirectLineReplicas : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = test::PostgresServer::obstacle(); !obstacle.empty()) {
      GTEST_SKIP() << obstacle;
    }
    server_.emplace();
    a = start();
    b = start();
  }

  std::unique_ptr<App> start() {
    Settings settings;
    settings.listen.port = 0;
    settings.listen.threads = 1;
    settings.proactive.enabled = true;
    settings.log.level = log::Level::error;
    settings.storage.kind = "postgres";
    settings.storage.url = server_->url();
    settings.direct_line.enabled = true;
    settings.direct_line.secret = secret_of_replicas;
    auto app = std::make_unique<App>(settings, [] {
      auto bot = std::make_unique<FunctionBot>();
      bot->on_message([](TurnContext& turn) -> awaitable<void> {
        const std::string text(turn.activity().text());
        if (text.starts_with("dots")) {
          co_await turn.send_typing();
        }
        if (text.starts_with("later") || text.starts_with("dots")) {
          auto later = Activity::message("Answer to " + text);
          co_await turn.proactive().send_after(300ms, std::move(later));
        } else {
          co_await turn.send("Echo: " + text);
        }
      });
      return bot;
    });
    app->start();
    return app;
  }

  std::optional<test::PostgresServer> server_;
  std::unique_ptr<App> a;
  std::unique_ptr<App> b;
};

TEST_F(DirectLineReplicas, LetAClientGoOnAtTheOtherAndMissNothing) {
  DirectLineClient client(a->port(), secret_of_replicas);
  ASSERT_EQ(client.begin(), 201);
  client.connect();
  EXPECT_EQ(client.say("one").status, 200);
  EXPECT_THAT(client.messages(1), ElementsAre("one"));
  client.cut();
  EXPECT_EQ(client.say("two").status, 200);
  client.move_to(b->port());
  ASSERT_EQ(client.begin(), 200);
  client.connect();
  EXPECT_EQ(client.say("three").status, 200);
  EXPECT_THAT(client.messages(5), ElementsAre("Echo: one", "two", "Echo: two", "three", "Echo: three"));
}

TEST_F(DirectLineReplicas, ShowAtOneWhatTheOtherStores) {
  DirectLineClient at_a(a->port(), secret_of_replicas);
  ASSERT_EQ(at_a.begin(), 201);
  DirectLineClient at_b = at_a.another(b->port());
  ASSERT_EQ(at_b.begin(), 200);
  at_a.connect();
  at_b.connect();
  for (int i = 0; i < 5; ++i) {
    const auto text = std::to_string(i);
    EXPECT_EQ(at_a.say("a" + text).status, 200);
    EXPECT_EQ(at_b.say("b" + text).status, 200);
  }
  EXPECT_EQ(at_a.say("later").status, 200);
  const auto expected = at_a.messages(22);
  EXPECT_EQ(expected.back(), "Answer to later");
  EXPECT_EQ(at_b.messages(22), expected) << "the same, in the same order";
}

TEST_F(DirectLineReplicas, SendOnceWhatFallsDueWhenItsProcessHasEnded) {
  DirectLineClient client(a->port(), secret_of_replicas);
  ASSERT_EQ(client.begin(), 201);
  EXPECT_EQ(client.say("later").status, 200);
  EXPECT_TRUE(a->stop());
  client.move_to(b->port());
  ASSERT_EQ(client.begin(), 200);
  client.connect();
  EXPECT_THAT(client.messages(2), ElementsAre("later", "Answer to later"));
  EXPECT_EQ(client.say("x").status, 200);
  EXPECT_THAT(client.messages(2), ElementsAre("x", "Echo: x"));
}

/// The types of what comes up to an answer.
std::vector<std::string> types_until_answer(DirectLineClient& client) {
  std::vector<std::string> types;
  while (true) {
    for (const auto& activity : client.next()) {
      types.emplace_back(activity.at("type").as_string());
      if (activity.contains("text") && activity.at("text").as_string().starts_with("Answer")) {
        return types;
      }
    }
  }
}

// What is only shown is shown at the other when the connections for hints are there, which begin with the processes. So
// these two tests try again; what is stored comes in any case.
constexpr int tries = 20;

TEST_F(DirectLineReplicas, ShowAtOneThatTheBotIsTypingAtTheOther) {
  DirectLineClient at_a(a->port(), secret_of_replicas);
  ASSERT_EQ(at_a.begin(), 201);
  DirectLineClient at_b = at_a.another(b->port());
  ASSERT_EQ(at_b.begin(), 200);
  at_b.connect();
  std::vector<std::string> types;
  for (int i = 0; i < tries && types.size() < 3; ++i) {
    ASSERT_EQ(at_a.say("dots").status, 200);
    types = types_until_answer(at_b);
  }
  EXPECT_THAT(types, ElementsAre("message", "typing", "message"));
}

TEST_F(DirectLineReplicas, ShowThatOneClientIsTypingToTheOthers) {
  DirectLineClient at_a(a->port(), secret_of_replicas);
  ASSERT_EQ(at_a.begin(), 201);
  DirectLineClient also_at_a = at_a.another(a->port());
  DirectLineClient at_b = at_a.another(b->port());
  for (auto* client : {&also_at_a, &at_b}) {
    ASSERT_EQ(client->begin(), 200);
    client->connect();
  }
  std::vector<std::string> beside;
  std::vector<std::string> other;
  for (int i = 0; i < tries && (beside.size() < 3 || other.size() < 3); ++i) {
    const auto path = "/conversations/" + at_a.id() + "/activities";
    ASSERT_EQ(at_a.post(path, R"({"type":"typing","from":{"id":"u"}})").status, 200);
    ASSERT_EQ(at_a.say("later").status, 200);
    beside = types_until_answer(also_at_a);
    other = types_until_answer(at_b);
  }
  EXPECT_THAT(beside, ElementsAre("typing", "message", "message"));
  EXPECT_THAT(other, ElementsAre("typing", "message", "message"));
}

}  // namespace
}  // namespace tern
