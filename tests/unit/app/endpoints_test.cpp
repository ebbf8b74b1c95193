#include "app/endpoints.hpp"

#include "app/turn_response.hpp"
#include "async/timing_wheel.hpp"
#include "connector/connector_client.hpp"
#include "runtime/streamed_replies.hpp"
#include "support/captured_log.hpp"
#include "support/run.hpp"

#include <tern/async/log.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/schema/parse.hpp>

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace tern::app {
namespace {

using testing::HasSubstr;

class Request final : public http::HttpRequest {
 public:
  explicit Request(std::string body, std::string type = "application/json") : body_(std::move(body)) {
    if (!type.empty()) {
      headers_["content-type"] = std::move(type);
    }
  }
  http::Method method() const noexcept override { return http::Method::post; }
  std::string_view path() const noexcept override { return "/api/messages"; }
  std::string_view query() const noexcept override { return ""; }
  std::optional<std::string_view> header(std::string_view name) const noexcept override {
    const auto found = headers_.find(std::string(name));
    return found == headers_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
  }
  std::optional<std::string_view> only_header(std::string_view name) const noexcept override { return header(name); }
  std::string& body() noexcept override { return body_; }
  std::string_view peer() const noexcept override { return "127.0.0.1"; }

 private:
  std::string body_;
  std::map<std::string, std::string> headers_;
};

/// Keeps the requests, so that the test answers them when it likes.
class Receiver final : public runtime::TurnReceiver {
 public:
  void receive(runtime::TurnRequest request) noexcept override { requests.push_back(std::move(request)); }
  std::vector<runtime::TurnRequest> requests;
};

struct Served {
  std::optional<http::HttpResponse> response;
};

class Endpoints : public testing::Test {
 protected:
  /// A request that was never answered holds a coroutine, which leaves the gate when Asio destroys it.
  ~Endpoints() override {
    turns_.requests.clear();
    test::drain(io_);
  }
  std::shared_ptr<Served> serve(Request& request, bool loopback_only = true) {
    endpoints_.push_back(std::make_unique<MessagesEndpoint>(turns_, clients_, clock_, 0));
    if (loopback_only) {
      endpoints_.back()->ask(sender_, "This bot sends to this machine only.");
    }
    auto served = std::make_shared<Served>();
    asio::co_spawn(io_, endpoints_.back()->handle(request),
                   [served](std::exception_ptr error, http::HttpResponse response) {
                     EXPECT_FALSE(error);
                     served->response = std::move(response);
                   });
    test::drain(io_);
    return served;
  }
  unsigned status_of(const std::string& body, const std::string& type = "application/json", bool loopback_only = true) {
    Request request(body, type);
    auto served = serve(request, loopback_only);
    if (!served->response) {
      return 0;
    }
    EXPECT_TRUE(json::parse(served->response->body).at("error").at("code").is_string()) << served->response->body;
    return served->response->status;
  }
  /// The turn of the request that came last streams its replies.
  std::shared_ptr<runtime::StreamedReplies> begin_stream() {
    auto replies = std::make_shared<runtime::StreamedReplies>(1024, 1024);
    turns_.requests.back().observer->on_stream(replies->read());
    test::drain(io_);
    return replies;
  }
  std::string next_of(http::HttpResponse& response) {
    auto piece = test::run_on(io_, response.source->next());
    return piece ? *piece : "end";
  }

  asio::io_context io_{1};
  ManualClock clock_;
  Metrics metrics_;
  TimingWheel wheel_{clock_, io_.get_executor()};
  connector::ConnectorClient sender_{io_, wheel_, clock_, metrics_, {}};
  Receiver turns_;
  ClientGate clients_{2};
  std::vector<std::unique_ptr<MessagesEndpoint>> endpoints_;
};

const std::string good = R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"http://localhost:1"})";
const std::string streamed =
    R"({"type":"invoke","conversation":{"id":"c"},"serviceUrl":"http://localhost:1","deliveryMode":"stream"})";

// The caller is a channel, which nobody can ask.
TEST_F(Endpoints, TellInTheLogWhatIsRefusedBecauseOfItsServiceUrl) {
  const auto refused_at = [this](const std::string& url) {
    Request request(R"({"type":"message","channelId":"msteams","conversation":{"id":"c"},"serviceUrl":")" + url +
                    "\"}");
    EXPECT_EQ(serve(request)->response->status, 403) << url;
  };
  log::configure(log::Level::warn, log::Format::text);
  test::CapturedLog log;
  refused_at("https://smba.example/teams/secret/");
  EXPECT_THAT(log.take(),
              testing::AllOf(HasSubstr("does not send to its serviceUrl"), HasSubstr(" warn "),
                             HasSubstr("smba.example"), HasSubstr("msteams"), testing::Not(HasSubstr("secret"))));
}

TEST_F(Endpoints, RefuseWhatIsNoActivityInTheProtocolsShape) {
  EXPECT_EQ(status_of(good, "text/plain"), 415U);
  EXPECT_EQ(status_of(good, ""), 415U);
  EXPECT_EQ(status_of(good, "application/json; charset=latin1"), 415U);
  EXPECT_EQ(status_of(""), 400U);
  EXPECT_EQ(status_of("{\"type\":"), 400U);
  EXPECT_EQ(status_of("[1]"), 400U);
  EXPECT_EQ(status_of("{}"), 400U);
  EXPECT_EQ(status_of(R"({"type":"message","conversation":{},"serviceUrl":"http://localhost"})"), 400U);
  EXPECT_EQ(status_of(R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"nonsense"})"), 400U);
  EXPECT_TRUE(turns_.requests.empty());
}

TEST_F(Endpoints, RefuseToAnswerBeyondThisMachineUnlessAllowed) {
  const std::string foreign = R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"https://example.com"})";
  EXPECT_EQ(status_of(foreign), 403U);
  EXPECT_EQ(status_of(foreign, "application/json", false), 0U) << "handed to the runtime";
  EXPECT_EQ(turns_.requests.size(), 1U);
}

TEST_F(Endpoints, StreamToWhomeverAsksSinceNothingGoesToAnotherMachine) {
  for (const std::string rest : {R"(})", R"(,"serviceUrl":"https://example.com"})"}) {
    EXPECT_EQ(status_of(R"({"type":"message","conversation":{"id":"c"},"deliveryMode":"stream")" + rest), 0U)
        << "handed to the runtime";
  }
  EXPECT_EQ(turns_.requests.size(), 2U);
}

TEST_F(Endpoints, AnswerWhatTheTurnAnswers) {
  Request request(good);
  auto served = serve(request);
  EXPECT_FALSE(served->response);
  ASSERT_EQ(turns_.requests.size(), 1U);
  EXPECT_EQ(turns_.requests[0].activity.type(), "message");
  EXPECT_EQ(turns_.requests[0].body_bytes, good.size());
  const runtime::TurnReply reply(TurnOutcome::overloaded, "so", std::chrono::seconds(2));
  turns_.requests[0].observer->on_reply(reply);
  test::drain(io_);
  ASSERT_TRUE(served->response);
  EXPECT_EQ(served->response->status, 503U);
  EXPECT_EQ(served->response->content_type, "application/json; charset=utf-8");
  EXPECT_EQ(served->response->headers.at(0), (std::pair<std::string, std::string>("Retry-After", "2")));
}

TEST(TurnResponse, SaysWithTheProtocolsStatusesWhatATurnHasComeTo) {
  using runtime::TurnReply;
  struct Case {
    TurnReply reply;
    unsigned status;
    std::string body;
  };
  const auto error = [](const char* code) { return error_body(code, "so"); };
  for (const auto& [reply, status, body] : {
           Case{TurnReply(), 200, ""},
           Case{TurnReply(std::string("{}")), 200, "{}"},
           Case{TurnReply::going_on(), 202, ""},
           Case{TurnReply(TurnOutcome::failed, "so"), 500, error("ServiceError")},
           Case{TurnReply(TurnOutcome::timed_out, "so"), 504, error("GatewayTimeout")},
           Case{TurnReply(TurnOutcome::overloaded, "so"), 503, error("ServiceUnavailable")},
           Case{TurnReply(TurnOutcome::shutting_down, "so"), 503, error("ServiceUnavailable")},
           Case{TurnReply(TurnOutcome::forgotten, "so"), 409, error("Conflict")},
           Case{TurnReply::to_invoke(207, "[]"), 207, "[]"},
           Case{TurnReply::to_invoke(501), 501, ""},
           Case{TurnReply::to_invoke(412, "1"), 412, "1"},
       }) {
    const auto response = response_of(reply);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, body);
    EXPECT_EQ(response.content_type, body.empty() ? "" : "application/json; charset=utf-8");
    EXPECT_TRUE(response.headers.empty());
  }
}

TEST_F(Endpoints, GoOnFromWithinTheEndOfATurn) {
  Request request(good);
  auto served = serve(request);
  EXPECT_FALSE(served->response);
  bool answered_within = false;
  asio::post(io_, [&] {
    // The observer goes right after it was told, as the runtime lets it.
    const auto observer = std::move(turns_.requests[0].observer);
    observer->on_last_reply(runtime::TurnReply::to_invoke(201, "{}"));
    answered_within = served->response.has_value();
  });
  test::drain(io_);
  EXPECT_TRUE(answered_within) << "nothing was left to the event loop";
  ASSERT_TRUE(served->response);
  EXPECT_EQ(served->response->status, 201U);
}

TEST_F(Endpoints, RefuseAClientThatHasTooMuchUnderWay) {
  Request request(good);
  auto first = serve(request);
  auto second = serve(request);
  auto third = serve(request);
  ASSERT_TRUE(third->response);
  EXPECT_EQ(third->response->status, 429U);
  EXPECT_EQ(third->response->headers.at(0).first, "Retry-After");
  turns_.requests[0].observer->on_reply(runtime::TurnReply());
  test::drain(io_);
  EXPECT_EQ(first->response->status, 200U);
  auto fourth = serve(request);
  EXPECT_FALSE(fourth->response) << "a place is free again";
}

TEST_F(Endpoints, AStreamKeepsItsClientsPlaceUntilItsEnd) {
  Request request(streamed);
  auto first = serve(request);
  begin_stream()->add("{}");
  auto second = serve(request);
  const auto replies = begin_stream();
  replies->add("{}");
  test::drain(io_);
  ASSERT_TRUE(first->response && second->response);
  EXPECT_EQ(serve(request)->response->status, 429U);
  EXPECT_EQ(next_of(*second->response), "event: activity\ndata: {}\n\n");
  EXPECT_EQ(serve(request)->response->status, 429U);
  replies->end(runtime::TurnReply::to_invoke(200), true);
  while (next_of(*second->response) != "end") {
  }
  turns_.requests[1].observer->on_reply(runtime::TurnReply());
  turns_.requests[1].observer.reset();
  EXPECT_EQ(serve(request)->response->status, 429U);
  second->response.reset();
  EXPECT_FALSE(serve(request)->response) << "a place is free again";
}

// Otherwise a client that leaves each stream would have turns without bound.
TEST_F(Endpoints, AStreamWhoseClientHasLeftKeepsItsPlaceUntilItsTurnEnds) {
  Request request(streamed);
  for (int i = 0; i < 2; ++i) {
    auto left = serve(request);
    begin_stream()->add("{}");
    test::drain(io_);
    ASSERT_TRUE(left->response);
    left->response.reset();
  }
  EXPECT_EQ(serve(request)->response->status, 429U);
  turns_.requests[0].observer.reset();
  EXPECT_FALSE(serve(request)->response) << "a place is free again";
}

TEST_F(Endpoints, AStreamThatNeverBeginsKeepsNoPlace) {
  Request request(streamed);
  for (int i = 0; i < 3; ++i) {
    auto served = serve(request);
    begin_stream()->end(runtime::TurnReply(TurnOutcome::failed, "so"), true);
    test::drain(io_);
    ASSERT_TRUE(served->response);
    EXPECT_EQ(served->response->status, 500U);
  }
}

TEST_F(Endpoints, AnEmptyAnswerHasNoContentType) {
  Request request(good);
  auto served = serve(request);
  turns_.requests[0].observer->on_reply(runtime::TurnReply());
  test::drain(io_);
  EXPECT_EQ(served->response->status, 200U);
  EXPECT_EQ(served->response->content_type, "");
}

TEST_F(Endpoints, StreamRepliesAsServerSentEvents) {
  Request request(streamed);
  auto served = serve(request);
  const auto replies = begin_stream();
  EXPECT_FALSE(served->response) << "the status waits for the first reply";
  replies->add(R"({"type":"typing"})");
  test::drain(io_);
  ASSERT_TRUE(served->response);
  EXPECT_EQ(served->response->status, 200U);
  EXPECT_EQ(served->response->content_type, "text/event-stream");
  EXPECT_EQ(next_of(*served->response), "event: activity\ndata: {\"type\":\"typing\"}\n\n");
  replies->add(R"({"type":"message"})");
  EXPECT_EQ(next_of(*served->response), "event: activity\ndata: {\"type\":\"message\"}\n\n");
  replies->end(runtime::TurnReply::to_invoke(200, R"({"ok":true})"), true);
  EXPECT_EQ(next_of(*served->response), "event: invokeResponse\ndata: {\"status\":200,\"body\":{\"ok\":true}}\n\n");
  EXPECT_EQ(next_of(*served->response), "end");
}

TEST_F(Endpoints, AStreamThatFailsBeforeItsFirstReplyIsAnOrdinaryError) {
  Request request(streamed);
  auto served = serve(request);
  begin_stream()->end(runtime::TurnReply(TurnOutcome::failed, "so"), true);
  test::drain(io_);
  ASSERT_TRUE(served->response);
  EXPECT_EQ(served->response->status, 500U);
  EXPECT_EQ(served->response->content_type, "application/json; charset=utf-8");
  EXPECT_EQ(served->response->source, nullptr);
}

TEST_F(Endpoints, AStreamThatIsRefusedIsAnOrdinaryError) {
  Request request(streamed);
  auto served = serve(request);
  turns_.requests[0].observer->on_reply(runtime::TurnReply(TurnOutcome::shutting_down, "so"));
  test::drain(io_);
  ASSERT_TRUE(served->response);
  EXPECT_EQ(served->response->status, 503U);
  EXPECT_EQ(served->response->source, nullptr);
}

TEST_F(Endpoints, AStreamThatFailsLaterEndsWithAnErrorEvent) {
  Request request(streamed);
  auto served = serve(request);
  const auto replies = begin_stream();
  replies->add("{}");
  replies->end(runtime::TurnReply(TurnOutcome::failed, "so"), true);
  test::drain(io_);
  EXPECT_EQ(next_of(*served->response),
            "event: activity\ndata: {}\n\n"
            "event: error\ndata: {\"error\":{\"code\":\"ServiceError\",\"message\":\"so\"}}\n\n");
  EXPECT_EQ(next_of(*served->response), "end");
}

TEST_F(Endpoints, AClientThatLeavesAStreamDoesNotDisturbTheTurn) {
  Request request(streamed);
  auto served = serve(request);
  const auto replies = begin_stream();
  replies->add(std::string(1024, '1'));
  test::drain(io_);
  EXPECT_TRUE(replies->full());
  served->response.reset();
  EXPECT_FALSE(replies->full()) << "nobody is waited for";
  replies->add("{}");
  replies->end(runtime::TurnReply::to_invoke(200), true);
}

TEST_F(Endpoints, TellHealthReadinessAndFigures) {
  Request request("");
  HealthEndpoint health;
  EXPECT_EQ(test::run_on(io_, health.handle(request)).status, 200U);
  std::string obstacle;
  ReadyEndpoint ready([&obstacle] { return obstacle; });
  EXPECT_EQ(test::run_on(io_, ready.handle(request)).status, 200U);
  obstacle = "draining";
  const auto draining = test::run_on(io_, ready.handle(request));
  EXPECT_EQ(draining.status, 503U);
  EXPECT_EQ(draining.body, R"({"status":"draining"})");
  Metrics metrics;
  metrics.counter("tern_test_total", "A test.").inc();
  MetricsEndpoint figures(metrics);
  const auto exposed = test::run_on(io_, figures.handle(request));
  EXPECT_THAT(exposed.body, HasSubstr("tern_test_total 1"));
}

}  // namespace
}  // namespace tern::app
