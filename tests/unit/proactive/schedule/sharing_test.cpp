// Hosts that hang beside hosts that answer: the scheduler gives each a share of its places.

#include "unit/proactive/schedule/scheduler_fixture.hpp"

#include <tern/turn/channel_sender.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class Sharing : public SchedulerFixture {
 protected:
  Sharing() {
    options.limiter = &limiter;
    asks_for_late = true;
    recorder.takes = 10ms;
    recorder.time_of = [this](const ScheduledSend& send) {
      return hangs(send) ? std::chrono::milliseconds(15s) : std::chrono::milliseconds(10ms);
    };
    recorder.judge = [this](const ScheduledSend& send) {
      return hangs(send) ? std::make_exception_ptr(AmbiguousSend(make_error_code(errc::timed_out), "no answer"))
                         : std::exception_ptr();
    };
  }

  bool hangs(const ScheduledSend& send) const {
    return std::any_of(hanging.begin(), hanging.end(), [&](const auto& host) {
      return send.reference.find("http://" + host + "/") != std::string::npos;
    });
  }

  SendHandle message(const std::string& host, const std::string& name, WallTime::duration delay = 0s) {
    return message_in(name, host, name, delay);
  }
  SendHandle message_in(const std::string& conversation, const std::string& host, const std::string& name,
                        WallTime::duration delay = 0s) {
    auto send = make(conversation, name, delay);
    send.reference = R"({"serviceUrl":"http://)" + host + R"(/","conversation":{"id":")" + conversation + R"("}})";
    return store(std::move(send));
  }
  /// A host that answers is known.
  void know(const std::string& host) {
    for (std::uint32_t i = 0; i < Shares::known_after; ++i) {
      message(host, host + " knows " + std::to_string(i));
    }
    pass(500ms);
  }
  /// How late the messages of a healthy host are at most, of which one is due each 100 ms.
  std::chrono::milliseconds lateness_of(const std::string& host, int messages) {
    std::chrono::milliseconds latest{0};
    for (int i = 0; i < messages; ++i) {
      const auto name = host + " is asked " + std::to_string(++asked);
      const auto due = clock.now();
      message(host, name);
      pass(100ms);
      auto waited = 100ms;
      while (!recorder.begun_at.contains(name) && waited < 30s) {
        pass(10ms);
        waited += 10ms;
      }
      latest = std::max(latest, std::chrono::duration_cast<std::chrono::milliseconds>(
                                    recorder.begun_at.contains(name) ? recorder.begun_at.at(name) - due : 30s));
    }
    return latest;
  }
  std::size_t begun_of(const std::string& host) const {
    return static_cast<std::size_t>(std::count_if(recorder.done.begin(), recorder.done.end(),
                                                  [&](const auto& name) { return name.starts_with(host + " "); }));
  }
  double open_circuits() {
    return metrics
        .gauge("tern_open_circuits",
               "Hosts and tenants that do not answer scheduled sends and are tried with one at a time.",
               {{"of", "host"}})
        .value();
  }

  Limiter limiter;
  std::set<std::string> hanging;
  int asked = 0;
};

TEST_F(Sharing, AHostThatHangsKeepsNoOtherWaiting) {
  start();
  know("good");
  hanging = {"bad"};
  for (int i = 0; i < 3'000; ++i) {
    message("bad", "bad " + std::to_string(i));
  }
  pass(100ms);
  EXPECT_LE(lateness_of("good", 200), 20ms);
  EXPECT_LE(recorder.most_at_once, 64u);
}

TEST_F(Sharing, TwentyHostsThatHangKeepNoOtherWaiting) {
  start();
  know("good");
  for (int i = 0; i < 20; ++i) {
    hanging.insert("bad" + std::to_string(i));
  }
  for (int i = 0; i < 3'000; ++i) {
    message("bad" + std::to_string(i % 20), "bad " + std::to_string(i));
  }
  pass(100ms);
  EXPECT_LE(lateness_of("good", 300), 20ms);
}

TEST_F(Sharing, AHostThatHasAnsweredAndStopsKeepsNoOtherWaiting) {
  start();
  know("good");
  know("bad");
  hanging = {"bad"};
  for (int i = 0; i < 3'000; ++i) {
    message("bad", "bad " + std::to_string(i));
  }
  pass(100ms);
  EXPECT_LE(lateness_of("good", 200), 20ms);
}

TEST_F(Sharing, ABotThatIsNewServesAHealthyHostBesideOneThatHangs) {
  hanging = {"bad"};
  start();
  for (int i = 0; i < 3'000; ++i) {
    message("bad", "bad " + std::to_string(i));
  }
  pass(100ms);
  EXPECT_LE(lateness_of("good", 100), 20ms);
}

TEST_F(Sharing, TheCircuitOfAHostOpensIsTriedAndCloses) {
  start();
  know("bad");
  hanging = {"bad"};
  for (int i = 0; i < 50; ++i) {
    message("bad", "bad " + std::to_string(i));
  }
  pass(2s);
  EXPECT_EQ(open_circuits(), 0) << "it may yet answer";
  pass(14s);
  EXPECT_EQ(open_circuits(), 1);
  const auto begun = recorder.done.size();
  pass(60s);
  EXPECT_GT(recorder.done.size(), begun);
  EXPECT_LE(recorder.done.size(), begun + 5) << "one at a time, and less and less often";
  hanging.clear();
  pass(200s);
  EXPECT_EQ(open_circuits(), 0);
  EXPECT_EQ(counts().pending, 0u);
}

TEST_F(Sharing, WhatWaitsForAShareCanBeCancelledAndMoved) {
  start();
  hanging = {"bad"};
  for (int i = 0; i < 10; ++i) {
    message("bad", "bad " + std::to_string(i));
  }
  pass(100ms);
  const auto cancelled = message("bad", "cancelled");
  const auto moved = message("bad", "moved");
  pass(2s);
  EXPECT_EQ(edit(SendEdit::Kind::cancel, cancelled), EditOutcome::done);
  scheduler->on_cancelled({cancelled});
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, moved, clock.wall_now() + 200s), EditOutcome::done);
  hanging.clear();
  pass(150s);
  EXPECT_EQ(recorder.done.size(), 10u);
  EXPECT_FALSE(recorder.begun_at.contains("cancelled"));
  EXPECT_FALSE(recorder.begun_at.contains("moved"));
  pass(100s);
  EXPECT_TRUE(recorder.begun_at.contains("moved"));
  EXPECT_EQ(counts().pending, 0u);
}

TEST_F(Sharing, WhatWaitsForAShareIsLeftToTheNextProcessByAStop) {
  start();
  hanging = {"bad"};
  for (int i = 0; i < 30; ++i) {
    message("bad", "bad " + std::to_string(i));
  }
  pass(500ms);
  const auto begun = recorder.done.size();
  stop();
  asks_for_late = false;
  pass(20s);
  EXPECT_TRUE(test::run_on(io, scheduler->idle(never)));
  EXPECT_EQ(recorder.done.size(), begun) << "none begins after a stop";
  EXPECT_EQ(counts().pending, 30u);
}

TEST_F(Sharing, OneConversationGoesInOrderThroughAHostThatHangsForAWhile) {
  start();
  hanging = {"bad"};
  for (int i = 0; i < 20; ++i) {
    message("bad", "bad " + std::to_string(i));
  }
  pass(50ms);
  message_in("c", "bad", "first");
  message_in("c", "bad", "second", 10ms);
  message_in("c", "bad", "third", 20ms);
  pass(5s);
  hanging.clear();
  pass(200s);
  std::vector<std::string> order;
  std::copy_if(recorder.done.begin(), recorder.done.end(), std::back_inserter(order),
               [](const auto& name) { return !name.starts_with("bad "); });
  EXPECT_THAT(order, ElementsAre("first", "second", "third"));
  EXPECT_EQ(counts().pending, 0u);
}

TEST_F(Sharing, AHostThatAnswersSlowlyGetsAllItsMessages) {
  start();
  recorder.time_of = [](const ScheduledSend&) { return 700ms; };
  for (int i = 0; i < 2'000; ++i) {
    message("slow", "slow " + std::to_string(i));
  }
  pass(60s);
  EXPECT_EQ(counts().sent, 2'000u);
  EXPECT_EQ(recorder.done.size(), 2'000u) << "each once";
}

TEST_F(Sharing, ABurstToOneQuickHostIsNotPutOff) {
  start();
  know("good");
  for (int i = 0; i < 5'000; ++i) {
    message("good", "good " + std::to_string(i), 1s);
  }
  pass(3s);
  EXPECT_EQ(counts().sent, 5'000u + Shares::known_after);
  EXPECT_EQ(metrics
                .gauge("tern_sends_waiting_for_share",
                       "Scheduled sends that are due and wait in memory for a share of the places.")
                .value(),
            0);
}

// As after a restart, when much is overdue.
TEST_F(Sharing, ABurstToOneHostThatIsNewIsNotPutOffEither) {
  start();
  for (int i = 0; i < 5'000; ++i) {
    message("good", "good " + std::to_string(i), 1s);
  }
  pass(3s);
  EXPECT_EQ(counts().sent, 5'000u);
}

// An outage of days: nobody waits for ever for what is never tried.
TEST_F(Sharing, WhatIsLongOverdueOfAHostThatAnswersNothingIsGivenUp) {
  options.policy.give_up_after = std::chrono::hours(1);
  start();
  hanging = {"bad"};
  for (int i = 0; i < 100; ++i) {
    message("bad", "bad " + std::to_string(i));
  }
  for (int i = 0; i < 150; ++i) {
    clock.advance(110s);
    pass(10s);
  }
  EXPECT_LE(counts().pending, 30u) << "those that were tried themselves are tried a dozen times";
  EXPECT_LT(recorder.done.size(), 400u);
}

}  // namespace
}  // namespace tern::proactive
