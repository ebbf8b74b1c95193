#include "http_fixture.hpp"
#include "support/run.hpp"

#include <tern/error.hpp>

namespace tern::test {
namespace {

using namespace std::chrono_literals;

class HttpServerShutdown : public HttpServerTest {
 protected:
  /// Starts a drain; `drained` has its result once it has ended.
  void drain(Deadline by) {
    asio::co_spawn(io, keep(server->drain(by), drained), ignore_end);
    settle();
  }
  static awaitable<void> keep(awaitable<bool> work, std::optional<bool>& into) { into = co_await std::move(work); }

  bool refuses_connections() {
    try {
      WireClient client(server->port());
      return false;
    } catch (const system_error&) {
      return true;
    }
  }

  std::optional<bool> drained;
  double metrics_before = 0;
};

TEST_F(HttpServerShutdown, StopRefusesNewConnectionsAndClosesIdleOnes) {
  auto fresh = connect();
  auto idle = connect();
  idle.send(get_empty);
  EXPECT_EQ(idle.read().status, 200);
  auto cold = connect();
  cold.send(get_empty);
  EXPECT_EQ(cold.read().status, 200);
  advance(5s);
  server->stop_accepting();
  settle();
  EXPECT_TRUE(refuses_connections());
  EXPECT_TRUE(fresh.sees_end());
  EXPECT_TRUE(idle.sees_end());
  EXPECT_TRUE(cold.sees_end());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpServerShutdown, RequestUnderWayIsAnswered) {
  auto handling = connect();
  handling.send(post("/held", "one"));
  auto sending = connect();
  sending.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nt");
  until([&] { return !handler.held.empty(); });
  arrived(sending);
  drain(Deadline::never());
  EXPECT_FALSE(drained);
  sending.send("wo");
  const auto two = sending.read();
  EXPECT_EQ(two.body, "two");
  EXPECT_EQ(two.header("Connection"), "close");
  EXPECT_FALSE(drained);
  handler.release();
  const auto one = handling.read();
  EXPECT_EQ(one.body, "one");
  EXPECT_EQ(one.header("Connection"), "close");
  settle();
  EXPECT_EQ(drained, true);
  EXPECT_TRUE(handling.sees_end());
}

TEST_F(HttpServerShutdown, ARequestThatDoesNotBecomeWholeHoldsADrainForASecond) {
  const std::string body_lacks = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nt";
  const std::string chunks_lack = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel";
  for (const std::string& part : {std::string("P"), std::string("GET / HTTP/1.1\r\nHost"), body_lacks, chunks_lack,
                                  get_empty + "GET /", get_empty + body_lacks}) {
    SCOPED_TRACE(part);
    drained.reset();
    metrics_before = rejected("closing");
    start({});
    auto client = connect();
    client.send(part);
    arrived(client);
    if (part.starts_with(get_empty)) {
      EXPECT_EQ(client.read().status, 200);
    }
    drain(Deadline::after(30s, clock));
    advance(900ms);
    EXPECT_FALSE(drained);
    EXPECT_FALSE(client.has_input());
    advance(100ms + 2 * TimingWheel::tick);
    EXPECT_EQ(drained, true);
    const auto response = client.read();
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.header("Retry-After"), "1");
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_TRUE(client.sees_end());
    EXPECT_EQ(rejected("closing"), metrics_before + 1);
    client.close();
    until([&] { return server->connections() == 0; });
  }
}

TEST_F(HttpServerShutdown, ARequestThatIsSentBitByBitHoldsADrainForNoLonger) {
  auto client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\n");
  arrived(client);
  drain(Deadline::after(30s, clock));
  advance(500ms);
  client.send("Content-Length: 1000\r\n\r\n");
  arrived(client);
  int sent = 0;
  for (; !client.has_input() && sent < 30; ++sent) {
    client.send("x");
    arrived(client);
    advance(100ms);
  }
  EXPECT_LE(sent, 7);
  EXPECT_EQ(client.read().status, 503);
  EXPECT_EQ(drained, true);
}

TEST_F(HttpServerShutdown, RequestThatIsThereAlreadyIsAnswered) {
  auto client = connect();
  client.send(get_empty);
  EXPECT_EQ(client.read().status, 200);
  settle();
  client.send(get_empty);
  client.delivered();
  server->stop_accepting();
  const auto response = client.read();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Connection"), "close");
}

TEST_F(HttpServerShutdown, DrainIsCutAtItsDeadline) {
  auto client = connect();
  client.send(post("/held", "one"));
  until([&] { return !handler.held.empty(); });
  drain(Deadline::after(14s, clock));
  advance(13s);
  EXPECT_FALSE(drained);
  advance(1s);
  EXPECT_EQ(drained, false);
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(HttpServerShutdown, DrainOfAnIdleServerEndsAtOnce) {
  auto client = connect();
  drain(Deadline::after(14s, clock));
  until([&] { return drained.has_value(); });
  EXPECT_EQ(drained, true);
  drained.reset();
  drain(Deadline::after(14s, clock));
  EXPECT_EQ(drained, true);
}

TEST_F(HttpServerShutdown, DrainDoesNotWaitForLingeringClients) {
  auto client = connect();
  client.send("nonsense\r\n\r\n");
  EXPECT_EQ(client.read().status, 400);
  settle();
  drain(Deadline::after(14s, clock));
  EXPECT_EQ(drained, true);
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(HttpServerShutdown, AbortClosesEverythingButLetsHandlersEnd) {
  auto idle = connect();
  auto partial = connect();
  partial.send("GET /");
  auto handling = connect();
  handling.send(post("/held", "one"));
  until([&] { return !handler.held.empty(); });
  arrived(partial);
  server->abort();
  until([&] { return server->connections() == 1; });
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_EQ(partial.read_to_end(), "");
  EXPECT_EQ(handling.read_to_end(), "");
  EXPECT_EQ(handler.answered, 0);
  handler.release();
  settle();
  EXPECT_EQ(handler.answered, 1);
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_TRUE(refuses_connections());
}

TEST_F(HttpServerShutdown, ServerMayGoBeforeItsConnections) {
  auto client = connect();
  client.send(post("/held", "one"));
  until([&] { return !handler.held.empty(); });
  server.reset();
  settle();
  EXPECT_EQ(client.read_to_end(), "");
  handler.release();
  settle();
  EXPECT_EQ(handler.answered, 1);
}

TEST_F(HttpServerShutdown, StopBeforeStartIsHarmless) {
  http::Server other({{io, *wheel}}, handler, {}, clock, metrics);
  other.stop_accepting();
  EXPECT_TRUE(run_on(io, other.drain(Deadline::never())));
}

TEST_F(HttpServerTest, ClientThatLeavesWhileHandledIsForgotten) {
  auto client = connect();
  client.send(post("/held", "one"));
  until([&] { return !handler.held.empty(); });
  client.reset();
  settle();
  EXPECT_EQ(server->connections(), 1U) << "it has not been looked at yet";
  handler.release();
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(handler.answered, 1);
}

TEST_F(HttpServerTest, ClientThatLeavesAtAnyByteIsForgotten) {
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (std::size_t n = 0; n <= request.size(); ++n) {
    for (const bool hard : {false, true}) {
      auto client = connect();
      client.send(request.substr(0, n));
      arrived(client);
      hard ? client.reset() : client.close();
      until([&] { return server->connections() == 0; });
    }
  }
  EXPECT_EQ(handler.requests, 2);
}

}  // namespace
}  // namespace tern::test
