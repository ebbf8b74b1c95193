// Hosts with several addresses, of which some do not answer.
#include "harness.hpp"
#include "ports.hpp"

#include <gtest/gtest.h>

#include <list>
#include <string>
#include <vector>

namespace tern::connector::test {
namespace {

FakeChannelOptions serving_with(const TestCertificate& certificate) {
  FakeChannelOptions options;
  options.certificate = certificate.pem;
  options.private_key = certificate.key;
  return options;
}

std::string url_with(const std::string& scheme, const FakeChannel& channel) {
  return scheme + "://channel.test:" + std::to_string(channel.port());
}

/// A client that knows channel.test at `addresses`, in this order.
struct Racing {
  explicit Racing(std::vector<std::string> addresses, ConnectorOptions options = {}) : on(with(std::move(options))) {
    names.answer("channel.test", FakeRecords::at(std::move(addresses)));
  }
  ConnectorOptions with(ConnectorOptions options) {
    options.loopback_only = false;
    options.nameservers = {names.endpoint()};
    options.verify_tls = false;
    return options;
  }
  /// Starts a call and runs it until its name is known and nothing is left to do without the clock.
  Pending<ResourceResponse> start(const std::string& url) {
    auto call = on.send(message_to(url));
    on.run_until([this] { return on.resolutions("found") == 1; });
    tern::test::drain(on.io);
    return call;
  }
  FakeNameServer names;
  Harness on;
};

TEST(Race, AddressThatHangsLosesToTheNextAfterItsDelay) {
  FakeChannel channel;
  const FullPort full(loopback("127.0.0.2", channel.port()));
  Racing racing({"127.0.0.2", "127.0.0.1"});
  auto call = racing.start(url_with("http", channel));
  racing.on.advance(200ms);
  EXPECT_EQ(channel.accepted(), 0U);
  racing.on.advance(100ms);
  EXPECT_EQ(racing.on.finish(call).code(), error_code());
  channel.close_idle_connections();
  racing.on.deliver(message_to(url_with("http", channel)));  // the address that worked is tried first
  EXPECT_EQ(racing.on.client->connections(), 1U);
}

TEST(Race, AddressThatHangsInItsHandshakeLosesToo) {
  const auto certificate = make_certificate("DNS:channel.test");
  FakeChannel channel(serving_with(certificate));
  const SilentPort silent(loopback("127.0.0.2", channel.port()));
  Racing racing({"127.0.0.2", "127.0.0.1"});
  auto call = racing.start(url_with("https", channel));
  racing.on.advance(300ms);
  EXPECT_EQ(racing.on.finish(call).code(), error_code());
  channel.close_idle_connections();
  racing.on.deliver(message_to(url_with("https", channel)));
  EXPECT_EQ(racing.on.client->connections(), 1U);
  EXPECT_EQ(racing.on.open_connections(), 1);
}

TEST(Race, AddressThatRefusesIsFollowedByTheNextAtOnce) {
  FakeChannel channel;
  const ClosedPort one(loopback("127.0.0.2", channel.port()));
  const ClosedPort two(loopback("127.0.0.3", channel.port()));
  Racing racing({"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  racing.on.deliver(message_to(url_with("http", channel)));
  EXPECT_EQ(channel.request_count(), 1U);
}

TEST(Race, AddressWithoutTlsIsFollowedByTheNextAtOnce) {
  const auto certificate = make_certificate("DNS:channel.test");
  FakeChannel channel(serving_with(certificate));
  FakeChannelOptions plainly;
  plainly.host = "127.0.0.2";
  plainly.port = channel.port();
  FakeChannel plain(plainly);
  Racing racing({"127.0.0.2", "127.0.0.1"});
  racing.on.deliver(message_to(url_with("https", channel)));
  EXPECT_EQ(channel.request_count(), 1U);
}

TEST(Race, FirstAddressWinsAgainstAnAttemptBesideIt) {
  const auto certificate = make_certificate("DNS:channel.test");
  FakeChannel channel(serving_with(certificate));
  const SilentPort silent(loopback("127.0.0.3", channel.port()));
  ConnectorOptions options;
  options.attempt_delay = 0ms;  // all at once
  Racing racing({"127.0.0.1", "127.0.0.3"}, options);
  racing.on.deliver(message_to(url_with("https", channel)));
  EXPECT_EQ(racing.on.client->connections(), 1U);
}

TEST(Race, AllAddressesAreTriedHoweverLittleTimeThereIs) {
  FakeChannel channel;
  std::list<FullPort> full;
  std::vector<std::string> addresses;
  for (int i = 2; i <= 9; ++i) {
    addresses.push_back("127.0.0." + std::to_string(i));
    full.emplace_back(loopback(addresses.back(), channel.port()));
  }
  addresses.emplace_back("127.0.0.1");
  ConnectorOptions options;
  options.connect_timeout = 1s;  // eight delays are two
  Racing racing(std::move(addresses), options);
  auto call = racing.start(url_with("http", channel));
  for (int i = 0; i < 19; ++i) {
    racing.on.advance(50ms);
  }
  EXPECT_EQ(racing.on.finish(call).code(), error_code());
}

TEST(Race, AllThatHangAreLateTogether) {
  FakeChannel channel;
  const FullPort one(loopback("127.0.0.2", channel.port()));
  const FullPort two(loopback("127.0.0.3", channel.port()));
  ConnectorOptions options;
  options.in_flight = 1;
  Racing racing({"127.0.0.2", "127.0.0.3"}, options);
  auto call = racing.start(url_with("http", channel));
  racing.on.advance(4900ms);
  EXPECT_FALSE(call.ended());
  racing.on.advance(200ms);
  EXPECT_EQ(racing.on.finish(call).code(), errc::timed_out);
  EXPECT_FALSE(call.failed_with<AmbiguousSend>());
  EXPECT_EQ(racing.on.client->connections(), 0U);
  racing.names.answer("channel.test", FakeRecords::at({"127.0.0.1"}));
  racing.on.advance(100ms);
  racing.on.deliver(message_to(url_with("http", channel)));  // its place is free, and the name is asked for again
}

TEST(Race, AttemptsOfOneCallTakeOnePlace) {
  FakeChannel channel;
  const FullPort full(loopback("127.0.0.2", channel.port()));
  ConnectorOptions options;
  options.in_flight = 2;
  options.attempt_delay = 0ms;
  Racing racing({"127.0.0.2", "127.0.0.1"}, options);
  channel.hold();
  std::vector<Pending<ResourceResponse>> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(racing.on.send(message_to(url_with("http", channel))));
  }
  racing.on.run_until([&] { return channel.held_count() == 2; });
  EXPECT_EQ(racing.on.client->connections(), 2U);
  channel.hold(false);
  channel.release();
  for (auto& call : calls) {
    EXPECT_EQ(racing.on.finish(call).code(), error_code());
  }
}

TEST(Race, CancellationEndsAllAttempts) {
  FakeChannel channel;
  const FullPort one(loopback("127.0.0.2", channel.port()));
  const FullPort two(loopback("127.0.0.3", channel.port()));
  ConnectorOptions options;
  options.in_flight = 1;
  Racing racing({"127.0.0.2", "127.0.0.3"}, options);
  auto call = racing.start(url_with("http", channel));
  racing.on.advance(300ms);
  call.cancel();
  EXPECT_EQ(racing.on.finish(call).code(), asio::error::operation_aborted);
  racing.on.client.reset();
  racing.on.io.restart();
  racing.on.io.run();  // nothing is left of them
}

TEST(Race, AttemptsEndWhenTheClientIsDestroyed) {
  FakeChannel channel;
  const FullPort one(loopback("127.0.0.2", channel.port()));
  const FullPort two(loopback("127.0.0.3", channel.port()));
  Racing racing({"127.0.0.2", "127.0.0.3"});
  auto call = racing.start(url_with("http", channel));
  racing.on.advance(300ms);
  racing.on.client.reset();
  EXPECT_EQ(racing.on.finish(call).code(), asio::error::operation_aborted);
}

}  // namespace
}  // namespace tern::connector::test
