// Nothing leaks and nothing is used after its end, wherever a call is cut off.
#include "harness.hpp"
#include "ports.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace tern::connector::test {
namespace {

ConnectorOptions one_at_a_time() {
  ConnectorOptions options;
  options.in_flight = 1;
  return options;
}

TEST(Lifetime, AnswerCutAfterEveryByteLeavesAClientThatWorks) {
  FakeChannel channel;
  Harness on(one_at_a_time());
  bool whole = false;
  for (std::size_t cut = 0; !whole; ++cut) {
    ASSERT_LT(cut, 1000U);
    channel.answer_next(FakeAnswer::truncated(cut));
    auto pending = on.send(message_to(channel.url()));
    on.finish(pending);
    whole = pending.code() == error_code();
    EXPECT_TRUE(whole || pending.failed_with<AmbiguousSend>()) << cut;
    if (whole) {
      break;  // the channel closes a connection that the client has just kept: which of them is faster is not said
    }
    EXPECT_EQ(on.deliver(message_to(channel.url())).id().has_value(), true);
  }
}

/// A service on the client's own thread, so that each byte is a reading of its own.
awaitable<void> answer_byte_by_byte(asio::ip::tcp::acceptor& acceptor, std::string answer) {
  auto socket = co_await acceptor.async_accept(asio::deferred);
  socket.set_option(asio::ip::tcp::no_delay(true));
  std::string request(64 * 1024, '\0');
  co_await socket.async_read_some(asio::buffer(request), asio::deferred);
  for (const char& byte : answer) {
    co_await asio::async_write(socket, asio::buffer(&byte, 1), asio::deferred);
    co_await asio::post(asio::deferred);
  }
}

TEST(Lifetime, AnswerInPiecesOfOneByteIsRead) {
  Harness on;
  asio::ip::tcp::acceptor acceptor(on.io, {asio::ip::address_v4::loopback(), 0});
  for (const std::string answer : {"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{\"id\":\"a\"}",
                                   "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\na\r\n{\"id\":\"a\"}\r\n0\r\n\r\n"}) {
    bool served = false;
    asio::co_spawn(on.io, answer_byte_by_byte(acceptor, answer), [&served](std::exception_ptr error) {
      EXPECT_EQ(error, nullptr);
      served = true;
    });
    const std::string url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    EXPECT_EQ(on.deliver(message_to(url)).id(), "a");
    on.run_until([&served] { return served; });
  }
}

TEST(Lifetime, CancelledAfterEveryHandlerThePlaceIsFree) {
  FakeChannel channel;
  Harness on(one_at_a_time());
  bool complete = false;
  for (int n = 0; !complete; ++n) {
    ASSERT_LT(n, 1000);
    auto first = on.send(message_to(channel.url()));
    auto second = on.send(message_to(channel.url()));
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
    on.deliver(message_to(channel.url()));
    EXPECT_EQ(on.client->connections(), 1U);
    channel.close_idle_connections();
  }
}

/// Wheel, client and calls, destroyed in this order while the io_context lives on.
struct Scenario {
  Scenario(asio::io_context& io, Clock& clock, Metrics& metrics, ConnectorOptions options,
           const std::vector<std::string>& urls)
      : wheel(clock, io.get_executor()), client(io, wheel, clock, metrics, std::move(options)) {
    for (const std::string& url : urls) {
      activities.push_back(std::make_unique<Activity>(message_to(url)));
      calls.emplace_back(io, client.send(*activities.back(), "", Deadline::never()));
    }
  }
  std::vector<std::unique_ptr<Activity>> activities;
  std::vector<Pending<ResourceResponse>> calls;
  TimingWheel wheel;
  ConnectorClient client;
};

void destroy_after_every_handler(const std::vector<std::string>& urls, ConnectorOptions options) {
  ManualClock clock;
  Metrics metrics;
  tern::test::destroy_after_every_n_handlers(
      [&](asio::io_context& io) { return std::make_unique<Scenario>(io, clock, metrics, options, urls); });
  EXPECT_EQ(metrics.gauge("tern_connector_connections", "Open connections to channels, used and kept.").value(), 0);
}

TEST(Lifetime, DestroyedAfterEveryHandler) {
  FakeChannel channel;
  const std::string localhost = "http://localhost:" + std::to_string(channel.port());
  destroy_after_every_handler({channel.url(), channel.url(), localhost, channel.url()}, one_at_a_time());
}

TEST(Lifetime, DestroyedAfterEveryHandlerOfFailures) {
  FakeChannel channel;
  channel.answer_with([](const tern::test::FakeRequest&) { return FakeAnswer::closing(); });
  destroy_after_every_handler({channel.url(), channel.url(), "http://example.com"}, one_at_a_time());
}

TEST(Lifetime, DestroyedAfterEveryHandlerWhileANameIsResolved) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}));
  names.answer("long.test", [] {
    auto records = FakeRecords::at({"127.0.0.1"});
    records.truncated = true;  // asked for again over TCP
    return records;
  }());
  names.answer("broken.test", FakeRecords::error(2));
  const std::string port = ":" + std::to_string(channel.port());
  ConnectorOptions options = asking(names);
  options.in_flight = 1;
  destroy_after_every_handler({"http://channel.test" + port, "http://channel.test" + port, "http://long.test" + port,
                               "http://no-such-name.test" + port, "http://broken.test" + port},
                              options);
}

// Without a delay all attempts begin together, so that those that lose are under way when they do.
TEST(Lifetime, DestroyedAfterEveryHandlerOfARace) {
  FakeNameServer names;
  FakeChannel channel;
  const FullPort full(loopback("127.0.0.2", channel.port()));
  const ClosedPort closed(loopback("127.0.0.3", channel.port()));
  names.answer("channel.test", FakeRecords::at({"127.0.0.2", "127.0.0.3", "127.0.0.1"}));
  const std::string url = "http://channel.test:" + std::to_string(channel.port());
  ConnectorOptions options = asking(names);
  options.attempt_delay = 0ms;
  destroy_after_every_handler({url, url}, options);
}

TEST(Lifetime, DestroyedAfterEveryHandlerOfARaceOfHandshakes) {
  FakeNameServer names;
  const auto certificate = make_certificate("DNS:channel.test");
  FakeChannelOptions serving;
  serving.certificate = certificate.pem;
  serving.private_key = certificate.key;
  FakeChannel channel(serving);
  const SilentPort silent(loopback("127.0.0.2", channel.port()));
  names.answer("channel.test", FakeRecords::at({"127.0.0.2", "127.0.0.1"}));
  ConnectorOptions options = asking(names);
  options.attempt_delay = 0ms;
  options.verify_tls = false;
  destroy_after_every_handler({"https://channel.test:" + std::to_string(channel.port())}, options);
}

TEST(Lifetime, CancelledAfterEveryHandlerOfAResolutionAndARaceThePlaceIsFree) {
  FakeNameServer names;
  FakeChannel channel;
  const FullPort full(loopback("127.0.0.2", channel.port()));
  const std::string url = "http://channel.test:" + std::to_string(channel.port());
  bool complete = false;
  for (int n = 0; !complete; ++n) {
    ASSERT_LT(n, 1000);
    ConnectorOptions options = asking(names);
    options.in_flight = 1;
    options.attempt_delay = 0ms;
    Harness on(options);
    names.answer("channel.test", FakeRecords::at({"127.0.0.2", "127.0.0.1"}));
    auto pending = on.send(message_to(url));
    for (int i = 0; i < n && !pending.ended(); ++i) {
      on.io.restart();
      on.io.run_one();
    }
    complete = pending.ended();
    pending.cancel();
    on.finish(pending);
    EXPECT_TRUE(pending.code() == error_code() || pending.code() == asio::error::operation_aborted)
        << n << ": " << pending.code().message();
    on.deliver(message_to(url));
    EXPECT_EQ(on.client->connections(), 1U);
  }
}

TEST(Lifetime, CallsUnderWayEndWhenTheClientIsDestroyed) {
  FakeChannel channel;
  Harness on(one_at_a_time());
  channel.hold();
  auto held = on.send(message_to(channel.url()));
  auto waiting = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  Pending<bool> draining(on.io, on.client->drain(Deadline::never()));
  tern::test::drain(on.io);
  on.client.reset();
  EXPECT_EQ(on.finish(held).code(), asio::error::operation_aborted);
  EXPECT_EQ(on.finish(waiting).code(), asio::error::operation_aborted);
  EXPECT_EQ(on.finish(draining).code(), asio::error::operation_aborted);
  EXPECT_EQ(on.open_connections(), 0);
}

}  // namespace
}  // namespace tern::connector::test
