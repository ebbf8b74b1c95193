// A request ends at its deadline wherever it is.
#include "harness.hpp"
#include "support/fake_name_server.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tern::http_client::test {
namespace {

using asio::ip::tcp;

/// A port that takes connections and says nothing.
struct SilentServer {
  asio::io_context io;
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  std::string at(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  }
};

std::string late(Harness& on, const std::string& url, const std::function<bool()>& reached) {
  auto pending = on.get(url, Deadline::after(3s, on.clock));
  on.run_until(reached);
  on.advance(2900ms);
  EXPECT_FALSE(pending.ended());
  on.advance(200ms);
  return on.failure(std::move(pending), errc::timed_out);
}

TEST(Deadlines, OfANameThatIsNotResolved) {
  tern::test::FakeNameServer names;
  tern::test::FakeRecords silence;
  silence.silent = true;
  names.answer("silent.test", silence);
  HttpClientOptions options;
  options.nameservers = "127.0.0.1:" + std::to_string(names.endpoint().port());
  Harness on(options);
  EXPECT_NE(late(on, "http://silent.test/", [&] { return names.questions() == 2; }).find("not resolved in time"),
            std::string::npos);
}

TEST(Deadlines, OfAHandshakeThatDoesNotEnd) {
  SilentServer server;
  Harness on;
  std::size_t steps = 0;
  EXPECT_NE(late(on, server.at("https"), [&] { return ++steps > 3; }).find("could not be connected to"),
            std::string::npos);
}

TEST(Deadlines, OfAnAnswerThatDoesNotCome) {
  FakeChannel server;
  Harness on;
  server.hold();
  const auto text = late(on, server.url("/path?token=secret"), [&] { return server.held_count() == 1; });
  EXPECT_TRUE(text.starts_with(server.url() + " has not answered in time")) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST(Deadlines, OfAnAnswerThatDoesNotEnd) {
  FakeChannel server;
  Harness on;
  server.answer_next(FakeAnswer::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"));
  const auto text = late(on, server.url(), [&] { return server.request_count() == 1; });
  EXPECT_TRUE(text.starts_with(server.url() + " has not answered in time")) << text;
}

TEST(Deadlines, OfARequestThatIsNotTaken) {
  SilentServer server;
  Harness on;
  auto pending =
      on.send(request_of("POST", server.at("http"), std::string(64 << 20, 'x')), Deadline::after(3s, on.clock));
  tern::test::drain(on.io);
  on.advance(3100ms);
  const auto text = on.failure(std::move(pending), errc::timed_out);
  EXPECT_NE(text.find("has not answered in time; the request may have arrived"), std::string::npos) << text;
}

TEST(Deadlines, OfAConnectionThatDoesNotBecomeFree) {
  FakeChannel server;
  HttpClientOptions options;
  options.connections_per_host = 1;
  Harness on(options);
  server.hold();
  auto first = on.get(server.url());
  on.run_until([&] { return server.held_count() == 1; });
  auto second = on.get(server.url(), Deadline::after(1s, on.clock));
  on.advance(1100ms);
  EXPECT_NE(on.failure(std::move(second), errc::timed_out).find("became free"), std::string::npos);
  server.release();
  EXPECT_EQ(on.finish(first).get().status, 201);
}

TEST(Deadlines, OfATunnelThatIsNotOpened) {
  ProxyServer proxy;
  proxy.answer_with("");
  const Environment environment({{"https_proxy", proxy.url()}});
  Harness on;
  EXPECT_NE(late(on, "https://api.test/", [&] { return proxy.heads().size() == 1; }).find("through the proxy"),
            std::string::npos);
}

TEST(Deadlines, OfAllRequestsAreThoseOfTheOptions) {
  FakeChannel server;
  HttpClientOptions options;
  options.request_timeout = 1s;
  Harness on(options);
  server.hold();
  auto pending = on.get(server.url());
  on.run_until([&] { return server.held_count() == 1; });
  on.advance(1100ms);
  EXPECT_NE(on.failure(std::move(pending), errc::timed_out).find("has not answered in time"), std::string::npos);
  EXPECT_NE(on.failure(on.get(server.url(), Deadline::at(on.clock.now())), errc::timed_out).find("had passed"),
            std::string::npos);
}

}  // namespace
}  // namespace tern::http_client::test
