#include "http_fixture.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

const std::string get_stream = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n";

class HttpServerStream : public HttpServerTest {
 protected:
  void feed(const std::string& piece) {
    settle();
    handler.fed->feed(piece);
  }
  void end() {
    settle();
    handler.fed->end();
  }
  FedBody& body() { return *handler.fed; }
};

TEST_F(HttpServerStream, EachPieceIsSentAtOnce) {
  auto client = connect();
  client.send(get_stream);
  const auto head = client.read_head();
  EXPECT_EQ(head.header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(head.header("Content-Type"), "text/event-stream");
  EXPECT_FALSE(head.header("Content-Length"));
  for (const std::string& piece : {std::string("event: a\n\n"), std::string(100'000, 'x'), std::string(16, '\r')}) {
    feed(piece);
    EXPECT_EQ(client.read_chunk(), piece);
  }
  feed("");
  end();
  EXPECT_EQ(client.read_chunk(), std::nullopt);
  EXPECT_EQ(body().alive, 0);
  client.send(get_empty);
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(HttpServerStream, WhatComesMeanwhileIsAnsweredAfterwards) {
  auto client = connect();
  client.send(get_stream + get_empty);
  client.read_head();
  client.send(post("/echo", "second"));
  feed("piece");
  EXPECT_EQ(client.read_chunk(), "piece");
  end();
  EXPECT_EQ(client.read_chunk(), std::nullopt);
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read().body, "second");
}

TEST_F(HttpServerStream, MuchInputMeanwhileWaitsInTheKernel) {
  auto client = connect();
  client.send(get_stream);
  client.read_head();
  for (int i = 0; i < 20; ++i) {
    client.send(post("/echo", std::string(10'000, 'x')));
    settle();
  }
  end();
  EXPECT_EQ(client.read_chunk(), std::nullopt);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.read().body.size(), 10'000U);
  }
}

TEST_F(HttpServerStream, ClientThatLeavesCancelsTheSource) {
  auto client = connect();
  client.send(get_stream);
  client.read_head();
  settle();
  EXPECT_EQ(body().alive, 1);
  client.reset();
  until([&] { return server->connections() == 0 && body().alive == 0; });
  EXPECT_TRUE(body().cancelled);
}

// A client that has closed looks like one that has sent all and reads on, until something is sent to it.
TEST_F(HttpServerStream, ClientThatHasClosedCancelsTheSourceWithTheNextPiece) {
  auto client = connect();
  client.send(get_stream);
  client.read_head();
  settle();
  client.close();
  settle();
  EXPECT_FALSE(body().cancelled);
  feed("piece");
  until([&] { return server->connections() == 0 && body().alive == 0; });
  EXPECT_TRUE(body().cancelled);
}

TEST_F(HttpServerStream, FailingSourceLeavesTheBodyUnfinished) {
  auto client = connect();
  client.send(get_stream);
  client.read_head();
  feed("piece");
  EXPECT_EQ(client.read_chunk(), "piece");
  settle();
  body().fail();
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(body().alive, 0);
}

TEST_F(HttpServerStream, OldClientGetsTheBodyUntilTheEnd) {
  auto client = connect();
  client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  feed("one ");
  feed("two");
  end();
  EXPECT_EQ(without_date(client.read_to_end()),
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\none two");
  EXPECT_FALSE(client.was_reset());
}

TEST_F(HttpServerStream, HeadDoesNotAskTheSource) {
  auto client = connect();
  client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + get_empty);
  EXPECT_EQ(client.read_head().header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(body().alive, 0);
}

TEST_F(HttpServerStream, WaitingForAPieceIsNotTimed) {
  auto client = connect();
  client.send(get_stream);
  client.read_head();
  advance(1h);
  feed("late");
  EXPECT_EQ(client.read_chunk(), "late");
}

TEST_F(HttpServerStream, ClientThatDoesNotReadIsCutOff) {
  auto client = connect();
  client.send(get_stream);
  client.read_head();
  feed(std::string(16 * 1024 * 1024, 'x'));
  settle();
  advance(31s);
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_EQ(body().alive, 0);
}

TEST_F(HttpServerStream, AbortCancelsTheSource) {
  auto client = connect();
  client.send(get_stream);
  client.read_head();
  settle();
  server->abort();
  until([&] { return server->connections() == 0 && body().alive == 0; });
  EXPECT_TRUE(body().cancelled);
}

}  // namespace
}  // namespace tern::test
