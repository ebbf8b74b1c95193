// Connections: how many, which is used, when they end, and who waits.
#include "harness.hpp"
#include "ports.hpp"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace tern::connector::test {
namespace {

std::string text_of(const tern::test::FakeRequest& request) {
  return std::string(json::parse(request.body).at("text").as_string());
}

ConnectorOptions in_flight(std::size_t count) {
  ConnectorOptions options;
  options.in_flight = count;
  return options;
}

TEST(Pool, ConnectionIsUsedAgain) {
  FakeChannel channel;
  Harness on;
  for (int i = 0; i < 5; ++i) {
    on.deliver(message_to(channel.url()));
  }
  EXPECT_EQ(channel.accepted(), 1U);
  EXPECT_EQ(on.client->connections(), 1U);
  EXPECT_EQ(on.open_connections(), 1);
}

// Whoever waited for a connection may have lost the right to send meanwhile.
TEST(Pool, WhatMayNotBeginAnyMoreIsNotWritten) {
  FakeChannel channel;
  Harness on(in_flight(1));
  channel.answer_next(FakeAnswer::holding());
  auto first = on.send(message_to(channel.url(), "first"));
  on.run_until([&] { return channel.held_count() == 1; });
  bool may = true;
  auto second = on.send_if(message_to(channel.url(), "second"), [&may] { return may; });
  may = false;
  channel.release();
  on.finish(first);
  on.finish(second);
  EXPECT_EQ(second.code(), errc::timed_out);
  EXPECT_FALSE(second.failed_with<AmbiguousSend>());
  may = true;
  auto third = on.send_if(message_to(channel.url(), "third"), [&may] { return may; });
  on.finish(third);
  EXPECT_EQ(text_of(channel.wait_for(2).back()), "third");
  EXPECT_EQ(channel.accepted(), 1U) << "the connection is as good as before";
}

TEST(Pool, ConnectionUsedLastIsUsedFirst) {
  FakeChannel channel;
  Harness on;
  channel.answer_next(FakeAnswer::holding());
  auto slow = on.send(message_to(channel.url(), "slow"));
  on.run_until([&] { return channel.held_count() == 1; });
  on.deliver(message_to(channel.url(), "quick"));
  channel.release();
  on.finish(slow);
  const auto before = channel.wait_for(2);
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(channel.wait_for(3)[2].connection, before[0].connection);
}

TEST(Pool, ConnectionClosedByTheChannelIsReplacedBeforeWriting) {
  FakeChannel channel;
  Harness on;
  on.deliver(message_to(channel.url()));
  channel.close_idle_connections();
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "mock-2");
  EXPECT_EQ(channel.accepted(), 2U);
  EXPECT_EQ(channel.request_count(), 2U);
  EXPECT_EQ(on.client->connections(), 1U);
}

TEST(Pool, AllClosedConnectionsArePassedOver) {
  FakeChannel channel;
  Harness on;
  channel.hold();
  std::vector<Pending<ResourceResponse>> sends;
  for (int i = 0; i < 4; ++i) {
    sends.push_back(on.send(message_to(channel.url())));
  }
  on.run_until([&] { return channel.held_count() == 4; });
  channel.hold(false);
  channel.release();
  on.run_until([&] { return sends[0].ended() && sends[1].ended() && sends[2].ended() && sends[3].ended(); });
  EXPECT_EQ(on.client->connections(), 4U);
  channel.close_idle_connections();
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(on.client->connections(), 1U);
  EXPECT_EQ(on.open_connections(), 1);
}

TEST(Pool, BytesNobodyAskedForEndAConnection) {
  FakeChannel channel;
  Harness on;
  channel.answer_next(FakeAnswer::raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"));
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(on.client->connections(), 0U);
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(channel.accepted(), 2U);
}

TEST(Pool, ConnectionCloseIsRespected) {
  FakeChannel channel;
  Harness on;
  channel.answer_next(FakeAnswer::with(200, "", {{"Connection", "close"}}));
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(on.client->connections(), 0U);
  channel.answer_next(FakeAnswer::raw("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Pool, UnusedConnectionIsClosedAfterItsTime) {
  FakeChannel channel;
  Harness on;
  on.deliver(message_to(channel.url()));
  on.advance(3900ms);
  EXPECT_EQ(on.client->connections(), 1U);
  on.advance(200ms);
  EXPECT_EQ(on.client->connections(), 0U);
  EXPECT_EQ(on.open_connections(), 0);
  channel.wait_for_open_at_most(0);
}

TEST(Pool, KeepAliveOfTheChannelShortensTheTime) {
  FakeChannel channel;
  Harness on;
  channel.answer_next(FakeAnswer::with(200, "", {{"Keep-Alive", "timeout=3"}}));
  on.deliver(message_to(channel.url()));
  on.advance(1900ms);
  EXPECT_EQ(on.client->connections(), 1U);
  on.advance(200ms);
  EXPECT_EQ(on.client->connections(), 0U);
  channel.answer_next(FakeAnswer::with(200, "", {{"Keep-Alive", "timeout=1"}}));
  on.deliver(message_to(channel.url()));
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Pool, NoMoreConnectionsThanAllowedAndTheRestInOrder) {
  FakeChannel channel;
  Harness on(in_flight(2));
  channel.hold();
  std::vector<Pending<ResourceResponse>> sends;
  for (int i = 0; i < 12; ++i) {
    sends.push_back(on.send(message_to(channel.url(), std::to_string(i))));
  }
  for (std::size_t n = 2; n <= 12; ++n) {
    on.run_until([&] { return channel.request_count() == n; });
    tern::test::drain(on.io);
    EXPECT_EQ(channel.request_count(), n) << "no more than two at once";
    channel.release(1);
  }
  channel.hold(false);
  channel.release();
  for (auto& send : sends) {
    on.finish(send);
    EXPECT_EQ(send.code(), error_code());
  }
  EXPECT_EQ(channel.accepted(), 2U);
  const auto requests = channel.requests();
  for (std::size_t i = 2; i < requests.size(); ++i) {
    EXPECT_EQ(text_of(requests[i]), std::to_string(i));
  }
}

TEST(Pool, NewcomerDoesNotOvertakeWhoWaits) {
  FakeChannel channel;
  Harness on(in_flight(1));
  channel.hold();
  auto first = on.send(message_to(channel.url(), "first"));
  auto second = on.send(message_to(channel.url(), "second"));
  on.run_until([&] { return channel.held_count() == 1; });
  channel.hold(false);
  channel.release();
  on.run_until([&] { return first.ended(); });
  auto third = on.send(message_to(channel.url(), "third"));
  on.finish(third);
  const auto requests = channel.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(text_of(requests[1]), "second");
  EXPECT_EQ(text_of(requests[2]), "third");
}

TEST(Pool, LineThatIsFullIsOverloaded) {
  FakeChannel channel;
  ConnectorOptions options = in_flight(1);
  options.waiting = 2;
  Harness on(options);
  channel.hold();
  std::vector<Pending<ResourceResponse>> sends;
  for (int i = 0; i < 4; ++i) {
    sends.push_back(on.send(message_to(channel.url())));
  }
  on.run_until([&] { return sends[3].ended(); });
  EXPECT_EQ(sends[3].code(), errc::overloaded);
  EXPECT_EQ(on.outcome("overloaded"), 1);
  FakeChannel other;
  on.deliver(message_to(other.url()));  // another host is not concerned
  channel.hold(false);
  channel.release();
  on.run_until([&] { return sends[0].ended() && sends[1].ended() && sends[2].ended(); });
}

TEST(Pool, RefusedConnectionIsUnreachableAndGivesItsPlaceBack) {
  const ClosedPort closed;
  Harness on(in_flight(1));
  for (int i = 0; i < 3; ++i) {
    auto pending = on.send(message_to(closed.url()));
    EXPECT_EQ(on.finish(pending).code(), errc::channel_unreachable);
    EXPECT_FALSE(pending.failed_with<AmbiguousSend>());
  }
  EXPECT_EQ(on.outcome("unreachable"), 3);
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Pool, PlaceOfAFailureGoesToTheNextInLine) {
  const ClosedPort closed;
  Harness on(in_flight(1));
  std::vector<Pending<ResourceResponse>> sends;
  for (int i = 0; i < 5; ++i) {
    sends.push_back(on.send(message_to(closed.url())));
  }
  for (auto& send : sends) {
    EXPECT_EQ(on.finish(send).code(), errc::channel_unreachable);
  }
}

TEST(Pool, RequestThatWasWrittenIsNotWrittenAgain) {
  FakeChannel channel;
  Harness on;
  on.deliver(message_to(channel.url()));
  for (const auto& answer : {FakeAnswer::closing(), FakeAnswer::resetting(), FakeAnswer::truncated(20),
                             FakeAnswer::raw("no HTTP at all\r\n\r\n")}) {
    const std::size_t before = channel.request_count();
    channel.answer_next(answer);
    auto pending = on.send(message_to(channel.url()));
    on.finish(pending);
    EXPECT_TRUE(pending.failed_with<AmbiguousSend>());
    EXPECT_EQ(pending.code(), errc::channel_unreachable);
    EXPECT_EQ(channel.request_count(), before + 1);
  }
  EXPECT_EQ(on.outcome("ambiguous"), 4);
  on.deliver(message_to(channel.url()));
}

TEST(Pool, FreshConnectionClosedUnreadIsAmbiguousOrUnreachableButNeverRepeated) {
  FakeChannel channel;
  Harness on;
  channel.close_next_connections(1);
  auto pending = on.send(message_to(channel.url()));
  on.finish(pending);
  EXPECT_EQ(pending.code(), errc::channel_unreachable);
  EXPECT_EQ(channel.request_count(), 0U);
  EXPECT_EQ(channel.accepted(), 1U);
}

TEST(Pool, BothAddressesOfLocalhostAreTried) {
  for (const char* address : {"127.0.0.1", "::1"}) {
    FakeChannelOptions options;
    options.host = address;
    std::unique_ptr<FakeChannel> channel;
    try {
      channel = std::make_unique<FakeChannel>(options);
    } catch (const system_error&) {
      continue;  // this machine has no IPv6
    }
    Harness on;
    const std::string url = "http://localhost:" + std::to_string(channel->port());
    on.deliver(message_to(url));
    channel->close_idle_connections();
    on.deliver(message_to(url));
    EXPECT_EQ(channel->accepted(), 2U) << address;
  }
}

TEST(Pool, HostUnusedForLongestIsForgotten) {
  ConnectorOptions options;
  options.hosts = 2;
  Harness on(options);
  FakeChannel a;
  FakeChannel b;
  FakeChannel c;
  on.deliver(message_to(a.url()));
  on.deliver(message_to(b.url()));
  on.deliver(message_to(a.url()));
  on.deliver(message_to(c.url()));
  b.wait_for_open_at_most(0);
  EXPECT_EQ(on.client->connections(), 2U);
  on.deliver(message_to(a.url()));
  EXPECT_EQ(a.accepted(), 1U);
}

// The client remembers where the serviceUrl that it used last leads to, but not one as long as this.
TEST(Pool, AHostThatWasForgottenIsFoundAgain) {
  ConnectorOptions options;
  options.hosts = 1;
  Harness on(options);
  FakeChannel a;
  FakeChannel b;
  on.deliver(message_to(a.url()));
  on.deliver(message_to(b.url() + "/" + std::string(1'000, 'p')));
  a.wait_for_open_at_most(0);
  on.deliver(message_to(a.url()));
  EXPECT_EQ(a.accepted(), 2U);
}

TEST(Pool, EachServiceUrlKeepsItsOwnPath) {
  Harness on;
  FakeChannel channel;
  for (const auto* path : {"/one", "/two", "/two/", "", "/one"}) {
    on.deliver(message_to(channel.url() + path));
  }
  std::vector<std::string> targets;
  for (const auto& request : channel.requests()) {
    targets.push_back(request.target.substr(0, request.target.find("/v3")));
  }
  EXPECT_THAT(targets, testing::ElementsAre("/one", "/two", "/two", "", "/one"));
}

TEST(Pool, HostsThatAreAllBusyAreOverload) {
  ConnectorOptions options;
  options.hosts = 1;
  Harness on(options);
  FakeChannel busy;
  FakeChannel other;
  busy.hold();
  auto held = on.send(message_to(busy.url()));
  on.run_until([&] { return busy.held_count() == 1; });
  auto refused = on.send(message_to(other.url()));
  EXPECT_EQ(on.finish(refused).code(), errc::overloaded);
  busy.release();
  on.finish(held);
  on.deliver(message_to(other.url()));
}

// However many addresses are named that never answer: a host that has answered stays in the table.
TEST(Pool, HostsThatNeverAnswerKeepNoneOutThatHasAnswered) {
  ConnectorOptions options;
  options.hosts = 8;
  Harness on(options);
  FakeChannel healthy;
  on.deliver(message_to(healthy.url()));
  std::deque<FakeChannel> silent;
  std::vector<Pending<ResourceResponse>> hanging;
  std::size_t refused = 0;
  for (int i = 0; i < 10; ++i) {
    auto& channel = silent.emplace_back();
    channel.hold();
    auto& one = hanging.emplace_back(on.send(message_to(channel.url())));
    on.run_until([&] { return one.ended() || channel.held_count() == 1; });
    refused += one.code() == errc::overloaded ? 1 : 0;
    on.deliver(message_to(healthy.url()));
  }
  EXPECT_EQ(refused, 10U - 6) << "three quarters of the table are for them";
  EXPECT_EQ(healthy.accepted(), 1U);
  for (auto& channel : silent) {
    channel.release();
  }
  for (auto& one : hanging) {
    on.finish(one);
  }
}

TEST(Pool, ATableThatIsFullNamesTheKeyThatBoundsIt) {
  ConnectorOptions options;
  options.hosts = 1;
  Harness on(options);
  FakeChannel silent;
  FakeChannel other;
  silent.hold();
  auto held = on.send(message_to(silent.url()));
  on.run_until([&] { return silent.held_count() == 1; });
  auto refused = on.send(message_to(other.url()));
  on.finish(refused);
  try {
    refused.get();
    ADD_FAILURE() << "it was sent";
  } catch (const system_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("limits.connector_hosts"));
  }
  silent.release();
  on.finish(held);
}

// What never answered goes before what has, though it was used later.
TEST(Pool, HostsThatNeverAnsweredAreForgottenFirst) {
  ConnectorOptions options;
  options.hosts = 2;
  Harness on(options);
  FakeChannel first;
  FakeChannel second;
  on.deliver(message_to(first.url()));
  const ClosedPort closed;
  auto failing = on.send(message_to(closed.url()));
  EXPECT_EQ(on.finish(failing).code(), errc::channel_unreachable);
  on.deliver(message_to(second.url()));
  on.deliver(message_to(first.url()));
  EXPECT_EQ(first.accepted(), 1U);
}

TEST(Pool, DrainWaitsForCallsAndRefusesNewOnes) {
  FakeChannel channel;
  Harness on;
  on.deliver(message_to(channel.url()));
  channel.hold();
  auto held = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  Pending<bool> drained(on.io, on.client->drain(Deadline::after(10s, on.clock)));
  tern::test::drain(on.io);
  EXPECT_FALSE(drained.ended());
  auto refused = on.send(message_to(channel.url()));
  EXPECT_EQ(on.finish(refused).code(), errc::shutting_down);
  channel.release();
  EXPECT_TRUE(on.finish(drained).get());
  EXPECT_EQ(on.finish(held).code(), error_code());
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Pool, DrainGivesUpAtItsDeadline) {
  FakeChannel channel;
  Harness on;
  channel.hold();
  auto held = on.send(message_to(channel.url()));
  on.run_until([&] { return channel.held_count() == 1; });
  Pending<bool> drained(on.io, on.client->drain(Deadline::after(1s, on.clock)));
  tern::test::drain(on.io);
  on.advance(1100ms);
  EXPECT_FALSE(on.finish(drained).get());
  EXPECT_FALSE(held.ended());
}

TEST(Pool, DrainOfAnIdleClientIsDoneAtOnce) {
  FakeChannel channel;
  Harness on;
  on.deliver(message_to(channel.url()));
  EXPECT_TRUE(tern::test::run_on(on.io, on.client->drain(Deadline::after(1s, on.clock))));
  EXPECT_EQ(on.client->connections(), 0U);
}

}  // namespace
}  // namespace tern::connector::test
