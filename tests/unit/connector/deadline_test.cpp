// Deadlines and cancellation at each stage of a call.
#include "harness.hpp"
#include "ports.hpp"

#include <gtest/gtest.h>

namespace tern::connector::test {
namespace {

TEST(Deadlines, PassedDeadlineSendsNothing) {
  FakeChannel channel;
  Harness on;
  auto pending = on.send(message_to(channel.url()), Deadline::at(on.clock.now()));
  EXPECT_EQ(on.finish(pending).code(), errc::timed_out);
  EXPECT_FALSE(pending.failed_with<AmbiguousSend>());
  EXPECT_EQ(channel.accepted(), 0U);
  EXPECT_EQ(on.outcome("timeout"), 1);
}

TEST(Deadlines, ConnectingEndsAfterItsTime) {
  const FullPort full;
  Harness on;
  auto pending = on.send(message_to(full.url()));
  tern::test::drain(on.io);
  on.advance(4900ms);
  EXPECT_FALSE(pending.ended());
  on.advance(200ms);
  EXPECT_EQ(on.finish(pending).code(), errc::timed_out);
  EXPECT_FALSE(pending.failed_with<AmbiguousSend>());
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Deadlines, CallersDeadlineIsKeptWhileConnecting) {
  const FullPort full;
  Harness on;
  auto pending = on.send(message_to(full.url()), Deadline::after(1s, on.clock));
  tern::test::drain(on.io);
  on.advance(1100ms);
  EXPECT_EQ(on.finish(pending).code(), errc::timed_out);
}

TEST(Deadlines, AddressThatNeverAnswersLeavesTimeForTheNext) {
  FakeChannel channel;
  std::optional<FullPort> full;
  try {
    full.emplace(tcp::endpoint(asio::ip::address_v6::loopback(), channel.port()));
  } catch (const system_error&) {
    GTEST_SKIP() << "no IPv6, or the port is taken there";
  }
  Harness on;
  const std::string url = "http://localhost:" + std::to_string(channel.port());
  auto pending = on.send(message_to(url));
  tern::test::drain(on.io);
  EXPECT_FALSE(pending.ended());
  on.advance(300ms);
  EXPECT_EQ(on.finish(pending).code(), error_code());
  channel.close_idle_connections();
  on.deliver(message_to(url));  // the address that worked is tried first
}

TEST(Deadlines, HandshakeEndsAfterItsTime) {
  const SilentPort silent;
  ConnectorOptions options;
  options.verify_tls = false;
  Harness on(options);
  auto pending = on.send(message_to(silent.url("https")));
  tern::test::drain(on.io);
  on.advance(5100ms);
  EXPECT_EQ(on.finish(pending).code(), errc::timed_out);
  EXPECT_FALSE(pending.failed_with<AmbiguousSend>());
}

TEST(Deadlines, AnswerThatDoesNotComeIsAmbiguous) {
  FakeChannel channel;
  Harness on;
  channel.hold();
  auto pending = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  on.advance(14'900ms);
  EXPECT_FALSE(pending.ended());
  on.advance(200ms);
  on.finish(pending);
  EXPECT_TRUE(pending.failed_with<AmbiguousSend>());
  EXPECT_EQ(pending.code(), errc::timed_out);
  EXPECT_EQ(on.outcome("ambiguous"), 1);
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Deadlines, RequestThatIsNotReadToItsEndIsAmbiguous) {
  const SilentPort silent;
  Harness on;
  auto pending = on.send(message_to(silent.url("http"), std::string(32 * 1024 * 1024, 'x')));
  on.run_until([&] { return on.client->connections() == 1; });
  tern::test::drain(on.io);
  on.advance(15'100ms);
  EXPECT_TRUE(on.finish(pending).failed_with<AmbiguousSend>());
}

TEST(Deadlines, WaitingInLineEndsWithTheDeadline) {
  FakeChannel channel;
  ConnectorOptions options;
  options.in_flight = 1;
  Harness on(options);
  channel.hold();
  auto held = on.send(message_to(channel.url()));
  auto waiting = on.send(message_to(channel.url()), Deadline::after(1s, on.clock));
  auto next = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  on.advance(1100ms);
  EXPECT_EQ(on.finish(waiting).code(), errc::timed_out);
  EXPECT_FALSE(waiting.failed_with<AmbiguousSend>());
  channel.hold(false);
  channel.release();
  on.finish(held);
  EXPECT_EQ(on.finish(next).code(), error_code());
  EXPECT_EQ(channel.request_count(), 2U);
}

TEST(Cancellation, FreesThePlaceAtEachStage) {
  FakeChannel channel;
  ConnectorOptions options;
  options.in_flight = 1;
  Harness on(options);
  channel.hold();
  auto held = on.send(message_to(channel.url()));
  auto waiting = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  waiting.cancel();
  EXPECT_EQ(on.finish(waiting).code(), asio::error::operation_aborted);
  held.cancel();
  EXPECT_EQ(on.finish(held).code(), asio::error::operation_aborted);
  EXPECT_EQ(on.client->connections(), 0U);
  channel.hold(false);
  channel.release();
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(on.outcome("ok"), 1);
  EXPECT_EQ(on.outcome("ambiguous"), 0);
}

TEST(Cancellation, EndsConnecting) {
  const FullPort full;
  Harness on;
  auto pending = on.send(message_to(full.url()));
  tern::test::drain(on.io);
  pending.cancel();
  EXPECT_EQ(on.finish(pending).code(), asio::error::operation_aborted);
}

TEST(Cancellation, EndsAHandshake) {
  const SilentPort silent;
  ConnectorOptions options;
  options.verify_tls = false;
  Harness on(options);
  auto pending = on.send(message_to(silent.url("https")));
  tern::test::drain(on.io);
  pending.cancel();
  EXPECT_EQ(on.finish(pending).code(), asio::error::operation_aborted);
}

TEST(Cancellation, AfterThePlaceWasGivenNothingIsSent) {
  FakeChannel channel;
  ConnectorOptions options;
  options.in_flight = 1;
  Harness on(options);
  channel.hold();
  auto held = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  auto waiting = on.send(message_to(channel.url()));
  tern::test::drain(on.io);
  held.cancel();
  // The place passes on within one of the next handlers; the cancellation comes right behind it.
  while (!held.ended()) {
    on.io.restart();
    on.io.run_one();
  }
  waiting.cancel();
  EXPECT_EQ(on.finish(waiting).code(), asio::error::operation_aborted);
  EXPECT_EQ(channel.request_count(), 1U);
}

}  // namespace
}  // namespace tern::connector::test
