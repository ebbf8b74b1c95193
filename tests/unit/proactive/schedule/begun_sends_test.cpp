// What a scheduler does with sends that had begun when their process died.

#include "runtime/continuation.hpp"
#include "unit/proactive/schedule/scheduler_fixture.hpp"

#include <tern/turn/channel_sender.hpp>

#include <boost/asio/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BegunSends : public SchedulerFixture {
 protected:
  ScheduledSend make(const std::string& name, SendKind kind) { return SchedulerFixture::make(name, name, 1s, kind); }
  /// The next process, for ten seconds.
  void live(Limiter* limiter = nullptr) {
    options.limiter = limiter;
    start();
    pass(10s);
  }
};

TEST_F(BegunSends, AContinuationThatHadBegunRunsAgain) {
  begin_and_die({store(make("a", SendKind::continuation))});
  live();
  EXPECT_THAT(recorder.done, ElementsAre("a"));
  EXPECT_EQ(counts().sent, 1u);
}

TEST_F(BegunSends, OnlyOneOfThemRunsAtATime) {
  for (const auto* name : {"a", "b", "c", "d"}) {
    begin_and_die({store(make(name, SendKind::continuation))});
  }
  live();
  EXPECT_EQ(recorder.done.size(), 4u);
  EXPECT_EQ(recorder.most_at_once, 1u);
  EXPECT_EQ(counts().sent, 4u);
}

TEST_F(BegunSends, OthersNeedNotWaitForThem) {
  begin_and_die({store(make("suspect", SendKind::continuation))});
  store(make("another", SendKind::continuation));
  store(make("message", SendKind::activity));
  live();
  EXPECT_EQ(recorder.done.size(), 3u);
  EXPECT_EQ(recorder.most_at_once, 3u);
}

// Hundreds of them, which a crash leaves, must not keep everything else from being sent.
TEST_F(BegunSends, TheyTakeNoPlaceOfOthersWhileTheyWait) {
  for (int i = 0; i < 300; ++i) {
    begin_and_die({store(make("suspect " + std::to_string(i), SendKind::continuation))});
  }
  store(make("message", SendKind::activity));
  recorder.takes = 1h;
  live();
  EXPECT_THAT(recorder.done, testing::Contains("message"));
  EXPECT_EQ(recorder.done.size(), 2u);
}

TEST_F(BegunSends, WhatItsOwnCodeHasCutIsTriedAgain) {
  store(make("cut", SendKind::continuation));
  recorder.failure = std::make_exception_ptr(system_error(error_code(asio::error::operation_aborted)));
  live();
  EXPECT_GT(recorder.done.size(), 1u);
}

// Its handler may have sent before it failed.
TEST_F(BegunSends, AContinuationThatMayRunOnceDoesNotRunAgainWhenItFailed) {
  auto send = make("once", SendKind::continuation);
  send.at_most_once = true;
  store(send);
  recorder.failure = std::make_exception_ptr(system_error(make_error_code(errc::conflict), "another turn was first"));
  live();
  EXPECT_THAT(recorder.done, ElementsAre("once"));
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("at most once: another turn was first")));
}

TEST_F(BegunSends, AContinuationThatMayRunOnceRunsAgainWhenItDidNotBegin) {
  auto send = make("once", SendKind::continuation);
  send.at_most_once = true;
  store(send);
  recorder.failure = std::make_exception_ptr(runtime::NotBegun(errc::overloaded, "too many turns"));
  live();
  EXPECT_GT(recorder.done.size(), 1u);
  EXPECT_THAT(reasons(), IsEmpty());
}

TEST_F(BegunSends, TheThirdDeathBuriesIt) {
  begin_and_die({store(make("poison", SendKind::continuation))}, 3);
  store(make("well", SendKind::continuation));
  live();
  EXPECT_THAT(recorder.done, ElementsAre("well"));
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("ended the process 3 times")));
}

TEST_F(BegunSends, APlainSendIsNeverBuriedForIt) {
  // A plain send is not noted when it begins; one that was, say by an older version, is sent all the same.
  begin_and_die({store(make("plain", SendKind::activity))}, 2);
  live();
  EXPECT_THAT(recorder.done, ElementsAre("plain"));
}

TEST_F(BegunSends, WhatMayArriveOnceIsNotSentAgain) {
  auto send = make("once", SendKind::activity);
  send.at_most_once = true;
  begin_and_die({store(send)});
  live();
  EXPECT_THAT(recorder.done, IsEmpty());
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("at most once")));
}

TEST_F(BegunSends, WhatMayArriveOnceIsNotTriedAgainAfterAnAmbiguousFailure) {
  for (const bool once : {false, true}) {
    auto send = make(once ? "once" : "usual", SendKind::activity);
    send.at_most_once = once;
    store(send);
  }
  recorder.failure = std::make_exception_ptr(ChannelError(503, "busy", std::nullopt));
  live();
  EXPECT_EQ(std::count(recorder.done.begin(), recorder.done.end(), "once"), 1);
  EXPECT_GT(std::count(recorder.done.begin(), recorder.done.end(), "usual"), 1);
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("at most once")));
}

TEST_F(BegunSends, WhatMayArriveOnceIsTriedAgainWhenItCannotHaveArrived) {
  auto send = make("once", SendKind::activity);
  send.at_most_once = true;
  store(send);
  recorder.failure = std::make_exception_ptr(ChannelError(429, "slow down", std::nullopt));
  live();
  EXPECT_GT(recorder.done.size(), 1u);
  EXPECT_THAT(reasons(), IsEmpty());
}

TEST_F(BegunSends, QuietHoursAreKeptAlsoByALateSend) {
  store(make("late", SendKind::activity));
  recorder.quiet_until = clock.wall_now() + 8s;
  const auto before = clock.wall_now();
  live();
  EXPECT_THAT(recorder.done, ElementsAre("late"));
  EXPECT_GE(clock.wall_now(), before + 8s);
  EXPECT_EQ(counts().sent, 1u);
}

TEST_F(BegunSends, WhatMayArriveOnceIsNotSentAfterItWasPutOff) {
  auto send = make("once", SendKind::activity);
  send.at_most_once = true;
  begin_and_die({store(send)});
  recorder.quiet_until = clock.wall_now() + 8s;
  live();
  EXPECT_THAT(recorder.done, IsEmpty());
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("at most once")));
}

// A process that drains refuses turns: what it had noted to begin then has not begun.
TEST_F(BegunSends, WhatMayArriveOnceAndWasRefusedByADrainIsSentByTheNextProcess) {
  auto send = make("once", SendKind::continuation);
  send.at_most_once = true;
  store(send);
  recorder.failure = std::make_exception_ptr(runtime::NotBegun(errc::shutting_down, "not begun"));
  live();
  EXPECT_THAT(reasons(), IsEmpty());
  EXPECT_LE(recorder.done.size(), 11u) << "it is not refused again and again";
  stop();
  recorder.done.clear();
  recorder.failure = nullptr;
  live();
  EXPECT_THAT(recorder.done, ElementsAre("once"));
  EXPECT_THAT(reasons(), IsEmpty());
}

// Its handler may have wanted to change one message that is gone: that says nothing about the conversation.
TEST_F(BegunSends, AContinuationThatIsRefusedDoesNotMeanThatItsConversationIsGone) {
  store(make("change", SendKind::continuation));
  recorder.failure = std::make_exception_ptr(ChannelError(404, "no such activity", std::nullopt));
  live();
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("what its handler asked for")));
  EXPECT_EQ(recorder.gone, 0u);
}

TEST_F(BegunSends, ABadSecretBuriesNoContinuations) {
  Limiter limiter;
  for (int i = 0; i < 8; ++i) {
    const auto name = std::to_string(i);
    auto send = make(name, SendKind::continuation);
    send.reference = reference_to(name);
    store(send);
  }
  recorder.failure = std::make_exception_ptr(ChannelError(403, "forbidden", std::nullopt));
  live(&limiter);
  pass(100s, 10s);
  EXPECT_THAT(reasons(), IsEmpty());
  EXPECT_EQ(counts().pending, 8u);
  EXPECT_EQ(recorder.gone, 0u);
}

// The next owner of the slot would take it for one that may have arrived.
TEST_F(BegunSends, WhatMayArriveOnceAndIsRefusedWhileItsSlotGoesHasNotBegun) {
  Limiter limiter;
  auto send = make("once", SendKind::activity);
  send.reference = reference_to("once");
  send.at_most_once = true;
  store(send);
  recorder.failure = std::make_exception_ptr(ChannelError(403, "forbidden", std::nullopt));
  recorder.takes = 15s;
  live(&limiter);
  ASSERT_THAT(recorder.done, ElementsAre("once"));
  scheduler->own({});
  pass(10s, 100ms);
  const auto pending = test::run_on(io, storage.list_sends({}, never)).sends;
  ASSERT_EQ(pending.size(), 1u);
  EXPECT_EQ(pending.front().begun, 0u);
}

TEST_F(BegunSends, ARecurringSendEndsWithItsConversation) {
  auto send = make("hourly", SendKind::activity);
  send.annotations = "{}";
  store(send);
  recorder.failure = std::make_exception_ptr(ChannelError(404, "gone", std::nullopt));
  live();
  EXPECT_EQ(counts().pending, 0u);
  EXPECT_THAT(reasons(), ElementsAre(std::string(conversation_gone)));
  EXPECT_EQ(recorder.gone, 1u);
}

TEST_F(BegunSends, ARecurringSendComesAgain) {
  auto send = make("hourly", SendKind::activity);
  send.annotations = "{}";
  const auto handle = store(send);
  live();
  EXPECT_THAT(recorder.done, ElementsAre("hourly"));
  pass(3h, 1s);
  EXPECT_EQ(recorder.done.size(), 4u);  // each an hour after the one before has ended
  EXPECT_EQ(counts().pending, 1u);
  EXPECT_EQ(cancel(handle), EditOutcome::done);
}

}  // namespace
}  // namespace tern::proactive
