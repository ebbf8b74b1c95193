// What a server may not do to the memory of a bot, and how a bot is told.
#include "harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::http_client::test {
namespace {

const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string many(const std::string& text, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    all += text;
  }
  return all;
}

TEST(Bounds, ABodyBeyondItsBoundIsAnError) {
  for (const auto& bytes : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"),
                            chunked + "65\r\n" + std::string(101, 'x') + "\r\n", chunked + many("1\r\nx\r\n", 102 * 6),
                            "HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x')}) {
    FakeChannel server;
    HttpClientOptions options;
    options.max_body = 100;
    Harness on(options);
    server.answer_next(FakeAnswer::raw(bytes));
    const auto text = on.failure(on.get(server.url("/path?token=secret")), errc::bad_answer);
    EXPECT_NE(text.find("more than 100 bytes"), std::string::npos) << text;
    EXPECT_NE(text.find("http://127.0.0.1:"), std::string::npos) << text;
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
    server.answer_next(FakeAnswer::with(200, std::string(100, 'x')));
    EXPECT_EQ(on.answer_of(server.url()).body.size(), 100U) << "the client goes on";
  }
}

TEST(Bounds, WhatHasNoEndIsGivenUp) {
  constexpr std::size_t much = 200'000;
  for (const auto& bytes :
       {"HTTP/1.1 200 OK\r\nX: " + std::string(much, 'x'), "HTTP/1.1 200 OK\r\n" + many("X: y\r\n", much),
        chunked + "1;a=" + std::string(much, 'x'), chunked + std::string(much, '0'),
        chunked + "0\r\n" + many("X: y\r\n", much), many("HTTP/1.1 100 Continue\r\n\r\n", much)}) {
    FakeChannel server;
    Harness on;
    server.answer_next(FakeAnswer::raw(bytes));
    EXPECT_NE(on.failure(on.get(server.url()), errc::bad_answer).find("cannot be read"), std::string::npos)
        << bytes.substr(0, 100);
  }
}

TEST(Bounds, WhatIsNoHttpIsABadAnswer) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
    FakeChannel server;
    Harness on;
    server.answer_next(FakeAnswer::raw(bytes));
    EXPECT_NE(on.failure(on.get(server.url()), errc::bad_answer).find("cannot be read"), std::string::npos) << bytes;
  }
}

TEST(Bounds, AnAnswerThatIsCutIsALostConnection) {
  for (const std::size_t cut : {0U, 10U, 30U, 60U}) {
    FakeChannel server;
    Harness on;
    server.answer_next(FakeAnswer::truncated(cut));
    EXPECT_NE(on.failure(on.send(request_of("POST", server.url())), errc::host_unreachable).find("was lost"),
              std::string::npos);
  }
}

TEST(Bounds, TimesOfZeroLeaveNoTimeAndKeepNoConnection) {
  FakeChannel server;
  HttpClientOptions no_request;
  no_request.request_timeout = 0ms;
  HttpClientOptions no_connect;
  no_connect.connect_timeout = 0ms;
  for (const auto& options : {no_request, no_connect}) {
    Harness on(options);
    on.failure(on.get(server.url()), errc::timed_out);
  }
  EXPECT_EQ(server.request_count(), 0U);
  HttpClientOptions no_keeping;
  no_keeping.idle_timeout = 0ms;
  Harness on(no_keeping);
  on.answer_of(server.url());
  on.answer_of(server.url());
  EXPECT_EQ(server.accepted(), 2U);
}

TEST(Bounds, HostsAndWaitingRequestsAreBounded) {
  FakeChannel server;
  FakeChannel other;
  HttpClientOptions options;
  options.connections_per_host = 1;
  options.waiting = 1;
  options.hosts = 1;
  Harness on(options);
  server.hold();
  auto first = on.get(server.url());
  on.run_until([&] { return server.held_count() == 1; });
  auto second = on.get(server.url());
  tern::test::drain(on.io);
  EXPECT_NE(on.failure(on.get(server.url()), errc::overloaded).find("HttpClientOptions::waiting"), std::string::npos);
  EXPECT_NE(on.failure(on.get(other.url()), errc::overloaded).find("HttpClientOptions::hosts"), std::string::npos);
  server.hold(false);
  server.release();
  EXPECT_EQ(on.finish(first).get().status, 201);
  EXPECT_EQ(on.finish(second).get().status, 201);
  EXPECT_EQ(server.accepted(), 1U);
}

}  // namespace
}  // namespace tern::http_client::test
