// Connections that are used all the time, and hosts that move.
#include "harness.hpp"
#include "ports.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::connector::test {
namespace {

TEST(Aging, BusyHostIsFollowedWhereItsNameMoves) {
  FakeNameServer names;
  FakeChannel before;
  FakeChannelOptions elsewhere;
  elsewhere.host = "127.0.0.2";
  elsewhere.port = before.port();
  FakeChannel after(elsewhere);
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}, 30));
  Harness on(asking(names));
  const std::string url = "http://channel.test:" + std::to_string(before.port());
  on.deliver(message_to(url));
  names.answer("channel.test", FakeRecords::at({"127.0.0.2"}, 30));
  for (int second = 0; second < 300; ++second) {
    on.advance(1s);  // less than an unused connection is kept
    on.deliver(message_to(url));
  }
  EXPECT_GT(after.request_count(), 0U);
  EXPECT_EQ(before.accepted(), 1U);
  before.wait_for_open_at_most(0);
  EXPECT_EQ(on.client->connections(), 1U);
}

TEST(Aging, OldConnectionEndsItsExchangeAndIsClosed) {
  FakeChannel channel;
  ConnectorOptions options;
  options.connection_lifetime = 2s;
  Harness on(options);
  channel.hold();
  auto call = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  on.advance(3s);
  EXPECT_FALSE(call.ended());
  channel.release();
  EXPECT_EQ(on.finish(call).code(), error_code());
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Aging, OldConnectionIsNotHandedToWhoWaits) {
  FakeChannel channel;
  ConnectorOptions options;
  options.connection_lifetime = 2s;
  options.in_flight = 1;
  Harness on(options);
  channel.hold();
  auto first = on.send(message_to(channel.url()));
  auto second = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  on.advance(3s);
  channel.hold(false);
  channel.release();
  EXPECT_EQ(on.finish(first).code(), error_code());
  EXPECT_EQ(on.finish(second).code(), error_code());
  EXPECT_EQ(channel.accepted(), 2U);
}

TEST(Aging, ConnectionsOfOneMomentDoNotAllEndAtOnce) {
  FakeChannel channel;
  ConnectorOptions options;
  options.connection_lifetime = 3s;  // below the time an unused connection is kept
  Harness on(options);
  channel.hold();
  std::vector<Pending<ResourceResponse>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(on.send(message_to(channel.url())));
  }
  on.run_until([&] { return channel.held_count() == 8; });
  channel.hold(false);
  channel.release();
  for (auto& call : calls) {
    EXPECT_EQ(on.finish(call).code(), error_code());
  }
  EXPECT_EQ(on.client->connections(), 8U);
  on.advance(2600ms);
  EXPECT_EQ(on.client->connections(), 8U);
  on.advance(300ms);
  EXPECT_LT(on.client->connections(), 8U);
  EXPECT_GT(on.client->connections(), 0U);
  on.advance(200ms);
  EXPECT_EQ(on.client->connections(), 0U);
}

}  // namespace
}  // namespace tern::connector::test
