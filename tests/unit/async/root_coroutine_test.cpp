#include "async/root_coroutine.hpp"

#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <memory>

#include "scenario.hpp"

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::drain;

/// What became of one; it outlives the event loop.
struct Seen {
  int begun = 0;
  int ended = 0;
  int gone = 0;
  boost::system::error_code error;
};

/// Like a turn, it gives up the signal that cancels it when it ends.
detail::RootCoroutine waiting(Seen& seen, std::unique_ptr<asio::cancellation_signal>& signal, Clock& clock,
                              SteadyTime::duration pause, int pauses) {
  struct Gone {
    Seen& seen;
    ~Gone() { ++seen.gone; }
  };
  const Gone gone{seen};
  ++seen.begun;
  try {
    for (int i = 0; i < pauses; ++i) {
      co_await sleep_for(pause, clock);
    }
  } catch (const system_error& e) {
    seen.error = e.code();
  }
  ++seen.ended;
  signal.reset();
}

class RootCoroutine : public testing::Test {
 protected:
  void begin(SteadyTime::duration pause, int pauses) {
    auto root = waiting(seen_, signal_, clock_, pause, pauses);
    detail::begin(std::move(root), io_.get_executor(), signal_->slot());
  }

  ManualClock clock_;
  Seen seen_;
  std::unique_ptr<asio::cancellation_signal> signal_ = std::make_unique<asio::cancellation_signal>();
  asio::io_context io_{1};
};

TEST_F(RootCoroutine, ThatNeverWaitsHasEndedWhenItHasBegun) {
  begin(1s, 0);
  EXPECT_EQ(seen_.ended, 1);
  EXPECT_EQ(seen_.gone, 1);
  EXPECT_EQ(drain(io_), 0U) << "nothing of it goes through the event loop";
}

TEST_F(RootCoroutine, ThatWaitsGoesOnInTheLoop) {
  begin(1s, 2);
  EXPECT_EQ(seen_.begun, 1);
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  EXPECT_EQ(seen_.ended, 0);
  clock_.advance(1s);
  drain(io_);
  EXPECT_EQ(seen_.ended, 1);
  EXPECT_EQ(seen_.gone, 1);
  EXPECT_FALSE(seen_.error);
}

TEST_F(RootCoroutine, IsCancelledByItsSignal) {
  begin(1h, 1);
  signal_->emit(asio::cancellation_type::partial);
  drain(io_);
  EXPECT_EQ(seen_.ended, 0) << "it takes terminal cancellation only";
  signal_->emit(asio::cancellation_type::terminal);
  drain(io_);
  EXPECT_EQ(seen_.error, asio::error::operation_aborted);
  EXPECT_EQ(seen_.gone, 1);
}

TEST_F(RootCoroutine, SurvivesDestructionAfterEveryHandler) {
  struct Scenario {
    ManualClock& clock;
    bool advance() { return test::move_to_next(clock); }
  };
  test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    EXPECT_EQ(seen_.gone, seen_.begun) << "the last one's frame has gone with its loop";
    seen_ = Seen();
    signal_ = std::make_unique<asio::cancellation_signal>();
    auto root = waiting(seen_, signal_, clock_, 1s, 3);
    detail::begin(std::move(root), io.get_executor(), signal_->slot());
    return Scenario{clock_};
  });
  EXPECT_EQ(seen_.ended, 1);
}

}  // namespace
}  // namespace tern
