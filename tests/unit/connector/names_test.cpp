// Hosts that are named: whom is asked, how often, and who waits for it.
#include "harness.hpp"
#include "ports.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tern::connector::test {
namespace {

std::string url_of(const std::string& name, const FakeChannel& channel) {
  return "http://" + name + ":" + std::to_string(channel.port());
}

FakeRecords silence() {
  FakeRecords records;
  records.silent = true;
  return records;
}

FakeRecords held(std::vector<std::string> addresses) {
  FakeRecords records = FakeRecords::at(std::move(addresses));
  records.held = true;
  return records;
}

TEST(Names, SlowNameDoesNotHoldAQuickOne) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("slow.test", held({"127.0.0.1"}));
  names.answer("quick.test", FakeRecords::at({"127.0.0.1"}));
  Harness on(asking(names));
  auto slow = on.send(message_to(url_of("slow.test", channel)));
  on.run_until([&] { return names.questions("slow.test") == 2; });
  on.deliver(message_to(url_of("quick.test", channel)));
  EXPECT_FALSE(slow.ended());
  names.release();
  EXPECT_EQ(on.finish(slow).code(), error_code());
  EXPECT_EQ(on.resolutions("found"), 2);
}

TEST(Names, ManyDeadNamesDoNotHoldALiveOne) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("live.test", FakeRecords::at({"127.0.0.1"}));
  Harness on(asking(names));
  std::vector<Pending<ResourceResponse>> dead;
  constexpr std::size_t count = 100;  // so many that the server's socket holds all questions, even unread
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "dead-" + std::to_string(i) + ".test";
    names.answer(name, silence());
    dead.push_back(on.send(message_to(url_of(name, channel))));
  }
  on.run_until([&] { return names.questions() >= 2 * count; });
  on.deliver(message_to(url_of("live.test", channel)));
  on.advance(5100ms);
  for (auto& call : dead) {
    EXPECT_EQ(on.finish(call).code(), errc::timed_out);
    EXPECT_FALSE(call.failed_with<AmbiguousSend>());
  }
  EXPECT_EQ(on.resolutions("late"), count);
}

TEST(Names, CallsThatWaitForANameAskOnce) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", held({"127.0.0.1"}));
  Harness on(asking(names));
  std::vector<Pending<ResourceResponse>> calls;
  for (int i = 0; i < 10; ++i) {
    calls.push_back(on.send(message_to(url_of("channel.test", channel))));
  }
  on.run_until([&] { return names.questions("channel.test") == 2; });
  tern::test::drain(on.io);
  names.release();
  for (auto& call : calls) {
    EXPECT_EQ(on.finish(call).code(), error_code());
  }
  EXPECT_EQ(names.questions("channel.test"), 2U) << "one for each family";
}

TEST(Names, AnswerIsUsedForItsTimeToLive) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}, 60));
  Harness on(asking(names));
  const auto deliver_anew = [&] {
    channel.close_idle_connections();
    on.deliver(message_to(url_of("channel.test", channel)));
  };
  deliver_anew();
  on.advance(59s);
  deliver_anew();
  EXPECT_EQ(names.questions("channel.test"), 2U);
  on.advance(2s);
  deliver_anew();
  EXPECT_EQ(names.questions("channel.test"), 4U);
  EXPECT_EQ(channel.accepted(), 3U);
}

TEST(Names, NameThatDoesNotExistIsRememberedBrieflyAndThenAskedForAgain) {
  FakeNameServer names;
  FakeChannel channel;
  Harness on(asking(names));
  const auto code = [&] {
    auto call = on.send(message_to(url_of("late-comer.test", channel)));
    const error_code ended = on.finish(call).code();
    EXPECT_FALSE(call.failed_with<AmbiguousSend>());
    return ended;
  };
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(code(), errc::channel_unreachable);
  }
  EXPECT_EQ(names.questions("late-comer.test"), 2U);
  EXPECT_EQ(on.resolutions("no_such_name"), 1);
  EXPECT_EQ(on.outcome("unreachable"), 5);
  names.answer("late-comer.test", FakeRecords::at({"127.0.0.1"}));
  EXPECT_EQ(code(), errc::channel_unreachable);
  on.advance(5s);
  EXPECT_EQ(code(), error_code());
  EXPECT_EQ(names.questions("late-comer.test"), 4U);
}

TEST(Names, NameServerThatFailsIsRememberedForASecond) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", FakeRecords::error(2));
  Harness on(asking(names));
  const auto code = [&] {
    auto call = on.send(message_to(url_of("channel.test", channel)));
    return on.finish(call).code();
  };
  EXPECT_EQ(code(), errc::channel_unreachable);
  EXPECT_EQ(on.resolutions("failed"), 1);
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}));
  EXPECT_EQ(code(), errc::channel_unreachable);
  on.advance(1s);
  EXPECT_EQ(code(), error_code());
}

TEST(Names, NameServerThatIsSilentIsLateAtTheTimeForConnecting) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", silence());
  Harness on(asking(names));
  auto first = on.send(message_to(url_of("channel.test", channel)));
  auto hasty = on.send(message_to(url_of("channel.test", channel)), Deadline::after(1s, on.clock));
  on.run_until([&] { return names.questions("channel.test") >= 2; });
  on.advance(1100ms);
  EXPECT_EQ(on.finish(hasty).code(), errc::timed_out);
  EXPECT_FALSE(first.ended());
  on.advance(4s);
  EXPECT_EQ(on.finish(first).code(), errc::timed_out);
  auto at_once = on.send(message_to(url_of("channel.test", channel)));
  EXPECT_EQ(on.finish(at_once).code(), errc::timed_out) << "nobody waits for it again within a second";
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}));
  on.advance(1100ms);
  on.deliver(message_to(url_of("channel.test", channel)));
}

TEST(Names, FamilyWithoutAnAnswerHoldsTheOtherForAMomentOnly) {
  FakeNameServer names;
  FakeChannel channel;
  FakeRecords records = FakeRecords::at({"127.0.0.1"}, 3600);
  records.silent_for_ipv6 = true;
  names.answer("channel.test", records);
  Harness on(asking(names));
  auto call = on.send(message_to(url_of("channel.test", channel)));
  on.run_until([&] {
    on.advance(50ms);
    return call.ended();
  });
  EXPECT_EQ(call.code(), error_code());
  channel.close_idle_connections();
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}, 3600));
  on.advance(6s);
  const auto before = names.questions("channel.test");
  on.deliver(message_to(url_of("channel.test", channel)));
  EXPECT_GT(names.questions("channel.test"), before) << "half an answer is not kept for an hour";
}

TEST(Names, LiteralAddressesAndLocalhostAreNotAskedFor) {
  FakeNameServer names;
  FakeChannel channel;
  Harness on(asking(names));
  on.deliver(message_to(url_of("127.0.0.1", channel)));
  on.deliver(message_to(url_of("localhost", channel)));
  auto closed = on.send(message_to("http://[::1]:1"));
  on.finish(closed);
  EXPECT_EQ(names.questions(), 0U);
}

TEST(Names, AnswerThatIsTooLongForUdpComesOverTcp) {
  FakeNameServer names;
  FakeChannel channel;
  FakeRecords records = FakeRecords::at({"127.0.0.1"});
  records.truncated = true;
  names.answer("channel.test", records);
  Harness on(asking(names));
  on.deliver(message_to(url_of("channel.test", channel)));
  EXPECT_EQ(names.questions_over_tcp(), 2U);
}

TEST(Names, NameServerThatIsNotThereIsAFailureInTime) {
  ConnectorOptions options;
  options.loopback_only = false;
  {
    const FakeNameServer gone;
    options.nameservers = {gone.endpoint()};
  }
  Harness on(options);
  auto call = on.send(message_to("http://channel.test:1"));
  for (int i = 0; i < 51; ++i) {
    on.advance(100ms);
  }
  on.finish(call);
  EXPECT_TRUE(call.code() == errc::channel_unreachable || call.code() == errc::timed_out) << call.code();
  EXPECT_FALSE(call.failed_with<AmbiguousSend>());
}

TEST(Names, DrainWaitsForACallWhoseNameIsBeingResolved) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", held({"127.0.0.1"}));
  Harness on(asking(names));
  auto call = on.send(message_to(url_of("channel.test", channel)));
  on.run_until([&] { return names.questions("channel.test") == 2; });
  Pending<bool> drained(on.io, on.client->drain(Deadline::after(10s, on.clock)));
  tern::test::drain(on.io);
  EXPECT_FALSE(drained.ended());
  names.release();
  EXPECT_TRUE(on.finish(drained).get());
  EXPECT_EQ(call.code(), error_code());
  EXPECT_EQ(on.client->connections(), 0U);
}

TEST(Names, CallsThatWaitForANameEndWhenTheClientIsDestroyed) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", silence());
  Harness on(asking(names));
  auto call = on.send(message_to(url_of("channel.test", channel)));
  on.run_until([&] { return names.questions("channel.test") == 2; });
  on.client.reset();
  EXPECT_EQ(on.finish(call).code(), asio::error::operation_aborted);
  on.io.restart();
  on.io.run();  // nothing of c-ares is left to wait for
}

}  // namespace
}  // namespace tern::connector::test
