// What goes over the wire, and what becomes of the answers.
#include "harness.hpp"

#include "schema/version.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace tern::connector::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Delivery, ReplyGoesToTheActivityItAnswers) {
  FakeChannel channel;
  Harness on;
  Activity activity = message_to(channel.url());
  activity.set_reply_to_id("act-1");
  const ResourceResponse response = on.deliver(activity);
  EXPECT_EQ(response.id(), "mock-1");
  const auto request = channel.wait_for(1).front();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v3/conversations/conv1/activities/act-1");
  EXPECT_EQ(request.header("Host"), channel.url().substr(7));
  EXPECT_EQ(request.header("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(request.header("Accept"), "*/*");
  EXPECT_EQ(request.header("User-Agent"), std::string("tern/") + version + " Microsoft-BotFramework/3.1");
  EXPECT_EQ(request.header("Connection"), "keep-alive");
  EXPECT_EQ(request.header("x-ms-conversation-id"), "conv1");
  EXPECT_EQ(request.header("Accept-Encoding"), std::nullopt);
  EXPECT_EQ(request.header("Content-Length"), std::to_string(request.body.size()));
  EXPECT_EQ(json::parse(request.body), json::value(activity.json()));
}

TEST(Delivery, ProactiveMessageGoesToTheConversation) {
  FakeChannel channel;
  Harness on;
  on.deliver(message_to(channel.url("/")));
  const auto request = channel.wait_for(1).front();
  EXPECT_EQ(request.target, "/v3/conversations/conv1/activities");
  EXPECT_EQ(request.header("x-ms-conversation-id"), std::nullopt);
}

TEST(Delivery, EmptyReplyToIdIsNoReply) {
  FakeChannel channel;
  Harness on;
  Activity activity = message_to(channel.url());
  activity.set_reply_to_id("");
  on.deliver(activity);
  EXPECT_EQ(channel.wait_for(1).front().target, "/v3/conversations/conv1/activities");
}

TEST(Delivery, IdsAreEncodedAndThePathOfTheServiceIsKept) {
  FakeChannel channel;
  Harness on;
  Activity activity = message_to(channel.url("/_connector/"));
  activity.json()["conversation"] = json::object{{"id", "19:abc@thread.tacv2;messageid=1/2 3"}};
  activity.set_reply_to_id("1|2/3");
  on.deliver(activity);
  const auto request = channel.wait_for(1).front();
  EXPECT_EQ(request.target,
            "/_connector/v3/conversations/19%3Aabc%40thread.tacv2%3Bmessageid%3D1%2F2%203/activities/1%7C2%2F3");
  EXPECT_EQ(request.header("x-ms-conversation-id"), "19:abc@thread.tacv2;messageid=1/2 3");
}

TEST(Delivery, IdsThatNoUrlCanCarryAreRefused) {
  FakeChannel channel;
  Harness on;
  for (const char* id : {"", ".", ".."}) {
    Activity activity = message_to(channel.url());
    activity.json()["conversation"] = json::object{{"id", id}};
    auto pending = on.send(activity);
    EXPECT_EQ(on.finish(pending).code(), errc::invalid_argument) << id;
  }
  const Activity without_id = message_to(channel.url());
  Pending<ResourceResponse> update(on.io, on.client->update(without_id, Deadline::never()));
  EXPECT_EQ(on.finish(update).code(), errc::invalid_argument);
  EXPECT_EQ(channel.request_count(), 0U);
}

TEST(Delivery, AReplyToAnIdThatNoUrlCanCarryGoesToTheConversation) {
  FakeChannel channel;
  Harness on;
  for (const char* id : {"", ".", ".."}) {
    Activity reply = message_to(channel.url());
    reply.set_reply_to_id(id);
    on.deliver(reply);
  }
  for (const auto& request : channel.wait_for(3)) {
    EXPECT_EQ(request.target, "/v3/conversations/conv1/activities");
    EXPECT_FALSE(request.header("x-ms-conversation-id"));
  }
}

TEST(Delivery, UpdateReplacesAndRemoveDeletes) {
  FakeChannel channel;
  Harness on;
  Activity activity = message_to(channel.url());
  activity.set_id("mock/2");
  tern::test::run_on(on.io, on.client->update(activity, Deadline::never()));
  channel.answer_next(FakeAnswer::with(200));
  ConversationReference reference;
  reference.set_service_url(channel.url()).set_activity_id("mock/2");
  reference.json()["conversation"] = json::object{{"id", "conv1"}};
  tern::test::run_on(on.io, on.client->remove(reference, Deadline::never()));
  const auto requests = channel.wait_for(2);
  EXPECT_EQ(requests[0].method, "PUT");
  EXPECT_EQ(requests[0].target, "/v3/conversations/conv1/activities/mock%2F2");
  EXPECT_EQ(requests[1].method, "DELETE");
  EXPECT_EQ(requests[1].target, "/v3/conversations/conv1/activities/mock%2F2");
  EXPECT_EQ(requests[1].header("Content-Type"), std::nullopt);
  EXPECT_EQ(requests[1].body, "");
  EXPECT_EQ(channel.accepted(), 1U);
}

TEST(Delivery, CreateConversationPostsItsParameters) {
  FakeChannel channel;
  Harness on;
  channel.answer_next(FakeAnswer::with(201, R"({"id":"new","activityId":"first","serviceUrl":"http://x"})"));
  ConversationParameters parameters;
  parameters.set_is_group(false).set_tenant_id("t");
  const auto made =
      tern::test::run_on(on.io, on.client->create_conversation(channel.url("/teams"), parameters, Deadline::never()));
  EXPECT_EQ(made.id(), "new");
  EXPECT_EQ(made.activity_id(), "first");
  EXPECT_EQ(made.service_url(), "http://x");
  const auto request = channel.wait_for(1).front();
  EXPECT_EQ(request.target, "/teams/v3/conversations");
  EXPECT_EQ(request.body, R"({"isGroup":false,"tenantId":"t"})");
}

TEST(Delivery, RequestIdIsPassedOn) {
  FakeChannel channel;
  Harness on;
  auto pending = on.send(message_to(channel.url()), Deadline::never(), "the-same");
  on.finish(pending);
  EXPECT_EQ(channel.wait_for(1).front().header("x-ms-client-request-id"), "the-same");
}

TEST(Delivery, SuccessWithoutAnIdIsASuccess) {
  FakeChannel channel;
  Harness on;
  for (const auto& answer :
       {FakeAnswer::with(200), FakeAnswer::with(202), FakeAnswer::with(204), FakeAnswer::with(200, "not json"),
        FakeAnswer::with(201, "[1]"), FakeAnswer::with(201, R"({"id":5})")}) {
    channel.answer_next(answer);
    EXPECT_EQ(on.deliver(message_to(channel.url())).id(), std::nullopt);
  }
  EXPECT_EQ(channel.accepted(), 1U);
  EXPECT_EQ(on.outcome("ok"), 6);
}

TEST(Delivery, ErrorStatusIsAChannelError) {
  FakeChannel channel;
  Harness on;
  channel.answer_next(
      FakeAnswer::with(429, R"({"error":{"code":"Throttled","message":"slow down"}})", {{"Retry-After", "7"}}));
  try {
    on.deliver(message_to(channel.url()));
    FAIL();
  } catch (const ChannelError& error) {
    EXPECT_EQ(error.status(), 429);
    EXPECT_EQ(error.retry_after(), 7000ms);
    EXPECT_EQ(message_of(error), "the channel answered 429: Throttled");
    EXPECT_EQ(error.said(), "slow down");
  }
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(channel.accepted(), 1U) << "the connection is in order after an error status";
  EXPECT_EQ(on.outcome("rejected"), 1);
}

TEST(Delivery, RedirectIsNotFollowed) {
  FakeChannel elsewhere;
  FakeChannel channel;
  Harness on;
  channel.answer_next(FakeAnswer::with(307, "", {{"Location", elsewhere.url("/v3")}}));
  auto pending = on.send(message_to(channel.url()));
  EXPECT_TRUE(on.finish(pending).failed_with<ChannelError>());
  EXPECT_EQ(elsewhere.request_count(), 0U);
}

TEST(Delivery, ChunkedAndInterimAnswersAreRead) {
  FakeChannel channel;
  Harness on;
  channel.answer_next(
      FakeAnswer::raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                      "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "5\r\n{\"id\"\r\n5;x=y\r\n:\"a\"}\r\n0\r\nTrailer: t\r\n\r\n"));
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "a");
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "mock-1");
  EXPECT_EQ(channel.accepted(), 1U);
}

TEST(Delivery, AnswerWithoutLengthEndsWithTheConnection) {
  FakeChannel channel;
  Harness on;
  FakeAnswer answer = FakeAnswer::raw("HTTP/1.1 201 Created\r\n\r\n{\"id\":\"b\"}");
  answer.close_after = true;
  channel.answer_next(answer);
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "b");
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Delivery, AnswerThatIsTooLongIsASuccessWithoutAnId) {
  ConnectorOptions options;
  options.response_body = 100;
  FakeChannel channel;
  Harness on(options);
  channel.answer_next(FakeAnswer::with(201, "{\"id\":\"" + std::string(200, 'x') + "\"}"));
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), std::nullopt);
  EXPECT_EQ(on.client->connections(), 0U) << "the rest of the body is not read";
  channel.answer_next(FakeAnswer::with(500, "{\"id\":\"" + std::string(200, 'x') + "\"}"));
  auto pending = on.send(message_to(channel.url()));
  EXPECT_TRUE(on.finish(pending).failed_with<ChannelError>());
}

// The clock stands still: nothing ends by time here.
TEST(Delivery, AnswersWithoutEndAreFailedSends) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string much(1024 * 1024, 'x');
  std::string interim;
  while (interim.size() < 200'000) {
    interim += "HTTP/1.1 102 Processing\r\n\r\n";
  }
  for (const std::string& bytes : {chunked + "1;a=" + much, chunked + "0\r\na: " + much,
                                   "HTTP/1.1 200 OK\r\na: " + much, "HTTP/1.1 200 " + much, interim}) {
    FakeChannel channel;
    Harness on;
    channel.answer_next(FakeAnswer::raw(bytes));
    auto pending = on.send(message_to(channel.url()));
    EXPECT_TRUE(on.finish(pending).failed_with<AmbiguousSend>()) << bytes.substr(0, 60);
    EXPECT_EQ(pending.code(), errc::channel_unreachable);
    EXPECT_EQ(on.outcome("ambiguous"), 1);
    EXPECT_EQ(on.client->connections(), 0U);
    EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "mock-1") << "the host is as good as before";
  }
}

TEST(Delivery, LongRequestAndLongAnswerArrive) {
  FakeChannel channel;
  Harness on;
  const std::string text(8 * 1024 * 1024, 'x');
  channel.answer_next(FakeAnswer::with(201, R"({"id":"big","pad":")" + std::string(900'000, 'y') + "\"}"));
  EXPECT_EQ(on.deliver(message_to(channel.url(), text)).id(), "big");
  EXPECT_EQ(json::parse(channel.wait_for(1).front().body).at("text").as_string().size(), text.size());
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(channel.accepted(), 1U);
}

TEST(Delivery, ServiceUrlsOutsideThisMachineAreRefused) {
  Harness on;
  for (const char* url :
       {"http://127.0.0.1.evil.com", "http://localhost.:1", "http://[::ffff:127.0.0.1]:1", "http://localhost@evil",
        "http://0x7f000001:1", "http://example.com", "https://smba.trafficmanager.net/teams", "", "nonsense"}) {
    auto pending = on.send(message_to(url));
    EXPECT_EQ(on.finish(pending).code(), errc::service_url_refused) << url;
  }
  EXPECT_EQ(on.outcome("refused"), 9);
}

TEST(Delivery, UpperCaseLoopbackIsThisMachine) {
  FakeChannel channel;
  Harness on;
  on.deliver(message_to("HTTP://LOCALHOST:" + std::to_string(channel.port())));
  on.deliver(message_to("http://localhost:" + std::to_string(channel.port())));
  EXPECT_EQ(channel.wait_for(2)[0].header("Host"), "localhost:" + std::to_string(channel.port()));
  EXPECT_EQ(channel.accepted(), 1U) << "one host, however it is spelled";
}

TEST(Delivery, LoopbackByNameIsAskedOfNobodyHoweverItIsSpelled) {
  FakeNameServer names;
  FakeChannel channel;
  ConnectorOptions options = asking(names);
  options.loopback_only = true;
  for (const char* name : {"localhost", "LocalHost", "LOCALHOST"}) {
    Harness on(options);
    on.deliver(message_to("http://" + std::string(name) + ":" + std::to_string(channel.port())));
    EXPECT_EQ(on.resolutions("found"), 0) << name;
    EXPECT_EQ(names.questions(), 0U) << name;
  }
}

TEST(Delivery, SaysBeforehandWhereItSends) {
  Harness here;
  EXPECT_TRUE(here.client->sends_to("http://localhost:9/x"));
  EXPECT_FALSE(here.client->sends_to("https://smba.trafficmanager.net/teams"));
  EXPECT_FALSE(here.client->sends_to(""));
  ConnectorOptions options;
  options.loopback_only = false;
  Harness everywhere(options);
  EXPECT_TRUE(everywhere.client->sends_to("https://smba.trafficmanager.net/teams"));
  EXPECT_FALSE(everywhere.client->sends_to("https://user@smba.trafficmanager.net"));
}

TEST(Delivery, FiguresAreExposed) {
  FakeChannel channel;
  Harness on;
  on.deliver(message_to(channel.url()));
  const std::string text = on.metrics.expose();
  EXPECT_THAT(text, HasSubstr("tern_connector_requests_total{outcome=\"ok\"} 1"));
  EXPECT_THAT(text, HasSubstr("tern_connector_connections 1"));
  EXPECT_THAT(text, HasSubstr("tern_connector_seconds_count{outcome=\"ok\"} 1"));
  EXPECT_THAT(text, HasSubstr("tern_connector_seconds_count{outcome=\"rejected\"} 0"));
}

TEST(Delivery, HowLongACallTookIsCountedWhateverCameOfIt) {
  FakeChannel channel;
  Harness on;
  FakeAnswer away;
  away.status = 503;
  channel.answer_next(away);
  auto rejected = on.send(message_to(channel.url()));
  EXPECT_EQ(on.finish(rejected).code(), errc::channel_rejected);
  auto refused = on.send(message_to("http://example.com"));
  EXPECT_EQ(on.finish(refused).code(), errc::service_url_refused);
  const std::string text = on.metrics.expose();
  EXPECT_THAT(text, HasSubstr("tern_connector_seconds_count{outcome=\"rejected\"} 1"));
  EXPECT_THAT(text, HasSubstr("tern_connector_seconds_count{outcome=\"refused\"} 1"));
  EXPECT_THAT(text, HasSubstr("tern_connector_seconds_count{outcome=\"ok\"} 0"));
}

}  // namespace
}  // namespace tern::connector::test
