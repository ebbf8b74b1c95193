// The bound on the connections to all hosts together.
#include "harness.hpp"
#include "ports.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace tern::connector::test {
namespace {

ConnectorOptions connections(std::size_t count) {
  ConnectorOptions options;
  options.connections = count;
  return options;
}

using Sends = std::vector<Pending<ResourceResponse>>;

Sends send_to(Harness& on, const std::string& url, int count) {
  Sends sends;
  for (int i = 0; i < count; ++i) {
    sends.push_back(on.send(message_to(url)));
  }
  tern::test::drain(on.io);
  return sends;
}

std::size_t delivered(const Sends& sends) {
  return static_cast<std::size_t>(std::count_if(
      sends.begin(), sends.end(), [](const auto& send) { return send.ended() && send.code() == error_code(); }));
}

TEST(Sockets, HostsThatHangLeaveAQuarterToThoseThatHaveAnswered) {
  FakeChannel known;
  std::deque<FakeChannel> hanging(3);
  Harness on(connections(8));
  on.deliver(message_to(known.url()));
  std::vector<Sends> stuck;
  for (auto& channel : hanging) {
    channel.hold();
    stuck.push_back(send_to(on, channel.url(), 10));
  }
  const auto all_held = [&] { return hanging[0].held_count() + hanging[1].held_count() + hanging[2].held_count(); };
  on.run_until([&] { return all_held() == 6; });
  EXPECT_EQ(on.client->connections(), 7U);
  auto sends = send_to(on, known.url(), 20);
  on.run_until([&] { return delivered(sends) == 20; });
  EXPECT_EQ(all_held(), 6U);
  EXPECT_LE(on.client->connections(), 8U);
  on.advance(15'100ms);
  for (auto& calls : stuck) {
    for (auto& call : calls) {
      EXPECT_EQ(on.finish(call).code(), errc::timed_out);
    }
  }
  for (auto& channel : hanging) {
    channel.hold(false);
    on.deliver(message_to(channel.url()));
  }
}

TEST(Sockets, WhatHasNoneWaitsForItsTurnAmongTheHosts) {
  std::deque<FakeChannel> channels(3);
  Harness on(connections(2));  // one for strangers
  channels[0].hold();
  auto first = send_to(on, channels[0].url(), 5);
  on.run_until([&] { return channels[0].held_count() == 1; });
  auto second = send_to(on, channels[1].url(), 5);
  auto third = send_to(on, channels[2].url(), 5);
  EXPECT_EQ(channels[1].accepted() + channels[2].accepted(), 0U);
  channels[0].hold(false);
  channels[0].release();
  on.run_until([&] { return delivered(first) + delivered(second) + delivered(third) == 15; });
  EXPECT_LE(on.client->connections(), 2U);
}

TEST(Sockets, OneThatIsKeptIsClosedForAnotherHost) {
  std::deque<FakeChannel> channels(4);
  Harness on(connections(3));
  for (auto& channel : channels) {
    on.deliver(message_to(channel.url()));
  }
  EXPECT_EQ(on.client->connections(), 3U);
  channels[0].wait_for_open_at_most(0);  // unused for longest
  on.deliver(message_to(channels[1].url()));
  EXPECT_EQ(channels[1].accepted(), 1U);
}

TEST(Sockets, ABusyHostHandsItsOwnOnAndLetsOthersHaveTheirTurn) {
  FakeChannel busy;
  FakeChannel other;
  Harness on(connections(1));
  on.deliver(message_to(busy.url()));
  on.deliver(message_to(other.url()));
  on.deliver(message_to(busy.url()));
  const auto accepted = busy.accepted();
  busy.hold();
  auto sends = send_to(on, busy.url(), 6);
  on.run_until([&] { return busy.held_count() == 1; });
  auto waits = send_to(on, other.url(), 1);
  busy.release();
  on.run_until([&] { return delivered(sends) == 1 && busy.held_count() == 1; });
  EXPECT_EQ(busy.accepted(), accepted) << "it is not made anew for each request";
  EXPECT_EQ(delivered(waits), 0U);
  on.advance(1'100ms);
  busy.release();
  on.run_until([&] { return delivered(waits) == 1; });
  busy.hold(false);
  busy.release();
  on.run_until([&] {
    busy.release();
    return delivered(sends) == 6;
  });
}

TEST(Sockets, WhoGivesUpWaitingLosesNobodyHisTurn) {
  FakeChannel busy;
  std::deque<FakeChannel> others(2);
  Harness on(connections(1));
  busy.hold();
  auto holds = send_to(on, busy.url(), 1);
  on.run_until([&] { return busy.held_count() == 1; });
  auto gone = send_to(on, others[0].url(), 1);
  auto stays = send_to(on, others[1].url(), 1);
  gone[0].cancel();
  on.finish(gone[0]);
  auto late = on.send(message_to(others[0].url()), Deadline::after(1s, on.clock));
  on.advance(1'100ms);
  EXPECT_EQ(on.finish(late).code(), errc::timed_out);
  EXPECT_FALSE(late.failed_with<AmbiguousSend>());
  busy.release();
  on.run_until([&] { return delivered(stays) == 1; });
}

TEST(Sockets, CancelledAfterItWasGivenGoesToTheNext) {
  FakeChannel busy;
  std::deque<FakeChannel> others(2);
  Harness on(connections(1));
  busy.hold();
  auto holds = send_to(on, busy.url(), 1);
  on.run_until([&] { return busy.held_count() == 1; });
  auto gone = send_to(on, others[0].url(), 1);
  auto stays = send_to(on, others[1].url(), 1);
  holds[0].cancel();
  gone[0].cancel();
  on.finish(gone[0]);
  on.run_until([&] { return delivered(stays) == 1; });
  EXPECT_EQ(others[0].request_count(), 0U);
}

TEST(Sockets, AHostThatAnswersIsNoStrangerAnyMore) {
  std::deque<FakeChannel> channels(3);
  Harness on(connections(4));  // three for strangers
  for (auto& channel : channels) {
    on.deliver(message_to(channel.url()));
  }
  EXPECT_EQ(on.client->connections(), 3U);
  FakeChannel hanging;
  hanging.hold();
  auto stuck = send_to(on, hanging.url(), 5);
  on.run_until([&] { return hanging.held_count() == 3; });
  EXPECT_EQ(on.client->connections(), 4U);
  channels[0].wait_for_open_at_most(0);
}

TEST(Sockets, EveryAddressOfAHostIsTriedWithOne) {
  FakeChannel channel;
  const FullPort one(loopback("127.0.0.2", channel.port()));
  const FullPort two(loopback("127.0.0.3", channel.port()));
  FakeNameServer names;
  names.answer("channel.test", FakeRecords::at({"127.0.0.2", "127.0.0.3", "127.0.0.1"}));
  auto options = asking(names);
  options.connections = 1;
  Harness on(options);
  auto call = on.send(message_to("http://channel.test:" + std::to_string(channel.port())));
  on.run_until([&on] { return on.resolutions("found") == 1; });
  tern::test::drain(on.io);
  on.advance(300ms);
  on.advance(300ms);
  EXPECT_EQ(on.finish(call).code(), error_code());
  on.deliver(message_to("http://channel.test:" + std::to_string(channel.port())));
  EXPECT_EQ(channel.accepted(), 1U);
}

TEST(Sockets, NobodyIsLeftWhenTheClientIsDestroyed) {
  std::deque<FakeChannel> channels(3);
  Harness on(connections(2));
  std::vector<Sends> all;
  for (auto& channel : channels) {
    channel.hold();
    all.push_back(send_to(on, channel.url(), 3));
  }
  on.run_until([&] { return channels[0].held_count() == 1; });
  on.client.reset();
  for (auto& sends : all) {
    for (auto& send : sends) {
      EXPECT_EQ(on.finish(send).code(), asio::error::operation_aborted);
    }
  }
}

}  // namespace
}  // namespace tern::connector::test
