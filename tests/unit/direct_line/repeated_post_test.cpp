// What becomes of an activity that a client brings again, because it was refused or got no answer.
#include "unit/direct_line/world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using http::Method;
using test::form_with;
using test::header_of;
using test::TestRequest;
using test::upload_request;
using test::World;
using testing::ElementsAre;

awaitable<void> wait_for(asio::steady_timer& timer) {
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

class RepeatedPost : public testing::Test {
 protected:
  http::HttpResponse say(const std::string& text, const std::string& client_id, const std::string& from = "u") {
    return world.post("/conversations/" + client.id + "/activities", client.token, body(text, client_id, from));
  }
  static std::string body(const std::string& text, const std::string& client_id, const std::string& from = "u") {
    return json::serialize(json::object{{"type", "message"},
                                        {"text", text},
                                        {"from", {{"id", from}}},
                                        {"localTimestamp", "2026-01-01T00:00:00Z"},
                                        {"channelData", {{"clientActivityID", client_id}}}});
  }
  /// The body of an upload: a message and a file.
  static std::string form(const std::string& content) {
    return "--b\r\nContent-Disposition: form-data; name=\"activity\"\r\nContent-Type: "
           "application/vnd.microsoft.activity\r\n\r\n" +
           body("see", "c-1") + "\r\n" + form_with("image/png", content);
  }
  static std::string id_in(const http::HttpResponse& response) {
    return std::string(json::parse(response.body).at("id").as_string());
  }
  void bot_is(TurnOutcome outcome, std::chrono::seconds retry_after = 0s) {
    world.bot.result.outcome = outcome;
    world.bot.result.retry_after = retry_after;
  }
  /// The message that the bot got last is that of the call before.
  void expect_the_same_activity() {
    const auto& got = world.bot.received;
    ASSERT_GE(got.size(), 2U);
    EXPECT_EQ(got.back().json(), got[got.size() - 2].json());
  }

  World world;
  World::Client client = world.begin();
};

TEST_F(RepeatedPost, IsKeptOnceWhenTheBotWasOverloaded) {
  bot_is(TurnOutcome::overloaded, 7s);
  const auto refused = say("one", "c-1");
  EXPECT_EQ(refused.status, 429U);
  EXPECT_EQ(header_of(refused, "Retry-After"), "7");
  bot_is(TurnOutcome::goes_on);
  const auto taken = say("one", "c-1");
  EXPECT_EQ(taken.status, 200U);
  EXPECT_EQ(id_in(taken), client.id + "|0000001");
  EXPECT_THAT(world.texts(client), ElementsAre("one"));
  expect_the_same_activity();
  EXPECT_EQ(id_in(say("one", "c-1")), id_in(taken)) << "and so for each that comes later";
}

TEST_F(RepeatedPost, IsKeptOnceWhenTheBotHasFailed) {
  bot_is(TurnOutcome::failed);
  EXPECT_EQ(say("one", "c-1").status, 502U);
  EXPECT_EQ(say("one", "c-1").status, 502U);
  EXPECT_THAT(world.texts(client), ElementsAre("one"));
  expect_the_same_activity();
}

TEST_F(RepeatedPost, IsAnotherActivityWithAnotherTextSenderOrId) {
  say("one", "c-1");
  say("two", "c-1");
  say("one", "c-1", "v");
  say("one", "c-2");
  say("one", "");
  say("one", "");
  world.say(client, "one");
  world.say(client, "one");
  EXPECT_EQ(world.texts(client).size(), 8U) << "a client that gives one id to all its messages loses none";
}

TEST_F(RepeatedPost, IsTheSameAtAnotherTimeOfTheClient) {
  say("one", "c-1");
  auto later = json::parse(body("one", "c-1")).as_object();
  later["localTimestamp"] = "2026-01-01T00:00:05Z";
  world.post("/conversations/" + client.id + "/activities", client.token, json::serialize(later));
  EXPECT_THAT(world.texts(client), ElementsAre("one"));
  expect_the_same_activity();
}

TEST_F(RepeatedPost, IsAnsweredAfterItsActivityHasLeftTheHistory) {
  Options options;
  options.bounds.history = 1;
  World small(std::move(options));
  const auto other = small.begin();
  const auto post = [&](const std::string& text) {
    return small.post("/conversations/" + other.id + "/activities", other.token, body(text, "of " + text));
  };
  const auto first = id_in(post("one"));
  post("two");
  small.bot.received.clear();
  EXPECT_EQ(id_in(post("one")), first);
  EXPECT_TRUE(small.bot.received.empty());
}

TEST_F(RepeatedPost, OfFilesKeepsThemOnce) {
  bot_is(TurnOutcome::overloaded, 7s);
  auto first = upload_request(client, form("the picture"));
  EXPECT_EQ(world.call(first).status, 429U);
  bot_is(TurnOutcome::goes_on);
  auto again = upload_request(client, form("the picture"));
  EXPECT_EQ(world.call(again).status, 200U);
  EXPECT_THAT(world.texts(client), ElementsAre("see"));
  expect_the_same_activity();
  ASSERT_EQ(world.bot.received.back().attachments().size(), 1U);
  auto other = upload_request(client, form("another picture"));
  EXPECT_EQ(world.call(other).status, 200U);
  EXPECT_EQ(world.texts(client).size(), 2U);
}

TEST_F(RepeatedPost, OfFilesHasRoomAfterTheStoreWasAway) {
  Options options;
  options.bounds.conversation_uploads = 10'000;
  World small(std::move(options));
  const auto other = small.begin();
  small.faults->writes_fail = true;
  for (int i = 0; i < 3; ++i) {
    auto request = upload_request(other, form(std::string(6'000, 'x')));
    EXPECT_EQ(small.call(request).status, 500U);
  }
  small.faults->writes_fail = false;
  auto request = upload_request(other, form(std::string(6'000, 'x')));
  EXPECT_EQ(small.call(request).status, 200U);
}

// The others wait for a write that is under way, and push the key of the upload out in the next one.
TEST_F(RepeatedPost, OfFilesThatIsForgottenMeanwhileKeepsThemAgain) {
  Options options;
  options.bounds.token_rate = 0;
  World busy(std::move(options));
  const auto other = busy.begin();
  auto first = upload_request(other, form("the picture"));
  EXPECT_EQ(busy.call(first).status, 200U);

  asio::steady_timer held(busy.io, asio::steady_timer::time_point::max());
  busy.faults->written = [&held]() -> awaitable<void> { return wait_for(held); };
  std::vector<std::unique_ptr<TestRequest>> requests;
  std::vector<unsigned> statuses;
  const auto begin = [&](TestRequest request) {
    requests.push_back(std::make_unique<TestRequest>(std::move(request)));
    asio::co_spawn(busy.io, busy.channel->endpoint().handle(*requests.back()),
                   [&](const std::exception_ptr& error, http::HttpResponse response) {
                     EXPECT_FALSE(error);
                     statuses.push_back(response.status);
                   });
    tern::test::drain(busy.io);
  };
  for (std::size_t i = 0; i <= Head::max_posts; ++i) {
    TestRequest post(Method::post, std::string(root_path) + "/conversations/" + other.id + "/activities");
    begin(post.as(other.token).saying(body("text", "other-" + std::to_string(i))));
  }
  begin(upload_request(other, form("the picture")));
  ASSERT_TRUE(statuses.empty());
  held.expires_at(asio::steady_timer::time_point::min());
  tern::test::drain(busy.io);
  EXPECT_EQ(statuses, std::vector<unsigned>(Head::max_posts + 2, 200U));
  const auto& repeated = busy.bot.received.back();
  EXPECT_EQ(repeated.text(), "see");
  ASSERT_EQ(repeated.attachments().size(), 1U);
  EXPECT_TRUE(repeated.attachments().front().content_url());
}

TEST_F(RepeatedPost, OfAStreamedTurnKeepsItsRepliesOnce) {
  auto reply = Activity::message("streamed");
  reply.set_conversation(ConversationAccount(client.id));
  world.bot.replies = {reply, reply};
  auto streamed = json::parse(body("one", "c-1")).as_object();
  streamed["deliveryMode"] = "stream";
  for (int i = 0; i < 2; ++i) {
    world.post("/conversations/" + client.id + "/activities", client.token, json::serialize(streamed));
  }
  EXPECT_THAT(world.texts(client), ElementsAre("one", "streamed", "streamed"));
}

class OverloadedBot : public RepeatedPost {
 protected:
  void post() {
    request.as(client.token).saying(body("one", "c-1"));
    auto work = world.channel->endpoint().handle(request);
    asio::co_spawn(world.io, std::move(work), [this](const std::exception_ptr& error, http::HttpResponse response) {
      EXPECT_FALSE(error);
      status = response.status;
    });
    world.bot.received.clear();
    tern::test::drain(world.io);
  }
  void pass(std::chrono::seconds time) {
    world.clock.advance(time);
    tern::test::drain(world.io);
  }

  TestRequest request{Method::post, std::string(root_path) + "/conversations/" + client.id + "/activities"};
  unsigned status = 0;
};

TEST_F(OverloadedBot, IsAskedAgainBeforeTheClientIsTold) {
  bot_is(TurnOutcome::overloaded, 1s);
  post();
  pass(1s);
  EXPECT_EQ(world.bot.received.size(), 2U);
  EXPECT_EQ(status, 0U);
  bot_is(TurnOutcome::goes_on);
  pass(1s);
  EXPECT_EQ(status, 200U);
  expect_the_same_activity();
}

TEST_F(OverloadedBot, IsAskedABoundedNumberOfTimes) {
  bot_is(TurnOutcome::overloaded, 1s);
  post();
  for (int i = 0; i < 10; ++i) {
    pass(1s);
  }
  EXPECT_EQ(status, 429U);
  EXPECT_EQ(world.bot.received.size(), 4U);
}

TEST_F(OverloadedBot, ThatShutsDownIsToBeAskedLater) {
  bot_is(TurnOutcome::shutting_down);
  const auto refused = say("one", "c-1");
  EXPECT_EQ(refused.status, 503U);
  EXPECT_EQ(header_of(refused, "Retry-After"), "1");
}

}  // namespace
}  // namespace tern::direct_line
