// Clients that end, or go away, while their requests are handled.
#include "http_fixture.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 2 * TimingWheel::tick;  // until a handler that takes its time has its client watched

class HttpServerGone : public HttpServerTest {
 protected:
  static constexpr std::size_t bound = 3;

  void SetUp() override { start({.connections = bound, .refusals = 2, .gone = 6}); }

  WireClient fresh() {
    return WireClient(server->port(), [this] { settle(); });
  }
  /// A client whose request is held, and which is not watched yet.
  WireClient posted(std::string_view more = {}) {
    const std::size_t before = handler.held.size();
    auto client = fresh();
    client.send(post("/held", "body"));
    client.send(more);
    until([&] { return handler.held.size() > before; });
    arrived(client);
    return client;
  }
  /// And one that is watched.
  WireClient held(std::string_view more = {}) {
    auto client = posted(more);
    advance(soon);
    return client;
  }
  /// One that has sent its end besides, which the server knows.
  WireClient half_closed() {
    auto client = held();
    client.half_close();
    client.delivered();
    settle();
    return client;
  }
  double shown() { return metrics.gauge("tern_http_connections", "").value(); }
};

TEST_F(HttpServerGone, AClientThatResetsGivesItsPlaceBackAndItsHandlerGoesOn) {
  auto client = connect();
  client.send(post("/held", "body"));
  until([&] { return !handler.held.empty(); });
  client.reset();
  advance(soon);
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(shown(), 0);
  EXPECT_EQ(handler.answered, 0);
  handler.release();
  settle();
  EXPECT_EQ(handler.answered, 1);
  EXPECT_EQ(answered("2xx"), 0) << "nobody was answered";
}

TEST_F(HttpServerGone, AClientThatResetsLaterIsSeenAtOnce) {
  auto client = held();
  client.reset();
  until([&] { return server->connections() == 0; });
  auto ended = half_closed();
  ended.reset();
  until([&] { return server->connections() == 0; });
  auto ahead = held(post("/echo", std::string(30'000, 'x')));
  ahead.reset();
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(handler.answered, 0);
  handler.release();
  settle();
  EXPECT_EQ(handler.answered, 3);
}

TEST_F(HttpServerGone, AClientThatSendsItsEndGetsItsAnswer) {
  auto client = half_closed();
  EXPECT_FALSE(client.has_input());
  EXPECT_EQ(server->connections(), 1U);
  handler.release();
  EXPECT_EQ(client.read().body, "body");
  EXPECT_TRUE(client.sees_end());
  until([&] { return server->connections() == 0; });
}

TEST_F(HttpServerGone, RequestsBeforeTheEndOfAClientAreAllAnswered) {
  auto client = held(post("/held", "second") + get_empty);
  client.half_close();
  settle();
  handler.release();
  EXPECT_EQ(client.read().body, "body");
  until([&] { return !handler.held.empty(); });
  advance(soon);
  handler.release();
  EXPECT_EQ(client.read().body, "second");
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.sees_end());
}

TEST_F(HttpServerGone, MuchThatComesWhileAHandlerRunsIsAnsweredAfterwards) {
  auto client = held(post("/echo", std::string(30'000, 'x')) + post("/echo", std::string(40'000, 'y')));
  handler.release();
  EXPECT_EQ(client.read().body, "body");
  EXPECT_EQ(client.read().body.size(), 30'000U);
  EXPECT_EQ(client.read().body.size(), 40'000U);
}

TEST_F(HttpServerGone, UrgentDataIsNoEnd) {
  auto client = held(post("/echo", std::string(30'000, 'x')));
  client.socket().send(boost::asio::buffer("!", 1), boost::asio::socket_base::message_out_of_band);
  arrived(client);
  EXPECT_EQ(server->connections(), 1U);
  handler.release();
  EXPECT_EQ(client.read().body, "body");
}

TEST_F(HttpServerGone, AClientThatResetsAfterUrgentDataIsSeenAtOnce) {
  auto client = held(post("/echo", std::string(30'000, 'x')));
  for (int i = 0; i < 3; ++i) {
    client.socket().send(boost::asio::buffer("!", 1), boost::asio::socket_base::message_out_of_band);
    arrived(client);
  }
  client.reset();
  until([&] { return server->connections() == 0; });
  handler.release();
  settle();
}

TEST_F(HttpServerGone, ThoseThatResetAtOnceTakeNoPlaceFromANewClient) {
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < bound; ++i) {
      posted().reset();
    }
    EXPECT_EQ(server->connections(), bound) << "nobody has looked";
    auto next = fresh();
    next.send(get_empty);
    EXPECT_EQ(next.read().status, 200);
    EXPECT_EQ(shown(), 1);
    next.close();
    until([&] { return server->connections() == 0; });
  }
  EXPECT_EQ(handler.answered, 2);
  handler.release();
  settle();
  EXPECT_EQ(handler.answered, 2 + 2 * static_cast<int>(bound));
  EXPECT_EQ(rejected("connections"), 0);
}

TEST_F(HttpServerGone, ThoseThatSendTheirEndAtOnceGiveWayInTheirOrder) {
  auto waits = posted();
  auto first = posted(get_empty);
  first.half_close();
  auto second = posted();
  second.half_close();
  second.delivered();
  auto next = fresh();
  next.send(get_empty);
  EXPECT_EQ(next.read().status, 200);
  EXPECT_EQ(first.read().status, 503);
  EXPECT_FALSE(second.has_input());
  handler.release();
  EXPECT_EQ(waits.read().body, "body");
  EXPECT_EQ(second.read().body, "body");
  EXPECT_TRUE(second.sees_end());
}

TEST_F(HttpServerGone, WhatCameBeforeAnEndThatWasFoundByALookIsAnswered) {
  auto first = posted();
  first.half_close();
  auto second = posted(get_empty);
  second.half_close();
  second.delivered();
  auto waits = posted();
  auto next = fresh();
  next.send(get_empty);
  EXPECT_EQ(next.read().status, 200);
  handler.release();
  EXPECT_EQ(second.read().body, "body");
  EXPECT_EQ(second.read().status, 200) << "to the request that it sent before its end";
  EXPECT_TRUE(second.sees_end());
}

TEST_F(HttpServerGone, WhoHasBeenLookedAtIsWatchedFromThenOn) {
  auto a = posted();
  auto b = posted();
  auto c = posted();
  auto refused = fresh();
  EXPECT_EQ(refused.read().status, 503);
  refused.close();
  a.reset();
  until([&] { return server->connections() == bound - 1; });
  handler.release();
  EXPECT_EQ(b.read().body, "body");
  EXPECT_EQ(c.read().body, "body");
}

TEST_F(HttpServerGone, WhoOnlyWaitsForTheEndOfItsClientGivesWayFirst) {
  auto ended = half_closed();
  std::vector<WireClient> answered;
  for (int i = 0; i < 2; ++i) {
    auto& client = answered.emplace_back(fresh());
    client.send(post("/echo", "whole", "Connection: close\r\n"));
    client.send("more");
    EXPECT_EQ(client.read().body, "whole");
  }
  settle();
  EXPECT_EQ(server->connections(), bound);
  for (int i = 0; i < 2; ++i) {
    auto next = fresh();
    next.send(post("/echo", "new", "Connection: close\r\n"));
    EXPECT_EQ(next.read().body, "new");
    EXPECT_TRUE(answered[static_cast<std::size_t>(i)].sees_end());
    answered.push_back(std::move(next));
  }
  EXPECT_EQ(server->connections(), bound);
  EXPECT_EQ(shown(), bound);
  EXPECT_FALSE(ended.has_input());
  handler.release();
  EXPECT_EQ(ended.read().body, "body");
}

TEST_F(HttpServerGone, AnAnswerThatIsNotTakenGivesWayWhenItsClientHasSentItsEnd) {
  handler.big_when_released = true;
  auto stays = fresh();
  stays.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  auto client = half_closed();
  auto other = connect();
  handler.release();
  until([&] { return handler.answered == 2; });
  settle();
  for (int i = 0; i < 2; ++i) {  // with TLS a part is still written after the first look
    advance(1s + TimingWheel::tick);
  }
  auto next = fresh();
  next.send(get_empty);
  EXPECT_EQ(next.read().status, 200);
  EXPECT_LT(client.read_to_end().size(), 8U * 1024 * 1024);
  EXPECT_EQ(stays.read().body.size(), 8U * 1024 * 1024) << "it has not sent its end";
}

TEST_F(HttpServerGone, AnAnswerThatIsTakenSlowlyGivesWayToNobody) {
  handler.big_when_released = true;
  // It keeps so little unread that each of its reads below needs more than was on the way to it.
  WireClient client(server->port(), [this] { settle(); }, 32 * 1024);
  client.send(post("/held", "body"));
  client.half_close();
  until([&] { return !handler.held.empty(); });
  arrived(client);
  auto b = connect();
  auto c = connect();
  handler.release();
  until([&] { return handler.answered == 1; });
  settle();
  std::size_t taken = 0;
  for (int i = 0; i < 3; ++i) {
    advance(900ms);
    taken += client.read_some(1024 * 1024).size();
    settle();
    advance(150ms);
    auto next = fresh();
    EXPECT_EQ(next.read().status, 503) << i;
    next.close();
    settle();
  }
  taken += client.read_to_end().size();
  EXPECT_GT(taken, 8U * 1024 * 1024);
}

TEST_F(HttpServerGone, WhoSentItsEndFirstGivesWayToANewClient) {
  auto first = half_closed();
  auto second = half_closed();
  auto waits = held();
  auto next = fresh();
  const auto told = first.read();
  EXPECT_EQ(told.status, 503);
  EXPECT_EQ(told.header("Retry-After"), "1");
  EXPECT_TRUE(first.sees_end());
  until([&] { return server->connections() == bound; });
  next.send(get_empty);
  EXPECT_EQ(next.read().status, 200);
  EXPECT_EQ(rejected("connections"), 1);

  handler.release();
  EXPECT_EQ(second.read().body, "body");
  EXPECT_EQ(waits.read().body, "body");
  EXPECT_EQ(handler.answered, 4) << "that of the first went on";
}

TEST_F(HttpServerGone, WhoWaitsWithItsConnectionOpenGivesWayToNobody) {
  auto a = held();
  auto b = held();
  auto c = held();
  auto next = fresh();
  EXPECT_EQ(next.read().status, 503);
  handler.release();
  EXPECT_EQ(a.read().body, "body");
  EXPECT_EQ(b.read().body, "body");
  EXPECT_EQ(c.read().body, "body");
}

TEST_F(HttpServerGone, AClientWhoseEndCannotBeSeenForAllItSendsGivesWayToo) {
  auto ahead = held(post("/echo", std::string(30'000, 'x')));
  auto b = held();
  auto c = held();
  auto next = fresh();
  next.send(get_empty);
  EXPECT_EQ(next.read().status, 200);
  handler.release();
  EXPECT_EQ(b.read().body, "body");
  EXPECT_EQ(c.read().body, "body");
}

TEST_F(HttpServerGone, AnAnswerThatIsBeingWrittenGivesWayToNobody) {
  handler.big_when_released = true;
  auto client = half_closed();
  auto b = connect();
  auto c = connect();
  handler.release();
  until([&] { return handler.answered == 1; });
  settle();
  auto next = fresh();
  EXPECT_EQ(next.read().status, 503);
  EXPECT_EQ(client.read().body.size(), 8U * 1024 * 1024);
}

TEST_F(HttpServerGone, ManyThatSendTheirEndKeepNobodyOut) {
  std::vector<WireClient> gone;
  for (int i = 0; i < 6; ++i) {
    gone.push_back(half_closed());
    auto good = fresh();
    good.send(get_empty);
    ASSERT_EQ(good.read().status, 200) << i;
  }
  handler.release();
  settle();
  EXPECT_EQ(handler.answered, 12);
}

TEST_F(HttpServerGone, ThoseThatHaveGoneAreBoundedWhileTheirHandlersRun) {
  for (std::size_t i = 0; i < 6 + bound; ++i) {
    held().reset();
    settle();
  }
  until([&] { return server->connections() == bound; });
  EXPECT_EQ(shown(), bound) << "they hold places";
  auto next = fresh();
  EXPECT_EQ(next.read().status, 503) << "otherwise requests would be bounded by nothing";
  next.close();
  handler.release();
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(handler.answered, static_cast<int>(6 + bound));
  EXPECT_EQ(shown(), 0);
  auto later = held();
  later.reset();
  until([&] { return server->connections() == 0; });
  handler.release();
  settle();
}

TEST_F(HttpServerGone, AStreamGoesOnForAClientThatHasSentItsEnd) {
  auto client = connect();
  client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  client.read_head();
  client.half_close();
  settle();
  EXPECT_FALSE(handler.fed->cancelled);
  handler.fed->feed("piece");
  EXPECT_EQ(client.read_chunk(), "piece");
  settle();
  handler.fed->end();
  EXPECT_EQ(client.read_chunk(), std::nullopt);
  EXPECT_TRUE(client.sees_end());
}

TEST_F(HttpServerGone, AStreamGivesWayWhenItsClientHasSentItsEnd) {
  auto client = connect();
  client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  client.read_head();
  client.half_close();
  settle();
  auto b = connect();
  auto c = connect();
  auto next = fresh();
  next.send(get_empty);
  EXPECT_EQ(next.read().status, 200);
  EXPECT_TRUE(handler.fed->cancelled);
  EXPECT_EQ(client.read_to_end(), "") << "without its last chunk it sees that it is not whole";
  EXPECT_EQ(handler.fed->alive, 0);
}

TEST_F(HttpServerGone, AStreamThatBeginsLateIsForTheClientThatHasSentItsEnd) {
  handler.stream_when_released = true;
  auto client = half_closed();
  handler.release();
  client.read_head();
  settle();
  handler.fed->feed("piece");
  EXPECT_EQ(client.read_chunk(), "piece");
  settle();
  handler.fed->end();
  EXPECT_EQ(client.read_chunk(), std::nullopt);
}

TEST_F(HttpServerGone, AStreamThatBeginsAfterItsClientHasGoneIsNotAskedForAnything) {
  handler.stream_when_released = true;
  held().reset();
  until([&] { return server->connections() == 0; });
  handler.release();
  settle();
  EXPECT_EQ(handler.answered, 1);
  EXPECT_EQ(handler.fed->alive, 0);
  EXPECT_EQ(answered("2xx"), 0);
}

TEST_F(HttpServerGone, ADrainWaitsForTheHandlerOfAClientThatHasGone) {
  held().reset();
  until([&] { return server->connections() == 0; });
  std::optional<bool> drained;
  const auto keep = [](awaitable<bool> work, std::optional<bool>& into) -> awaitable<void> {
    into = co_await std::move(work);
  };
  asio::co_spawn(io, keep(server->drain(Deadline::after(14s, clock)), drained), ignore_end);
  settle();
  EXPECT_FALSE(drained);
  handler.release();
  until([&] { return drained.has_value(); });
  EXPECT_EQ(drained, true);
}

}  // namespace
}  // namespace tern::test
