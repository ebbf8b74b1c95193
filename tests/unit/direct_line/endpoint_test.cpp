#include "direct_line/endpoint.hpp"

#include "support/captured_log.hpp"
#include "unit/direct_line/world.hpp"

#include <tern/async/timer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using http::Method;
using test::code_of;
using test::form_with;
using test::header_of;
using test::TestRequest;
using test::upload_request;
using test::World;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(EndpointTest, TellsTheBotOfANewConversationOnce) {
  World world;
  const auto client = world.begin("{}", R"({"user":{"id":"u","name":"U"},"locale":"en-GB"})");
  EXPECT_EQ(world.post("/conversations", client.token).status, 200U);
  ASSERT_EQ(world.bot.received.size(), 1U);
  const auto& update = world.bot.received[0];
  EXPECT_EQ(update.type(), "conversationUpdate");
  EXPECT_EQ(update.conversation_id(), client.id);
  EXPECT_EQ(update.channel_id(), "directline");
  EXPECT_EQ(update.locale(), "en-GB");
}

TEST(EndpointTest, TellsABotThatIsOverloadedAgain) {
  World world;
  world.bot.result.outcome = TurnOutcome::overloaded;
  world.bot.result.retry_after = 7s;
  world.begin();
  ASSERT_EQ(world.bot.received.size(), 1U);
  world.clock.advance(6s);
  tern::test::drain(world.io);
  EXPECT_EQ(world.bot.received.size(), 1U);
  world.clock.advance(1s);
  tern::test::drain(world.io);
  EXPECT_EQ(world.bot.received.size(), 2U);
  world.bot.result.outcome = TurnOutcome::goes_on;
  for (int i = 0; i < 10; ++i) {
    world.clock.advance(30s);
    tern::test::drain(world.io);
  }
  EXPECT_EQ(world.bot.received.size(), 3U) << "once it was taken, no more";
  EXPECT_EQ(world.bot.received.back().type(), "conversationUpdate");
}

TEST(EndpointTest, TellsABotThatStaysOverloadedABoundedNumberOfTimes) {
  World world;
  world.bot.result.outcome = TurnOutcome::overloaded;
  world.bot.result.retry_after = std::chrono::hours(1);
  world.begin();
  for (int i = 0; i < 10; ++i) {
    world.clock.advance(30s);
    tern::test::drain(world.io);
  }
  EXPECT_EQ(world.bot.received.size(), 5U);
}

TEST(EndpointTest, LetsNobodyStoreTokens) {
  World world;
  const auto made = world.post("/tokens/generate", World::secret, "{}");
  EXPECT_EQ(header_of(made, "Cache-Control"), "no-store");
  const auto client = World::client_of(made);
  EXPECT_EQ(header_of(world.post("/tokens/refresh", client.token), "Cache-Control"), "no-store");
  EXPECT_EQ(header_of(world.post("/conversations", client.token), "Cache-Control"), "no-store");
  EXPECT_EQ(header_of(world.get("/conversations/" + client.id, client.token), "Cache-Control"), "no-store");
}

TEST(EndpointTest, ShowsTheUsersMessageBeforeTheBotsReplies) {
  World world;
  const auto client = world.begin();
  world.bot.during = [&world](Activity activity) -> awaitable<void> {
    auto reply = Activity::message("Echo: " + std::string(activity.text()));
    reply.set_conversation(*activity.conversation());
    (void)co_await world.channel->sender().send(reply, {}, Deadline::never());
  };
  EXPECT_EQ(json::parse(world.say(client, "one").body).at("id").as_string(), client.id + "|0000001");
  EXPECT_THAT(world.texts(client), ElementsAre("one", "Echo: one"));
  EXPECT_THAT(world.texts(client, "1"), ElementsAre("Echo: one"));
  EXPECT_THAT(world.texts(client, "2"), ElementsAre());
}

TEST(EndpointTest, GivesBackTheIdByWhichAClientKnowsItsMessage) {
  World world;
  const auto client = world.begin();
  world.post("/conversations/" + client.id + "/activities", client.token,
             R"({"type":"message","text":"x","from":{"id":"u"},"channelData":{"clientActivityID":"c-1"}})");
  const auto set = json::parse(world.get("/conversations/" + client.id + "/activities", client.token).body);
  const auto& echo = set.at("activities").as_array().at(0).as_object();
  EXPECT_EQ(echo.at("channelData").at("clientActivityID"), "c-1");
  EXPECT_EQ(echo.at("id").as_string(), client.id + "|0000001");
  EXPECT_EQ(echo.at("timestamp"), world.bot.received.back().json().at("timestamp")) << "bot and clients see one time";
}

TEST(EndpointTest, KeepsTheMessageAlsoWhenTheBotFails) {
  World world;
  const auto client = world.begin();
  world.bot.result.outcome = TurnOutcome::failed;
  EXPECT_EQ(world.say(client, "one").status, 502U);
  EXPECT_THAT(world.texts(client), ElementsAre("one"));
  world.bot.result.outcome = TurnOutcome::goes_on;
  EXPECT_EQ(world.say(client, "two").status, 200U);
  world.bot.result.outcome = TurnOutcome::overloaded;
  world.bot.result.retry_after = 7s;
  const auto refused = world.say(client, "three");
  EXPECT_EQ(refused.status, 429U);
  EXPECT_EQ(header_of(refused, "Retry-After"), "7");
}

TEST(EndpointTest, SaysWhoVouchesForTheUser) {
  World world;
  world.say(world.begin(), "x");
  EXPECT_EQ(world.bot.callers.back().claims.at("vouched"), false);
  world.say(world.begin(R"({"user":{"id":"dl_me","name":"Me"}})"), "x");
  EXPECT_EQ(world.bot.callers.back().claims.at("vouched"), true);
  EXPECT_EQ(world.bot.callers.back().claims.at("user"), "dl_me");
  EXPECT_EQ(world.bot.received.back().from()->name(), "Me");
}

TEST(EndpointTest, EndsAConversationAfterTheTurn) {
  World world;
  const auto client = world.begin();
  world.bot.during = [&world](Activity activity) -> awaitable<void> {
    auto reply = Activity::message("bye");
    reply.set_conversation(*activity.conversation());
    (void)co_await world.channel->sender().send(reply, {}, Deadline::never());
  };
  const auto response = world.post("/conversations/" + client.id + "/activities", client.token,
                                   R"({"type":"endOfConversation","from":{"id":"u"}})");
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(world.texts(client), ElementsAre("", "bye")) << "its history can still be read";
  EXPECT_EQ(world.say(client, "more").status, 404U);
}

// A client that was away when the bot said good-bye reads that, and is then told that it was the end.
TEST(EndpointTest, LetsAnEndedConversationBeReadToItsEnd) {
  World world;
  const auto client = world.begin();
  world.say(client, "one");
  world.bot.during = [&world](Activity activity) -> awaitable<void> {
    auto reply = Activity::message("bye");
    reply.set_conversation(*activity.conversation());
    (void)co_await world.channel->sender().send(reply, {}, Deadline::never());
    auto end = Activity::end_of_conversation();
    end.set_conversation(*activity.conversation());
    (void)co_await world.channel->sender().send(end, {}, Deadline::never());
  };
  world.say(client, "two");
  const auto path = "/conversations/" + client.id;
  EXPECT_THAT(world.texts(client, "2"), ElementsAre("bye", ""));
  EXPECT_EQ(world.get(path + "?watermark=2", client.token).status, 200U);
  EXPECT_EQ(world.get(path + "?watermark=3", client.token).status, 200U);
  EXPECT_EQ(world.get(path + "?watermark=4", client.token).status, 404U);
  EXPECT_EQ(world.get(path, client.token).status, 200U) << "from the beginning";
  EXPECT_EQ(world.get(path + "/activities?watermark=4", client.token).status, 404U);
  EXPECT_EQ(world.get(path + "/activities?watermark=5", client.token).status, 404U);
  EXPECT_EQ(world.post("/conversations", client.token).status, 404U);
}

TEST(EndpointTest, StreamsTheRepliesOfAClientThatWantsIt) {
  World world;
  const auto client = world.begin("{}", R"({"user":{"id":"u"},"streaming":true})");
  auto reply = Activity::message("streamed");
  reply.set_conversation(ConversationAccount(client.id));
  world.bot.replies.push_back(reply);
  world.say(client, "x");
  EXPECT_EQ(world.bot.received.back().delivery_mode(), "stream");
  EXPECT_THAT(world.texts(client), ElementsAre("x", "streamed"));
}

// Its client waits for 20 s and no longer.
TEST(EndpointTest, AnswersTheCallOfALongStreamAndGoesOn) {
  World world;
  const auto client = world.begin();
  std::optional<http::HttpResponse> answer;
  const auto said = [&](std::string text) {
    answer.reset();
    TestRequest request(http::Method::post, std::string(root_path) + "/conversations/" + client.id + "/activities");
    request.as(client.token)
        .saying(R"({"type":"message","deliveryMode":"stream","from":{"id":"u"},"text":")" + text + "\"}");
    auto kept = std::make_shared<TestRequest>(std::move(request));
    asio::co_spawn(world.io, world.channel->endpoint().handle(*kept),
                   [kept, &answer](const std::exception_ptr& error, http::HttpResponse response) {
                     EXPECT_FALSE(error);
                     answer = std::move(response);
                   });
    tern::test::drain(world.io);
  };
  world.bot.during = [&world](Activity) -> awaitable<void> { co_await sleep_for(1h, world.clock); };
  said("one");
  EXPECT_FALSE(answer);
  world.clock.advance(10s);
  tern::test::drain(world.io);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200U);

  world.bot.during = {};
  world.bot.result.outcome = TurnOutcome::failed;
  said("two");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 502U) << "a turn that has ended meanwhile is told of";
  EXPECT_THAT(world.texts(client), ElementsAre("one", "two"));
  world.clock.advance(1h);
  tern::test::drain(world.io);
}

TEST(EndpointTest, PassesTypingOnAndStoresNone) {
  World world;
  const auto client = world.begin();
  const auto response =
      world.post("/conversations/" + client.id + "/activities", client.token, R"({"type":"typing","from":{"id":"u"}})");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(world.bot.received.back().type(), "typing");
  EXPECT_THAT(world.texts(client), ElementsAre());
}

TEST(EndpointTest, ShowsNoTypingThatIsLarge) {
  World world;
  const auto client = world.begin();
  const auto typing = json::serialize(json::object{{"type", "typing"}, {"text", std::string(5000, 'x')}});
  const auto response = world.post("/conversations/" + client.id + "/activities", client.token, typing);
  EXPECT_EQ(response.status, 413U);
  EXPECT_EQ(code_of(response), "MessageSizeTooBig");
}

TEST(EndpointTest, KnowsNoConversationWhoseTimeIsOver) {
  World world;
  const auto client = world.begin();
  ASSERT_EQ(world.say(client, "one").status, 200U);
  world.clock.advance(Bounds{}.age + 1s);
  const auto token = world.channel->tokens()->lifetime();
  ASSERT_GT(Bounds{}.age, token) << "only a server with the secret asks so late";
  EXPECT_EQ(world.get("/conversations/" + client.id + "/activities", World::secret).status, 404U);
  EXPECT_EQ(world.get("/conversations/" + client.id, World::secret).status, 404U);
}

TEST(EndpointTest, RefreshesATokenWithItsRights) {
  World world;
  const auto client = world.begin(R"({"user":{"id":"dl_u"},"trustedOrigins":["https://a.example"]})");
  world.clock.advance(1000s);
  const auto refreshed = World::client_of(world.post("/tokens/refresh", client.token));
  EXPECT_EQ(refreshed.id, client.id);
  world.clock.advance(1000s);
  TestRequest request(Method::get, std::string(root_path) + "/conversations/" + client.id);
  EXPECT_EQ(world.call(request.as(refreshed.token).with("origin", "https://a.example")).status, 200U);
  EXPECT_EQ(world.call(request.with("origin", "https://b.example")).status, 401U);
}

TEST(EndpointTest, LetsBrowsersOfAnyPageAskFirst) {
  World world;
  for (const std::string rest :
       {"/tokens/refresh", "/conversations", "/session/getsessionid", "/conversations/AAAAAAAAAAAAAAAAAAAAAA",
        "/conversations/AAAAAAAAAAAAAAAAAAAAAA/upload"}) {
    TestRequest request(Method::options, std::string(root_path) + rest);
    const auto response =
        world.call(request.with("origin", "https://a.example").with("access-control-request-method", "POST"));
    EXPECT_EQ(response.status, 204U) << rest;
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "https://a.example");
    EXPECT_THAT(header_of(response, "Access-Control-Allow-Headers"),
                HasSubstr("authorization, content-type, x-ms-bot-agent, x-requested-with"));
    EXPECT_EQ(header_of(response, "Vary"), "Origin");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Credentials"), rest.starts_with("/session") ? "true" : "");
  }
}

TEST(EndpointTest, LetsAPageReadWhyItIsRefused) {
  World world;
  TestRequest request(Method::post, std::string(root_path) + "/conversations");
  const auto response = world.call(request.as("x").with("origin", "https://a.example"));
  EXPECT_EQ(response.status, 401U);
  EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "https://a.example");
}

TEST(EndpointTest, AsksClientsToComeBackWhenTheStoreIsFull) {
  World world;
  const auto client = world.begin();
  tern::test::CapturedLog captured;
  world.faults->error = errc::overloaded;
  world.faults->writes_fail = true;
  for (int i = 0; i < 3; ++i) {
    TestRequest request(Method::post, std::string(root_path) + "/conversations/" + client.id + "/activities");
    request.as(client.token).with("origin", "http://bot.example");
    const auto response = world.call(request.saying(R"({"type":"message","text":"one","from":{"id":"u"}})"));
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(code_of(response), "ServiceUnavailable");
    EXPECT_EQ(header_of(response, "Retry-After"), "10");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "http://bot.example");
  }
  world.clock.advance(1min);
  EXPECT_EQ(world.say(client, "two").status, 503U);
  const auto lines = captured.take();
  std::size_t count = 0;
  for (auto at = lines.find("a call of Direct Line failed"); at != std::string::npos;
       at = lines.find("a call of Direct Line failed", at + 1)) {
    ++count;
  }
  EXPECT_EQ(count, 2U) << "strangers fill no log: " << lines;
}

TEST(EndpointTest, LetsAnAddressFillNoStore) {
  Options options;
  options.bounds.address_bytes = 100'000;
  World world(std::move(options));
  const auto client = world.begin();
  const std::string long_text(60'000, 'x');
  EXPECT_EQ(world.say(client, long_text).status, 200U);
  const auto refused = world.say(client, long_text);
  EXPECT_EQ(refused.status, 429U);
  EXPECT_THAT(refused.body, HasSubstr("limits.direct_line_address_bytes"));
  const auto wait = std::stoi(header_of(refused, "Retry-After"));
  EXPECT_GT(wait, 3600) << "of 24 hours";
  EXPECT_EQ(world.post("/conversations/" + client.id + "/activities", client.token, R"({"type":"typing"})").status,
            200U)
      << "nothing of it is stored";
  auto file = upload_request(client, form_with("text/plain", "x"));
  EXPECT_EQ(world.call(file).status, 200U) << "files have bounds of their own";
  unsigned status = 201;
  int begun = 0;
  for (; status == 201 && begun < 100; ++begun) {
    world.clock.advance(100ms);
    const auto token = World::client_of(world.post("/tokens/generate", World::secret)).token;
    status = world.post("/conversations", token).status;
  }
  EXPECT_EQ(status, 429U) << "conversations are stored too";
  EXPECT_LT(begun, 60);
  EXPECT_EQ(world.post("/conversations", World::secret).status, 201U) << "a server speaks for many";
  TestRequest other(Method::post, std::string(root_path) + "/conversations/" + client.id + "/activities");
  other.as(client.token).from("192.0.2.77").saying(R"({"type":"message","text":"x","from":{"id":"u"}})");
  EXPECT_EQ(world.call(other).status, 200U) << "another address has its own";
  world.clock.advance(std::chrono::seconds(wait));
  EXPECT_EQ(world.say(world.begin(), "later").status, 200U);
}

TEST(EndpointTest, LetsAllClientsFillNoStore) {
  Options options;
  options.bounds.histories = 200'000;
  World world(std::move(options));
  const auto client = world.begin();
  unsigned status = 200;
  int stored = 0;
  for (; status == 200 && stored < 100; ++stored) {
    world.clock.advance(100ms);
    status = world.say(client, std::string(20'000, 'x')).status;
  }
  EXPECT_EQ(status, 429U);
  EXPECT_EQ(stored, 10);
  const auto refused = world.post("/conversations", World::secret);
  EXPECT_EQ(refused.status, 201U) << "a small one has room";
  const auto other = world.begin();
  const auto large = world.say(other, std::string(20'000, 'x'));
  EXPECT_EQ(large.status, 429U) << "it is not for one conversation";
  EXPECT_EQ(header_of(large, "Retry-After"), "60");
  EXPECT_THAT(large.body, HasSubstr("limits.direct_line_histories"));
  auto reply = Activity::message(std::string(20'000, 'y'));
  reply.set_conversation(ConversationAccount(client.id));
  tern::test::run_on(world.io, world.channel->sender().send(reply, {}, Deadline::never()));
  EXPECT_EQ(world.texts(client, "9").size(), 1U) << "the bot goes on";
  world.clock.advance(Bounds{}.age + 1s);
  tern::test::drain(world.io);
  EXPECT_EQ(world.say(world.begin(), std::string(20'000, 'x')).status, 200U) << "the old ones were removed";
}

TEST(EndpointTest, NamesItsSocketsAsTheProxyIsCalled) {
  World world;
  TestRequest request(Method::post, std::string(root_path) + "/conversations");
  const auto response = world.call(request.as(World::secret).with("x-forwarded-proto", "https"));
  EXPECT_THAT(response.body, HasSubstr("\"wss://bot.example/v3/directline/conversations/"));
}

TEST(EndpointTest, KeepsAFileAndShowsItWithoutRunningAnything) {
  World world;
  const auto client = world.begin();
  auto request = upload_request(
      client,
      "--b\r\nContent-Disposition: form-data; name=\"activity\"\r\nContent-Type: application/vnd.microsoft.activity"
      "\r\n\r\n{\"type\":\"message\",\"text\":\"see\",\"from\":{\"id\":\"u\"},\"attachments\":[{\"name\":\"a.png\","
      "\"contentType\":\"image/png\",\"thumbnailUrl\":\"data:x\"}]}\r\n" +
          form_with("image/png", "the picture"));
  EXPECT_EQ(world.call(request).status, 200U);
  const auto& got = world.bot.received.back();
  ASSERT_EQ(got.attachments().size(), 1U);
  const std::string url(*got.attachments()[0].content_url());
  EXPECT_THAT(url, testing::StartsWith("http://bot.example/v3/directline/attachments/"));
  EXPECT_EQ(got.attachments()[0].thumbnail_url(), "data:x");
  TestRequest fetch(Method::get, url.substr(url.find("/v3")));
  auto file = world.call(fetch);
  EXPECT_EQ(file.status, 200U);
  EXPECT_EQ(test::body_of(world, file), "the picture");
  EXPECT_EQ(file.content_type, "image/png");
  EXPECT_EQ(header_of(file, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header_of(file, "Content-Security-Policy"), "default-src 'none'; sandbox");
  EXPECT_EQ(header_of(file, "Content-Disposition"), "inline; filename*=UTF-8''a.png");
}

TEST(EndpointTest, RefusesTextsThatAreNoUtf8) {
  World world;
  const auto client = world.begin();
  world.faults->writes_fail = true;  // nothing may be kept
  for (const char* name : {"a\xFF.png", "\xC3", "a\xED\xA0\x80.png"}) {
    auto request = upload_request(client, form_with("image/png", "x", name));
    EXPECT_EQ(world.call(request).status, 400U) << name;
  }
  auto with_nul = upload_request(client, form_with("image/png", "x", std::string("a\0.png", 6)));
  EXPECT_EQ(world.call(with_nul).status, 400U);
  TestRequest of_user(Method::post, std::string(root_path) + "/conversations/" + client.id + "/upload?userId=%FF");
  of_user.as(client.token).with("content-type", "multipart/form-data; boundary=b").saying(form_with("image/png", "x"));
  EXPECT_EQ(world.call(of_user).status, 400U);
  auto of_host = upload_request(client, form_with("image/png", "x"));
  EXPECT_EQ(world.call(of_host.with("host", "\xFF")).status, 400U);
}

TEST(EndpointTest, KeepsNoFilesOfAnActivityThatItRefuses) {
  World world;
  const auto client = world.begin();
  world.faults->writes_fail = true;
  for (const char* activity :
       {R"({"type":"conversationUpdate","from":{"id":"u"}})", R"({"type":"message","from":{"id":"dl_x"}})"}) {
    auto request = upload_request(client,
                                  "--b\r\nContent-Disposition: form-data; name=\"activity\"\r\nContent-Type: "
                                  "application/vnd.microsoft.activity\r\n\r\n" +
                                      std::string(activity) + "\r\n" + form_with("image/png", "x"));
    EXPECT_EQ(world.call(request).status, 400U) << activity;
  }
}

TEST(EndpointTest, CountsTheFilesOfAMessage) {
  World world;
  const auto client = world.begin();
  const auto upload = [&](std::size_t files, const std::string& other_parts) {
    auto body = other_parts;
    for (std::size_t i = 0; i < files; ++i) {
      const auto form = form_with("text/plain", "x");
      body += form.substr(0, form.size() - 5);
    }
    auto request = upload_request(client, body + "--b--");
    return world.call(request);
  };
  const auto activity_of = [](const std::string& type) {
    return "--b\r\nContent-Disposition: form-data; name=\"activity\"\r\nContent-Type: " + type +
           "\r\n\r\n{\"type\":\"message\",\"text\":\"see\",\"from\":{\"id\":\"u\"}}\r\n";
  };
  EXPECT_EQ(upload(20, activity_of("Application/VND.Microsoft.Activity; charset=utf-8")).status, 200U);
  EXPECT_EQ(world.bot.received.back().text(), "see");
  EXPECT_EQ(upload(20, "").status, 200U);
  EXPECT_EQ(upload(21, "").status, 413U);
  EXPECT_EQ(upload(22, activity_of("application/vnd.microsoft.activity")).status, 413U);
  const auto other = upload(1, activity_of("application/vnd.microsoft.activityx"));
  EXPECT_EQ(other.status, 400U);
  EXPECT_EQ(test::code_of(other), "UnsupportedAttachment");
  EXPECT_THAT(other.body, HasSubstr("Files of the type application/vnd.microsoft.activityx are not taken."));
}

TEST(EndpointTest, TakesAFileWithoutAnActivity) {
  World world;
  auto request = upload_request(world.begin(), form_with("application/pdf", "x", "a b.pdf"));
  EXPECT_EQ(world.call(request).status, 200U);
  EXPECT_EQ(world.bot.received.back().from_id(), "u");
  EXPECT_EQ(world.bot.received.back().attachments()[0].name(), "a b.pdf");
}

TEST(EndpointTest, MakesTokensForItsOwnPage) {
  World world;
  const auto token = world.channel->page_token("dl_visitor", "Visitor", "http://bot.example");
  TestRequest request(Method::post, std::string(root_path) + "/conversations");
  EXPECT_EQ(world.call(request.as(token.token).with("origin", "http://bot.example")).status, 201U);
  EXPECT_EQ(world.bot.received.back().channel_id(), "webchat");
  EXPECT_EQ(world.bot.received.back().from_id(), "dl_visitor");
  EXPECT_EQ(world.call(request.with("origin", "http://other.example")).status, 401U);
}

TEST(EndpointTest, KeepsASecretWhereNoneIsSet) {
  ManualClock clock;
  Metrics metrics;
  const auto store = test::memory_store(clock);
  std::string token;
  for (const char* run : {"first", "second"}) {
    asio::io_context io{1};
    Metrics figures;
    DirectLine channel(Options{}, store, clock, figures);
    tern::test::run_on(io, channel.open(io.get_executor(), Deadline::never()));
    if (token.empty()) {
      token = channel.page_token("dl_u", "", "http://bot.example").token;
    }
    TestRequest request(Method::post, std::string(root_path) + "/tokens/refresh");
    EXPECT_EQ(tern::test::run_on(io, channel.endpoint().handle(request.as(token))).status, 200U) << run;
    tern::test::run_on(io, channel.close(Deadline::never()));
  }
}

/// A socket in memory.
class TestSocket final : public http::WebSocket {
 public:
  explicit TestSocket(Clock& clock, executor ex) : timer(clock, std::move(ex)) {}
  awaitable<std::optional<std::string>> read() override {
    co_await timer.wait_until(SteadyTime::max());
    if (fails) {
      throw std::runtime_error("the reader has failed");
    }
    co_return std::nullopt;
  }
  bool send(std::shared_ptr<const std::string> text) override {
    frames.push_back(*text);
    return !closed;
  }
  void close(std::uint16_t code, std::string_view) noexcept override {
    closed = code;
    timer.cancel();
  }
  std::size_t unsent() const noexcept override { return waiting; }

  Timer timer;
  std::vector<std::string> frames;
  std::size_t waiting = 0;
  bool fails = false;
  std::optional<std::uint16_t> closed;
};

class SocketTest : public testing::Test {
 protected:
  std::shared_ptr<TestSocket> open(const std::string& stream) {
    auto response = world.get(stream, "");
    EXPECT_TRUE(response.upgrade) << response.body;
    auto socket = std::make_shared<TestSocket>(world.clock, world.io.get_executor());
    std::shared_ptr<http::WebSocketHandler> handler = std::move(response.upgrade);
    auto work = handler->serve(socket);
    asio::co_spawn(world.io, std::move(work), [handler](const std::exception_ptr& error) { EXPECT_FALSE(error); });
    tern::test::drain(world.io);
    return socket;
  }
  void hang_up(TestSocket& socket) {
    socket.timer.cancel();
    tern::test::drain(world.io);
  }

  World world;
};

TEST_F(SocketTest, GetsWhatIsKeptAndWhatComes) {
  const auto client = world.begin();
  world.say(client, "one");
  const auto socket = open(client.stream);
  ASSERT_EQ(socket->frames.size(), 1U);
  EXPECT_THAT(socket->frames[0], HasSubstr(R"("text":"one")"));
  EXPECT_THAT(socket->frames[0], testing::EndsWith(R"(],"watermark":"1"})"));
  EXPECT_EQ(world.channel->sockets(), 1U);
  world.say(client, "two");
  ASSERT_EQ(socket->frames.size(), 2U);
  EXPECT_THAT(socket->frames[1], testing::EndsWith(R"(],"watermark":"2"})"));
  hang_up(*socket);
  EXPECT_EQ(world.channel->sockets(), 0U);
  world.say(client, "three");
  EXPECT_EQ(socket->frames.size(), 2U);
  const auto again = World::client_of(world.get("/conversations/" + client.id + "?watermark=2", client.token));
  const auto next = open(again.stream);
  ASSERT_EQ(next->frames.size(), 1U);
  EXPECT_THAT(next->frames[0], HasSubstr(R"("text":"three")"));
  hang_up(*next);
}

TEST_F(SocketTest, OfAllClientsOfAConversationGetIt) {
  const auto client = world.begin();
  const auto first = open(client.stream);
  const auto second = open(World::client_of(world.get("/conversations/" + client.id, client.token)).stream);
  world.say(client, "one");
  EXPECT_EQ(first->frames, second->frames);
  EXPECT_EQ(first->frames.size(), 1U);
  hang_up(*first);
  hang_up(*second);
}

TEST_F(SocketTest, ThatIsSlowIsWaitedFor) {
  const auto client = world.begin();
  const auto socket = open(client.stream);
  socket->waiting = 10'000'000;
  world.say(client, "one");
  EXPECT_TRUE(socket->frames.empty());
  socket->waiting = 0;
  world.clock.advance(1s);
  tern::test::drain(world.io);
  EXPECT_EQ(socket->frames.size(), 1U);
  hang_up(*socket);
}

TEST_F(SocketTest, ThatTakesNothingForAMinuteIsClosed) {
  const auto client = world.begin();
  const auto socket = open(client.stream);
  socket->waiting = 10'000'000;
  world.say(client, "one");
  for (int second = 0; second < 50; ++second) {
    world.clock.advance(1s);
    tern::test::drain(world.io);
  }
  --socket->waiting;  // it has taken something
  for (int second = 0; second < 55; ++second) {
    world.clock.advance(1s);
    tern::test::drain(world.io);
  }
  EXPECT_FALSE(socket->closed);
  for (int second = 0; second < 10; ++second) {
    world.clock.advance(1s);
    tern::test::drain(world.io);
  }
  EXPECT_EQ(socket->closed, 1013);
  EXPECT_TRUE(socket->frames.empty());
}

TEST_F(SocketTest, NeedsAHandshakeThatUsesTheTicket) {
  const auto client = world.begin();
  for (const char* name : {"upgrade", "sec-websocket-version", "sec-websocket-key"}) {
    TestRequest request(Method::get, std::string(root_path) + client.stream);
    request.headers.erase(name);
    const auto response = world.call(request);
    EXPECT_EQ(response.status, 426U) << name;
    EXPECT_EQ(header_of(response, "Upgrade"), "websocket");
  }
  hang_up(*open(client.stream));
}

TEST_F(SocketTest, ThatIsRefusedLeavesItsTicket) {
  const auto client = world.begin();
  TestRequest wrong(Method::get, std::string(root_path) + client.stream);
  EXPECT_EQ(world.call(wrong.with("sec-websocket-key", "none")).status, 400U);
  std::vector<std::shared_ptr<TestSocket>> sockets;
  for (std::size_t i = 0; i < Bounds{}.conversation_sockets; ++i) {
    world.clock.advance(100ms);
    sockets.push_back(open(World::client_of(world.get("/conversations/" + client.id, client.token)).stream));
  }
  EXPECT_EQ(world.get(client.stream, "").status, 429U);
  hang_up(*sockets.back());
  hang_up(*open(client.stream));
  EXPECT_EQ(world.get(client.stream, "").status, 401U) << "it was used";
  sockets.pop_back();
  for (const auto& socket : sockets) {
    hang_up(*socket);
  }
}

TEST_F(SocketTest, OfOneConversationAreBoundedInAMinute) {
  const auto client = world.begin();
  hang_up(*open(client.stream));
  unsigned status = 0;
  int opened = 1;
  for (; status == 0 && opened < 100; ++opened) {
    world.clock.advance(100ms);
    const auto again = World::client_of(world.get("/conversations/" + client.id, client.token));
    auto response = world.get(again.stream, "");
    status = response.upgrade ? 0 : response.status;
  }
  EXPECT_EQ(opened, 65);
  EXPECT_EQ(status, 429U);
  hang_up(*open(world.begin().stream));
}

TEST(SocketShare, LeavesPlacesForOtherAddresses) {
  Options options;
  options.bounds.address_sockets = 2;
  World world(std::move(options));
  std::vector<http::HttpResponse> open;
  const auto connect = [&world, &open](const std::string& peer) {
    TestRequest request(Method::get, std::string(root_path) + world.begin().stream);
    open.push_back(world.call(request.from(peer)));
    return open.back().upgrade != nullptr;
  };
  EXPECT_TRUE(connect("2001:db8::1"));
  EXPECT_TRUE(connect("2001:db8::ffff:2"));
  EXPECT_FALSE(connect("2001:db8::3")) << "an IPv6 network counts as one";
  EXPECT_EQ(open.back().status, 429U);
  EXPECT_EQ(header_of(open.back(), "Retry-After"), "1");
  EXPECT_THAT(open.back().body, HasSubstr("limits.direct_line_address_sockets"));
  EXPECT_TRUE(connect("2001:db8:0:1::1"));
  EXPECT_TRUE(connect("192.0.2.9"));
  open.clear();
  EXPECT_TRUE(connect("2001:db8::3"));
}

TEST_F(SocketTest, IsAskedForNoMoreOftenThanMessages) {
  const auto client = world.begin();
  unsigned status = 200;
  for (int i = 0; i < 12 && status == 200; ++i) {
    status = world.get("/conversations/" + client.id, client.token).status;
  }
  EXPECT_EQ(status, 429U);
}

TEST_F(SocketTest, ThatFailsIsFollowedByNobody) {
  const auto client = world.begin();
  auto response = world.get(client.stream, "");
  auto socket = std::make_shared<TestSocket>(world.clock, world.io.get_executor());
  std::shared_ptr<http::WebSocketHandler> handler = std::move(response.upgrade);
  auto work = handler->serve(socket);
  bool failed = false;
  asio::co_spawn(world.io, std::move(work),
                 [&failed, handler](const std::exception_ptr& error) { failed = error != nullptr; });
  handler.reset();
  tern::test::drain(world.io);
  socket->fails = true;
  hang_up(*socket);
  EXPECT_TRUE(failed);
  EXPECT_EQ(socket.use_count(), 1) << "nothing sends any more";
}

TEST_F(SocketTest, IsClosedAtTheEndOfTheConversation) {
  const auto client = world.begin();
  const auto socket = open(client.stream);
  auto last = Activity::end_of_conversation();
  last.set_conversation(ConversationAccount(client.id));
  tern::test::run_on(world.io, world.channel->sender().send(last, {}, Deadline::never()));
  tern::test::drain(world.io);
  EXPECT_EQ(socket->frames.size(), 1U);
  EXPECT_EQ(socket->closed, 1000);
}

TEST_F(SocketTest, ComesBackWhenTheStoreIsAway) {
  const auto client = world.begin();
  world.faults->calls_left = 0;
  const auto socket = open(client.stream);
  tern::test::drain(world.io);
  const auto closed = socket->closed;
  if (closed) {
    EXPECT_EQ(*closed, 1011);
  } else {
    hang_up(*socket);  // everything was known without the store
  }
}

}  // namespace
}  // namespace tern::direct_line
