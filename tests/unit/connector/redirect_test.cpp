// 307 and 308: to the same host they are followed, once.
#include "connector/redirect.hpp"
#include "harness.hpp"
#include "support/captured_log.hpp"

#include <tern/async/log.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tern::connector::test {
namespace {

std::string led(std::string_view origin, std::string_view location) {
  const auto redirect = redirect_of(origin, location);
  return redirect ? redirect->origin + " " + redirect->target : "nowhere";
}

TEST(RedirectOf, TheSameHostIsFollowed) {
  EXPECT_EQ(led("http://a.example:80", "/v3/x"), "http://a.example:80 /v3/x");
  EXPECT_EQ(led("http://a.example:80", "/v3/x/?a=1&b=%20"), "http://a.example:80 /v3/x/?a=1&b=%20");
  EXPECT_EQ(led("http://a.example:80", "http://A.example/v3"), "http://a.example:80 /v3");
  EXPECT_EQ(led("https://a.example:443", "https://a.example"), "https://a.example:443 /");
  EXPECT_EQ(led("http://[::1]:3978", "http://[::1]:3978/v3"), "http://[::1]:3978 /v3");
  EXPECT_EQ(led("http://a.example:80", "https://a.example/v3"), "https://a.example:443 /v3") << "to a safer way";
}

TEST(RedirectOf, AnythingElseIsNot) {
  EXPECT_EQ(led("https://a.example:443", "http://a.example/v3"), "nowhere") << "to a less safe way";
  EXPECT_EQ(led("http://a.example:80", "http://b.example/v3"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "http://a.example.b.example/v3"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "http://a.example:81/v3"), "nowhere");
  EXPECT_EQ(led("http://a.example:3978", "https://a.example/v3"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "http://user@a.example/v3"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "http://a.example@b.example/v3"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "//b.example/v3"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "v3/x"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", ""), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "/v3 x"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "/v3\r\nX: y"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "/v3?a=\r\nX: y"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "/v3#part"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "javascript:x"), "nowhere");
  EXPECT_EQ(led("http://a.example:80", "/" + std::string(10'000, 'x')), "nowhere");
}

TEST(RedirectOf, OnlyTheHostOfOneThatIsNotFollowedIsTold) {
  EXPECT_EQ(host_in_location("https://b.example:81/v3?text=what%20was%20said"), "b.example:81");
  EXPECT_EQ(host_in_location("//b.example/said"), "b.example");
  EXPECT_EQ(host_in_location("http://[::1]:80?said"), "[::1]:80");
  EXPECT_EQ(host_in_location("/v3/said"), "(none)");
  EXPECT_EQ(host_in_location("/v3/said?to=http://said"), "(none)");
  EXPECT_EQ(host_in_location(""), "(none)");
  EXPECT_EQ(host_in_location("http://user:said@b.example/"), "b.example");
  EXPECT_EQ(host_in_location("http://what was said/"), "(unreadable)");
  EXPECT_EQ(host_in_location("http://b\nx/"), "(unreadable)");
  EXPECT_EQ(host_in_location("http://" + std::string(300, 'b')), "(unreadable)");
}

TEST(Redirects, TheWarningOfOneThatIsNotFollowedHoldsItsHostAlone) {
  log::configure(log::Level::warn, log::Format::text);
  {
    tern::test::CapturedLog log;
    FakeChannel channel;
    Harness on;
    channel.answer_next(FakeAnswer::with(307, "", {{"Location", "http://b.example/v3?text=said"}}));
    auto pending = on.send(message_to(channel.url()));
    EXPECT_TRUE(on.finish(pending).failed_with<ChannelError>());
    const auto lines = log.take();
    EXPECT_NE(lines.find("a redirect is not followed"), std::string::npos);
    EXPECT_NE(lines.find("to=b.example"), std::string::npos) << lines;
    EXPECT_EQ(lines.find("said"), std::string::npos) << lines;
  }
  log::configure(log::Level::off, log::Format::text);
}

TEST(Redirects, ToTheSameHostIsFollowedWithTheWholeRequest) {
  for (const int status : {307, 308}) {
    FakeChannel channel;
    Harness on;
    channel.answer_next(FakeAnswer::with(status, "", {{"Location", channel.url("/moved/v3/?x=1")}}));
    auto pending = on.send(message_to(channel.url()), Deadline::never(), "the-id");
    EXPECT_EQ(on.finish(pending).get().id(), "mock-1");
    const auto requests = channel.wait_for(2);
    EXPECT_EQ(requests[1].method, "POST");
    EXPECT_EQ(requests[1].target, "/moved/v3/?x=1");
    EXPECT_EQ(requests[1].body, requests[0].body);
    EXPECT_EQ(requests[1].header("x-ms-client-request-id"), "the-id");
    EXPECT_EQ(requests[1].header("host"), requests[0].header("host"));
    EXPECT_EQ(channel.accepted(), 1U) << "on the same connection";
    EXPECT_EQ(on.outcome("ok"), 1);
    EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "mock-2");
  }
}

TEST(Redirects, ToAPathAloneIsFollowedAlsoWhereTheConnectionIsClosed) {
  FakeChannel channel;
  Harness on;
  auto answer = FakeAnswer::with(308, "moved", {{"Location", "/b"}, {"Connection", "close"}});
  answer.close_after = true;
  channel.answer_next(answer);
  EXPECT_EQ(on.deliver(message_to(channel.url())).id(), "mock-1");
  EXPECT_EQ(channel.wait_for(2)[1].target, "/b");
}

TEST(Redirects, AreFollowedOnce) {
  FakeChannel channel;
  Harness on;
  channel.answer_with([](const auto&) { return FakeAnswer::with(307, "", {{"Location", "/again"}}); });
  auto pending = on.send(message_to(channel.url()));
  EXPECT_TRUE(on.finish(pending).failed_with<ChannelError>());
  EXPECT_EQ(channel.request_count(), 2U);
}

TEST(Redirects, OtherThanTheseTwoAreNotFollowed) {
  for (const int status : {301, 302, 303}) {
    FakeChannel channel;
    Harness on;
    channel.answer_next(FakeAnswer::with(status, "", {{"Location", "/b"}}));
    auto pending = on.send(message_to(channel.url()));
    EXPECT_TRUE(on.finish(pending).failed_with<ChannelError>());
    EXPECT_EQ(channel.request_count(), 1U);
  }
}

TEST(Redirects, AsWhetherTheRequestMayStillBegin) {
  FakeChannel channel;
  Harness on;
  channel.answer_next(FakeAnswer::with(307, "", {{"Location", "/b"}}));
  int asked = 0;
  auto pending = on.send_if(message_to(channel.url()), [&asked] { return ++asked == 1; });
  EXPECT_EQ(on.finish(pending).code(), errc::timed_out);
  EXPECT_EQ(channel.request_count(), 1U);
}

TEST(SlowChannels, AreGivenMoreTimeWhenTheyAreLateTwiceInARow) {
  FakeChannel channel;
  Harness on;
  channel.hold();
  const auto late = [&](std::chrono::milliseconds after) {
    const auto held = channel.held_count();
    auto pending = on.send(message_to(channel.url()), Deadline::after(60s, on.clock));
    on.run_until([&] { return channel.held_count() == held + 1; });
    on.advance(after - 100ms);
    EXPECT_FALSE(pending.ended());
    on.advance(200ms);
    EXPECT_TRUE(on.finish(pending).template failed_with<AmbiguousSend>());
  };
  late(15s);
  late(15s);
  late(30s);
  late(30s);
  late(60s);
  late(60s);  // the longest
  // It is quick again.
  channel.hold(false);
  for (int i = 0; i < 32; ++i) {
    on.deliver(message_to(channel.url()));
  }
  channel.hold();
  late(15s);
}

TEST(SlowChannels, AreNotGivenMoreThanTheCallerHas) {
  FakeChannel channel;
  Harness on;
  channel.hold();
  for (int i = 0; i < 4; ++i) {
    auto pending = on.send(message_to(channel.url()), Deadline::after(10s, on.clock));
    on.run_until([&] { return channel.held_count() == static_cast<std::size_t>(i) + 1; });
    on.advance(10'100ms);
    EXPECT_TRUE(on.finish(pending).failed_with<AmbiguousSend>());
  }
}

TEST(SlowChannels, ThatAreLateNowAndThenAreNot) {
  FakeChannel channel;
  Harness on;
  for (int i = 0; i < 6; ++i) {
    channel.answer_next(FakeAnswer::holding());
    auto pending = on.send(message_to(channel.url()), Deadline::after(60s, on.clock));
    on.run_until([&] { return channel.held_count() == static_cast<std::size_t>(i) + 1; });
    on.advance(15'100ms);
    EXPECT_TRUE(on.finish(pending).failed_with<AmbiguousSend>());
    on.deliver(message_to(channel.url()));
  }
}

}  // namespace
}  // namespace tern::connector::test
