#include "tls_harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::connector::test {
namespace {

TEST(Tls, MessageReachesAServiceWithATrustedCertificate) {
  const auto certificate = make_certificate("DNS:localhost,IP:127.0.0.1");
  const TrustOnly trust(certificate.pem);
  FakeChannel channel(serving(certificate));
  Harness on;
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "mock-1");
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "mock-2");
  EXPECT_EQ(channel.accepted(), 1U) << "the connection is used again";
  on.deliver(message_to("https://localhost:" + std::to_string(channel.port())));
  EXPECT_EQ(channel.request_count(), 3U);
}

TEST(Tls, CertificateNobodyTrustsIsRefused) {
  const auto certificate = make_certificate("DNS:localhost,IP:127.0.0.1");
  const auto other = make_certificate("DNS:localhost,IP:127.0.0.1");
  const TrustOnly trust(other.pem);
  FakeChannel channel(serving(certificate));
  Harness on;
  auto pending = on.send(message_to(channel.url()));
  EXPECT_EQ(on.finish(pending).code(), errc::channel_unreachable);
  EXPECT_FALSE(pending.failed_with<AmbiguousSend>());
  EXPECT_EQ(channel.request_count(), 0U);
}

TEST(Tls, CertificateOfAnotherHostIsRefused) {
  const auto certificate = make_certificate("DNS:other.example");
  const TrustOnly trust(certificate.pem);
  FakeChannel channel(serving(certificate));
  Harness on;
  auto pending = on.send(message_to(channel.url()));
  EXPECT_EQ(on.finish(pending).code(), errc::channel_unreachable);
  EXPECT_EQ(channel.request_count(), 0U);
}

TEST(Tls, VerificationCanBeTurnedOff) {
  const auto certificate = make_certificate("DNS:other.example");
  FakeChannel channel(serving(certificate));
  ConnectorOptions options;
  options.verify_tls = false;
  Harness on(options);
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "mock-1");
}

TEST(Tls, PlainServiceIsUnreachableOverTls) {
  FakeChannel channel;
  ConnectorOptions options;
  options.verify_tls = false;
  Harness on(options);
  auto pending = on.send(message_to("https://127.0.0.1:" + std::to_string(channel.port())));
  EXPECT_EQ(on.finish(pending).code(), errc::channel_unreachable);
}

TEST(Tls, LostConnectionsAreTreatedAsWithoutTls) {
  const auto certificate = make_certificate("DNS:localhost");
  FakeChannel channel(serving(certificate));
  ConnectorOptions options;
  options.verify_tls = false;
  options.in_flight = 1;
  Harness on(options);
  on.deliver(message_to(channel.url()));
  channel.close_idle_connections();
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(channel.accepted(), 2U);
  channel.answer_next(FakeAnswer::closing());
  auto lost = on.send(message_to(channel.url()));
  EXPECT_TRUE(on.finish(lost).failed_with<AmbiguousSend>());
  channel.hold();
  auto late = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  on.advance(15'100ms);
  EXPECT_TRUE(on.finish(late).failed_with<AmbiguousSend>());
  auto cancelled = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 2; });
  cancelled.cancel();
  EXPECT_EQ(on.finish(cancelled).code(), asio::error::operation_aborted);
  channel.hold(false);
  on.deliver(message_to(channel.url(), std::string(2 * 1024 * 1024, 'x')));
}

TEST(Tls, CancelledAfterEveryHandlerThePlaceIsFree) {
  const auto certificate = make_certificate("DNS:localhost");
  FakeChannel channel(serving(certificate));
  ConnectorOptions options;
  options.verify_tls = false;
  options.in_flight = 1;
  Harness on(options);
  bool complete = false;
  for (int n = 0; !complete; ++n) {
    ASSERT_LT(n, 1000);
    auto pending = on.send(message_to(channel.url()));
    for (int i = 0; i < n && !pending.ended(); ++i) {
      on.io.restart();
      on.io.run_one();
    }
    complete = pending.ended();
    pending.cancel();
    on.finish(pending);
    EXPECT_TRUE(pending.code() == error_code() || pending.code() == asio::error::operation_aborted)
        << n << ": " << pending.code().message();
    on.deliver(message_to(channel.url()));
    channel.close_idle_connections();
  }
}

}  // namespace
}  // namespace tern::connector::test
