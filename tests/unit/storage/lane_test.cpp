#include "storage/lane.hpp"

#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace tern::storage {
namespace {

using Numbers = Lane<int, std::string>;
using testing::ElementsAre;

LaneSettings settings(std::size_t capacity = 100, std::size_t max_batch = 100, Clock* clock = nullptr) {
  return LaneSettings{"test", capacity, max_batch, clock};
}

void answer(Numbers::Batch batch) {
  for (auto& ticket : batch) {
    ticket.succeed(std::to_string(ticket.request));
  }
}

/// Lets the lane's work begin when the test says so.
class Gate {
 public:
  /// For the work: says that it has begun, and waits.
  void pass() {
    std::unique_lock lock(mutex_);
    begun_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_until_begun() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return begun_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  bool open_ = false;
};

/// Calls and what became of them.
struct Calls {
  struct Outcome {
    std::string answer;
    error_code error;
    bool ended = false;
  };

  explicit Calls(Numbers& on) : lane(on) {}

  std::size_t begin(int request, Deadline by = Deadline::never()) {
    const auto index = outcomes.size();
    outcomes.emplace_back();
    signals.push_back(std::make_unique<asio::cancellation_signal>());
    asio::co_spawn(
        io, lane.call(request, by),
        asio::bind_cancellation_slot(signals.back()->slot(), [this, index](std::exception_ptr error, std::string text) {
          outcomes[index].ended = true;
          outcomes[index].answer = std::move(text);
          try {
            if (error) {
              std::rethrow_exception(error);
            }
          } catch (const system_error& e) {
            outcomes[index].error = e.code();
          }
        }));
    test::drain(io);
    return index;
  }
  void finish() {
    io.restart();
    while (std::any_of(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return !o.ended; })) {
      if (io.run_one_for(test::patience) == 0) {
        throw std::runtime_error("a call hangs");
      }
    }
  }

  Numbers& lane;
  std::vector<Outcome> outcomes;
  std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
  asio::io_context io{1};
};

TEST(Lane, AnswersACall) {
  Numbers lane(settings(), answer);
  EXPECT_EQ(test::run(lane.call(7, Deadline::never())), "7");
}

TEST(Lane, TakesAllThatWaitsInOneBatchInOrder) {
  Gate gate;
  std::vector<std::vector<int>> batches;
  Numbers lane(settings(100, 3), [&](Numbers::Batch batch) {
    auto& seen = batches.emplace_back();
    for (auto& ticket : batch) {
      seen.push_back(ticket.request);
    }
    gate.pass();
    answer(batch);
  });
  Calls calls(lane);
  calls.begin(0);
  gate.wait_until_begun();
  for (int i = 1; i <= 5; ++i) {
    calls.begin(i);
  }
  gate.open();
  calls.finish();
  EXPECT_THAT(batches, ElementsAre(ElementsAre(0), ElementsAre(1, 2, 3), ElementsAre(4, 5)));
  EXPECT_EQ(calls.outcomes[5].answer, "5");
}

// Few handlers, none of which holds the executor for long.
TEST(Lane, ResumesALargeBatchInSeveralHandlers) {
  Gate gate;
  Numbers lane(settings(), [&](Numbers::Batch batch) {
    gate.pass();
    answer(batch);
  });
  Calls calls(lane);
  calls.begin(0);
  gate.wait_until_begun();
  for (int i = 1; i <= 100; ++i) {
    calls.begin(i);
  }
  gate.open();
  std::size_t most_in_one = 0;
  calls.io.restart();
  const auto ended = [&] {
    return static_cast<std::size_t>(
        std::count_if(calls.outcomes.begin(), calls.outcomes.end(), [](const auto& o) { return o.ended; }));
  };
  while (ended() < 101) {
    const auto before = ended();
    ASSERT_EQ(calls.io.run_one_for(test::patience), 1U);
    most_in_one = std::max(most_in_one, ended() - before);
  }
  EXPECT_EQ(most_in_one, 64U);
}

// A batch waits for all who were answered. One that has come again before the lane looks counts twice, and is waited
// for in vain: so the gather ends.
TEST(Lane, GathersThoseWhoComeAgain) {
  Gate gate;
  std::vector<std::size_t> batches;
  auto with_gather = settings();
  with_gather.gather = std::chrono::seconds(2);
  Numbers lane(with_gather, [&](Numbers::Batch batch) {
    batches.push_back(batch.size());
    gate.pass();
    answer(batch);
  });
  Calls calls(lane);
  calls.begin(0);
  gate.wait_until_begun();
  for (int i = 1; i <= 3; ++i) {
    calls.begin(i);
  }
  gate.open();
  calls.finish();  // one, then three: a single caller is not waited for
  for (int i = 4; i <= 6; ++i) {
    calls.begin(i);
  }
  calls.finish();
  EXPECT_THAT(batches, ElementsAre(1U, 3U, 3U));
}

// The others of many come while the first half is served. Whether the last call comes before or while it is waited for,
// three are half of those that wait and those that were answered.
TEST(Lane, GathersHalfOfMany) {
  std::array<Gate, 2> gates;
  std::vector<std::size_t> batches;
  auto with_gather = settings();
  with_gather.gather = std::chrono::hours(1);
  with_gather.halve_at = 4;
  Numbers lane(with_gather, [&](Numbers::Batch batch) {
    const auto number = batches.size();
    batches.push_back(batch.size());
    if (number < gates.size()) {
      gates[number].pass();
    }
    answer(batch);
  });
  Calls calls(lane);
  calls.begin(0);
  gates[0].wait_until_begun();
  for (int i = 1; i <= 4; ++i) {
    calls.begin(i);
  }
  gates[0].open();
  gates[1].wait_until_begun();
  calls.begin(5);
  calls.begin(6);
  gates[1].open();
  calls.begin(7);
  calls.finish();
  EXPECT_THAT(batches, ElementsAre(1U, 4U, 3U));
}

TEST(Lane, RefusesWhatIsBeyondItsBound) {
  Gate gate;
  Numbers lane(settings(2), [&](Numbers::Batch batch) {
    gate.pass();
    answer(batch);
  });
  Calls calls(lane);
  calls.begin(0);
  gate.wait_until_begun();
  calls.begin(1);
  calls.begin(2);
  EXPECT_EQ(lane.waiting(), 2U);
  const auto refused = calls.begin(3);
  EXPECT_EQ(calls.outcomes[refused].error, errc::overloaded);
  gate.open();
  calls.finish();
  EXPECT_EQ(calls.outcomes[2].answer, "2");
}

TEST(Lane, ADeadlineEndsACallThatWaitsAndNoneThatWasTaken) {
  ManualClock clock;
  Gate gate;
  Numbers lane(settings(100, 100, &clock), [&](Numbers::Batch batch) {
    gate.pass();
    answer(batch);
  });
  Calls calls(lane);
  const auto by = Deadline::after(std::chrono::seconds(1), clock);
  calls.begin(0, by);
  gate.wait_until_begun();
  const auto late = calls.begin(1, by);
  clock.advance(std::chrono::seconds(2));
  while (!calls.outcomes[late].ended) {
    ASSERT_EQ(calls.io.run_one_for(test::patience), 1U);
  }
  EXPECT_EQ(calls.outcomes[late].error, errc::timed_out);
  EXPECT_FALSE(calls.outcomes[0].ended);
  gate.open();
  calls.finish();
  EXPECT_EQ(calls.outcomes[0].answer, "0");
}

TEST(Lane, CancellationEndsACallThatWaitsAndNoneThatWasTaken) {
  Gate gate;
  Numbers lane(settings(), [&](Numbers::Batch batch) {
    gate.pass();
    answer(batch);
  });
  Calls calls(lane);
  calls.begin(0);
  gate.wait_until_begun();
  const auto waiting = calls.begin(1);
  calls.signals[waiting]->emit(asio::cancellation_type::terminal);
  calls.signals[0]->emit(asio::cancellation_type::terminal);
  test::drain(calls.io);
  EXPECT_EQ(calls.outcomes[waiting].error, asio::error::operation_aborted);
  EXPECT_FALSE(calls.outcomes[0].ended);
  EXPECT_EQ(lane.waiting(), 0U);
  gate.open();
  calls.finish();
}

TEST(Lane, StopRefusesWhatWaitsAndFinishesWhatWasTaken) {
  Gate gate;
  Numbers lane(settings(), [&](Numbers::Batch batch) {
    gate.pass();
    answer(batch);
  });
  Calls calls(lane);
  calls.begin(0);
  gate.wait_until_begun();
  calls.begin(1);
  auto stopping = std::async(std::launch::async, [&lane] { lane.stop(); });
  while (!calls.outcomes[1].ended) {
    ASSERT_EQ(calls.io.run_one_for(test::patience), 1U);
  }
  EXPECT_EQ(calls.outcomes[1].error, errc::shutting_down);
  gate.open();
  stopping.get();
  calls.finish();
  EXPECT_EQ(calls.outcomes[0].answer, "0");
  EXPECT_EQ(calls.outcomes[calls.begin(2)].error, errc::shutting_down);
}

TEST(Lane, WorkThatThrowsFailsTheCallsItHasNotAnswered) {
  Gate gate;
  int batches = 0;
  Numbers lane(settings(), [&](Numbers::Batch batch) {
    gate.pass();
    if (++batches == 2) {
      batch[0].succeed("first");
      throw_error(errc::storage_unavailable, "away");
    }
    answer(batch);
  });
  Calls calls(lane);
  calls.begin(0);
  gate.wait_until_begun();
  calls.begin(1);
  calls.begin(2);
  gate.open();
  calls.finish();
  EXPECT_EQ(calls.outcomes[1].answer, "first");
  EXPECT_EQ(calls.outcomes[2].error, errc::storage_unavailable);
  EXPECT_EQ(test::run(lane.call(3, Deadline::never())), "3");
}

TEST(Lane, ServesManyThreadsAtOnce) {
  Numbers lane(settings(), answer);
  std::vector<std::future<int>> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.push_back(std::async(std::launch::async, [&lane, thread] {
      int right = 0;
      for (int i = 0; i < 500; ++i) {
        const auto request = thread * 1'000 + i;
        right += test::run(lane.call(request, Deadline::never())) == std::to_string(request) ? 1 : 0;
      }
      return right;
    }));
  }
  for (auto& thread : threads) {
    EXPECT_EQ(thread.get(), 500);
  }
}

// Cancel after every number of handlers: each call ends, once, and the lane goes on.
TEST(Lane, CallsMayBeCancelledAfterAnyNumberOfHandlers) {
  Numbers lane(settings(), answer);
  bool complete = false;
  for (int n = 0; !complete; ++n) {
    ASSERT_LT(n, 100);
    Calls calls(lane);
    asio::co_spawn(calls.io, lane.call(1, Deadline::never()), [](std::exception_ptr, std::string) {});
    calls.begin(2);
    calls.begin(3);
    int ran = 0;
    calls.io.restart();
    while (ran < n && !calls.outcomes[1].ended) {
      ran += static_cast<int>(calls.io.run_one_for(test::patience));
    }
    complete = calls.outcomes[1].ended && ran < n;
    for (auto& signal : calls.signals) {
      signal->emit(asio::cancellation_type::terminal);
    }
    calls.finish();
    calls.io.run();
  }
}

// A context that ends with answers that it never ran destroys the coroutines that wait for them.
TEST(Lane, AContextMayEndWithAnswersInIt) {
  Gate gate;
  auto alive = std::make_shared<int>();
  Numbers lane(settings(), [&](Numbers::Batch batch) {
    gate.pass();
    answer(batch);
  });
  {
    asio::io_context io;
    const auto wait = [](Numbers& on, std::shared_ptr<int>) -> awaitable<void> {
      co_await on.call(1, Deadline::never());
    };
    asio::co_spawn(io, wait(lane, alive), [](std::exception_ptr) {});
    test::drain(io);
    gate.open();
    lane.stop();  // the answer is posted, and nobody runs the context
  }
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace tern::storage
