// Connections: when they are used again, when a request is repeated, and when they end.
#include "harness.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tern::http_client::test {
namespace {

TEST(Connections, AreUsedAgain) {
  FakeChannel server;
  Harness on;
  for (int i = 0; i < 5; ++i) {
    on.answer_of(server.url());
  }
  EXPECT_EQ(server.accepted(), 1U);
}

TEST(Connections, ThatTheServerHasClosedAreReplacedForAnyMethod) {
  FakeChannel server;
  Harness on;
  for (const char* method : {"GET", "POST", "PATCH"}) {
    const auto before = server.request_count();
    on.answer_of(server.url());
    server.close_idle_connections();
    EXPECT_EQ(on.answer_to(request_of(method, server.url())).status, 201);
    EXPECT_EQ(server.request_count(), before + 2);
  }
}

TEST(Connections, ThatEndInsteadOfAnsweringAreReplacedForIdempotentRequests) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    FakeChannel server;
    Harness on;
    on.answer_of(server.url());
    server.answer_next(FakeAnswer::closing());
    server.answer_next(FakeAnswer::raw("HTTP/1.1 204 No Content\r\n\r\n"));
    EXPECT_EQ(on.answer_to(request_of(method, server.url())).status, 204) << method;
    EXPECT_EQ(server.request_count(), 3U) << method;
    EXPECT_EQ(server.accepted(), 2U) << method;
  }
}

TEST(Connections, ThatEndInsteadOfAnsweringAreAnErrorForOthers) {
  for (const char* method : {"POST", "PATCH"}) {
    FakeChannel server;
    Harness on;
    on.answer_of(server.url());
    server.answer_next(FakeAnswer::closing());
    const auto text = on.failure(on.send(request_of(method, server.url())), errc::host_unreachable);
    EXPECT_NE(text.find("the request may have arrived"), std::string::npos) << text;
    EXPECT_EQ(server.request_count(), 2U) << method;
  }
}

TEST(Connections, ThatEndInsideOfAnAnswerOrAreNewAreNotReplaced) {
  FakeChannel server;
  Harness on;
  server.answer_next(FakeAnswer::closing());
  EXPECT_NE(on.failure(on.get(server.url()), errc::host_unreachable).find("was lost"), std::string::npos);
  EXPECT_EQ(server.request_count(), 1U) << "a new connection";
  on.answer_of(server.url());
  server.answer_next(FakeAnswer::truncated(10));
  EXPECT_NE(on.failure(on.get(server.url()), errc::host_unreachable).find("was lost"), std::string::npos);
  EXPECT_EQ(server.request_count(), 3U);
}

TEST(Connections, AreClosedWhenTheyAreUnused) {
  FakeChannel server;
  Harness on;
  on.answer_of(server.url());
  on.advance(3900ms);
  EXPECT_EQ(server.open(), 1U);
  on.advance(200ms);
  server.wait_for_open_at_most(0);
  EXPECT_EQ(on.answer_of(server.url()).status, 201) << "the client goes on";
}

TEST(Connections, ThatAreUnusedLeaveTheIoContextWithoutWork) {
  FakeChannel server;
  Harness on;
  on.answer_of(server.url());
  on.advance(4100ms);
  on.advance(4100ms);
  on.io.restart();
  on.io.run();  // returns
  EXPECT_EQ(on.answer_of(server.url()).status, 201);
  on.client.reset();
  on.io.restart();
  on.io.run();
  server.wait_for_open_at_most(0);
}

TEST(Connections, ToAClosedPortAreUnreachable) {
  asio::io_context io;
  const asio::ip::tcp::socket bound(io, {asio::ip::address_v4::loopback(), 0});  // not listening
  const auto origin = "http://127.0.0.1:" + std::to_string(bound.local_endpoint().port());
  Harness on;
  const auto text = on.failure(on.get(origin + "/path?token=secret"), errc::host_unreachable);
  EXPECT_TRUE(text.starts_with(origin + " could not be connected to: ")) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST(Client, ThatIsDestroyedEndsItsRequests) {
  FakeChannel server;
  Harness on;
  server.hold();
  auto held = on.get(server.url());
  on.run_until([&] { return server.held_count() == 1; });
  auto not_begun = on.client->get(server.url());
  on.client.reset();
  EXPECT_EQ(on.finish(held).code(), asio::error::operation_aborted);
  Pending<HttpResponse> late(on.io, std::move(not_begun));
  EXPECT_EQ(on.finish(late).code(), asio::error::operation_aborted);
  server.release();
  server.wait_for_open_at_most(0);
}

TEST(Client, MayBeDestroyedOnAnotherThread) {
  FakeChannel server;
  server.hold();
  auto client = std::make_unique<HttpClient>();
  std::promise<void> begun;
  error_code code;
  std::thread other([&] {
    asio::io_context io{1};
    Pending<HttpResponse> held(io, client->get(server.url()));
    begun.set_value();
    io.run();
    code = held.code();
  });
  begun.get_future().wait();
  server.wait_for(1);
  client.reset();
  other.join();
  EXPECT_EQ(code, asio::error::operation_aborted);
  server.release();
}

TEST(Client, MayOutliveTheIoContext) {
  FakeChannel server;
  HttpClient client;
  {
    asio::io_context io{1};
    EXPECT_EQ(tern::test::run_on(io, client.get(server.url())).status, 201);
  }
  server.wait_for_open_at_most(0);
  asio::io_context io{1};
  EXPECT_EQ(tern::test::run_on(io, client.get(server.url())).status, 201);
}

TEST(Client, CancelledAfterEveryHandlerThePlaceIsFree) {
  FakeChannel server;
  HttpClientOptions options;
  options.connections_per_host = 1;
  Harness on(options);
  bool complete = false;
  for (int n = 0; !complete; ++n) {
    ASSERT_LT(n, 1000);
    auto first = on.get(server.url());
    auto second = on.get(server.url());
    for (int i = 0; i < n && !second.ended(); ++i) {
      on.io.restart();
      on.io.run_one();
    }
    complete = second.ended();
    first.cancel();
    second.cancel();
    on.finish(first);
    on.finish(second);
    for (const auto& pending : {first, second}) {
      EXPECT_TRUE(pending.code() == error_code() || pending.code() == asio::error::operation_aborted)
          << n << ": " << pending.code().message();
    }
    EXPECT_EQ(on.answer_of(server.url()).status, 201);
    server.close_idle_connections();
  }
}

/// A client with two requests, one of which waits for the other.
struct Scenario {
  Scenario(asio::io_context& io, Clock& clock, const std::string& url, HttpClientOptions options)
      : client(std::move(options), clock) {
    calls.emplace_back(io, client.get(url));
    calls.emplace_back(io, client.get(url));
  }
  bool advance() const { return !(calls[0].ended() && calls[1].ended()); }
  std::vector<Pending<HttpResponse>> calls;
  HttpClient client;
};

void destroy_after_every_handler(const std::string& url, const HttpClientOptions& options, bool client_last) {
  ManualClock clock;
  bool complete = false;
  for (int n = 0; !complete; ++n) {
    ASSERT_LT(n, 1000);
    std::unique_ptr<Scenario> scenario;
    {
      asio::io_context io{1};
      scenario = std::make_unique<Scenario>(io, clock, url, options);
      for (int i = 0; i < n && scenario->advance(); ++i) {
        io.restart();
        io.run_one();
      }
      complete = !scenario->advance();
      if (!client_last) {
        scenario.reset();
      }
    }
  }
}

TEST(Client, DestroyedAfterEveryHandlerNothingIsLeft) {
  FakeChannel server;
  HttpClientOptions options;
  options.connections_per_host = 1;
  for (const bool client_last : {false, true}) {
    destroy_after_every_handler(server.url(), options, client_last);
    server.wait_for_open_at_most(0);
  }
}

}  // namespace
}  // namespace tern::http_client::test
