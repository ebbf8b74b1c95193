// What the failure of a send means for it and for its bot, once the limiter knows of it.
#include "proactive/limits/send_policy.hpp"
#include "runtime/continuation.hpp"

#include <tern/turn/channel_sender.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = Verdict::Kind;
using Refusal = Verdict::Refusal;

std::exception_ptr answer(int status, std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  return std::make_exception_ptr(ChannelError(status, "said so", retry_after));
}
std::exception_ptr gateway(int status) {
  return std::make_exception_ptr(ChannelError(status, "", std::nullopt, "", ChannelError::By::stranger));
}

class SendVerdict : public ::testing::Test {
 protected:
  static ScheduledSend send_to(const std::string& conversation, SendKind kind = SendKind::activity) {
    ScheduledSend send;
    send.kind = kind;
    send.reference = R"({"channelId":"c","bot":{"id":"b"},"conversation":{"id":")" + conversation + R"("}})";
    return send;
  }
  Verdict judge(const ScheduledSend& send, const std::exception_ptr& error, WallTime::duration late = 0s) {
    const bool counts = send.kind == SendKind::activity;
    const auto scope = counts ? limiter.scope_of(send.reference) : SendScope();
    return policy.judge({send, scope, error, late, 0.5}, &limiter, now);
  }
  Verdict judge(const std::string& conversation, const std::exception_ptr& error) {
    return judge(send_to(conversation), error);
  }

  SteadyTime now{std::chrono::hours(1)};
  Limiter limiter;
  SendPolicy policy;
};

TEST_F(SendVerdict, A401PausesTheWholeBot) {
  const auto verdict = judge("a", answer(401));
  EXPECT_EQ(verdict.kind, Kind::postpone) << "nothing is wrong with the send";
  EXPECT_EQ(verdict.delay, Limiter::look_again);
  ASSERT_TRUE(verdict.pause);
  EXPECT_TRUE(verdict.pause->begun);
  EXPECT_EQ(verdict.pause->until, now + Limiter::first_pause);
  EXPECT_EQ(verdict.said, "401");
  const auto second = judge("b", answer(401));
  EXPECT_EQ(second.kind, Kind::postpone);
  EXPECT_FALSE(second.pause->begun) << "it is no news";
}

TEST_F(SendVerdict, A403IsJudgedLater) {
  const auto verdict = judge("a", answer(403));
  EXPECT_EQ(verdict.kind, Kind::judge_later);
  EXPECT_EQ(verdict.reason, conversation_gone);
  EXPECT_EQ(verdict.refusal, Refusal::barred);
  EXPECT_FALSE(verdict.pause);
}

TEST_F(SendVerdict, Many403InARowPauseTheWholeBot) {
  Verdict verdict;
  std::size_t refused = 0;
  do {
    verdict = judge(std::to_string(refused++), answer(403));
  } while (verdict.kind == Kind::judge_later && refused < 100);
  EXPECT_EQ(refused, Limiter::refusals);
  EXPECT_EQ(verdict.kind, Kind::postpone);
  EXPECT_EQ(verdict.delay, Limiter::first_doubt);
  EXPECT_TRUE(verdict.pause && verdict.pause->begun);
}

// The channel names the conversation: it is believed, unless it says the same of several.
TEST_F(SendVerdict, A404IsBelievedUntilItComesFromSeveral) {
  EXPECT_EQ(judge("a", answer(404)).kind, Kind::dead);
  EXPECT_EQ(judge("b", answer(410)).kind, Kind::dead);
  EXPECT_EQ(judge("c", answer(404)).kind, Kind::judge_later);
}

TEST_F(SendVerdict, A429SaysWhatItFreezes) {
  const auto verdict = judge("a", answer(429, 5s));
  EXPECT_EQ(verdict.kind, Kind::retry);
  EXPECT_EQ(verdict.frozen, Limiter::Frozen::conversation);
  EXPECT_GE(verdict.delay, 5s);
  EXPECT_GT(limiter.ask(limiter.scope_of(send_to("a").reference), now + 4s, 0s).at, now + 4s);
  EXPECT_LE(limiter.ask(limiter.scope_of(send_to("a").reference), now + 5s, 0s).at, now + 5s);
}

TEST_F(SendVerdict, A429WithoutARetryAfterFreezesForASecond) {
  EXPECT_EQ(judge("a", answer(429)).frozen, Limiter::Frozen::conversation);
  EXPECT_EQ(limiter.ask(limiter.scope_of(send_to("a").reference), now, 0s).at, now + 1s);
}

// It may have arrived, so that it is counted; and it does not go before the others.
TEST_F(SendVerdict, WhatMayHaveArrivedIsCountedAlsoWhileTheBotPauses) {
  Verdict verdict;
  for (int i = 0; i < 20 && !verdict.pause; ++i) {
    verdict = judge(std::to_string(i), gateway(503));
  }
  ASSERT_TRUE(verdict.pause);
  EXPECT_EQ(verdict.kind, Kind::retry);
  EXPECT_TRUE(verdict.ambiguous);
  EXPECT_GE(verdict.delay, Limiter::first_doubt);
}

TEST_F(SendVerdict, ContinuationsAreNotBuriedForTheBotsSecret) {
  for (int i = 0; i < 20; ++i) {
    const auto verdict = judge(send_to(std::to_string(i), SendKind::continuation), answer(403));
    EXPECT_TRUE(verdict.kind != Kind::dead) << i;
    EXPECT_TRUE(!verdict.pause || verdict.kind == Kind::retry) << "its handler may have sent something: it is counted";
  }
}

// It may have been one message that its handler wanted to change.
TEST_F(SendVerdict, AContinuationThatIsRefusedDoesNotSayThatItsConversationIsGone) {
  const auto verdict = judge(send_to("a", SendKind::continuation), answer(404));
  EXPECT_EQ(verdict.kind, Kind::dead);
  EXPECT_THAT(verdict.reason, HasSubstr("what its handler asked for"));
}

TEST_F(SendVerdict, WhatMayHappenOnceIsNotTriedAgainWhenItMayHaveHappened) {
  auto message = send_to("a");
  message.at_most_once = true;
  EXPECT_THAT(judge(message, answer(503)).reason, StartsWith("it may have arrived"));
  EXPECT_EQ(judge(message, answer(503)).kind, Kind::dead);
  EXPECT_EQ(judge(message, answer(429)).kind, Kind::retry) << "it cannot have arrived";
  auto continuation = send_to("a", SendKind::continuation);
  continuation.at_most_once = true;
  EXPECT_THAT(judge(continuation, answer(429)).reason, StartsWith("its handler failed"));
  const auto busy = std::make_exception_ptr(runtime::NotBegun(errc::overloaded, "too many turns"));
  EXPECT_EQ(judge(continuation, busy).kind, Kind::retry) << "it has not begun";
}

TEST_F(SendVerdict, AtTheEndOfTheProcessNothingIsRecorded) {
  const auto end = std::make_exception_ptr(system_error(make_error_code(errc::shutting_down), "x"));
  EXPECT_EQ(judge("a", end).kind, Kind::leave);
}

// The next process would take it for one that may have arrived.
TEST_F(SendVerdict, AtTheEndOfTheProcessWhatWasNotedAndHasNotBegunIsPutOff) {
  const auto end = std::make_exception_ptr(runtime::NotBegun(errc::shutting_down, "x"));
  auto once = send_to("a");
  once.at_most_once = true;
  EXPECT_EQ(judge(once, end).kind, Kind::postpone);
  EXPECT_EQ(judge(send_to("a", SendKind::continuation), end).kind, Kind::postpone);
}

// A bot that no channel has served for long may never be served again.
TEST_F(SendVerdict, WhatIsLongOverdueIsCountedWhileTheBotPauses) {
  EXPECT_EQ(judge(send_to("a"), answer(401), 24h).kind, Kind::retry);
  auto often = send_to("b");
  often.attempt = policy.least_attempts;
  const auto verdict = judge(often, answer(401), 24h);
  EXPECT_EQ(verdict.kind, Kind::dead);
  EXPECT_THAT(verdict.reason, StartsWith("gave up after"));
}

TEST_F(SendVerdict, WithoutALimiterOnlyTheSendIsJudged) {
  const auto send = send_to("a");
  const auto verdict = policy.judge({send, SendScope(), answer(403), 0s, 0.5}, nullptr, now);
  EXPECT_EQ(verdict.kind, Kind::dead);
  EXPECT_EQ(verdict.refusal, Refusal::none);
}

TEST_F(SendVerdict, AReplyIsTriedAgainWhenItHasSurelyNotArrived) {
  const auto scope = limiter.scope_of(send_to("a").reference);
  const auto unreachable = std::make_exception_ptr(system_error(make_error_code(errc::channel_unreachable), "x"));
  EXPECT_EQ(policy.judge_reply(unreachable, 1, scope, limiter, now, 0.5).kind, Kind::retry);
  EXPECT_EQ(policy.judge_reply(unreachable, 4, scope, limiter, now, 0.5).kind, Kind::dead) << "that is enough";
  for (const int status : {401, 403, 404, 408, 500, 503}) {
    const auto verdict = policy.judge_reply(answer(status), 1, scope, limiter, now, 0.5);
    EXPECT_EQ(verdict.kind, Kind::dead) << status;
    EXPECT_FALSE(verdict.pause) << status;
  }
  EXPECT_EQ(policy.judge_reply(gateway(404), 1, scope, limiter, now, 0.5).kind, Kind::dead);
}

TEST_F(SendVerdict, AReplyWaitsForWhatA429AsksForAndFreezesItForAll) {
  const auto scope = limiter.scope_of(send_to("a").reference);
  const auto asked = policy.judge_reply(answer(429, 3s), 9, scope, limiter, now, 0.5);
  EXPECT_EQ(asked.kind, Kind::retry);
  EXPECT_GE(asked.delay, 3s);
  EXPECT_EQ(asked.frozen, Limiter::Frozen::conversation);
  EXPECT_GE(policy.judge_reply(answer(429), 1, scope, limiter, now, 0.0).delay, 1s) << "it did not say for how long";
  EXPECT_GE(limiter.ask_for_reply(scope, now).at, now + 3s);
}

}  // namespace
}  // namespace tern::proactive
