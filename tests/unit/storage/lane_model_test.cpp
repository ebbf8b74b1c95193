#include "storage/lane.hpp"

#include "support/random_seed.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace tern::storage {
namespace {

using Numbers = Lane<int, std::string>;

// A third fail, and at times the work ends in the middle of a batch.
void answer(Numbers::Batch batch) {
  for (auto& ticket : batch) {
    if (ticket.request % 50 == 49) {
      throw std::runtime_error("the work ends here");
    }
    if (ticket.request % 3 == 0) {
      ticket.fail(std::make_exception_ptr(system_error(make_error_code(errc::storage_unavailable))));
    } else {
      ticket.succeed(std::to_string(ticket.request));
    }
  }
}

/// One thread that calls the lane at random, many calls at once, and gives some up. Each ends once, in one of the ways
/// that its lane allows.
class Caller {
 public:
  Caller(Numbers& lane, std::uint64_t seed) : lane_(lane), random_(seed) {}

  /// How many calls ended wrongly, or not.
  int run(int calls) {
    for (int i = 0; i < calls; ++i) {
      begin();
      if (random_() % 4 == 0) {
        auto& chosen = calls_[random_() % calls_.size()];
        chosen.signal.emit(asio::cancellation_type::terminal);  // also one that has ended
      }
      if (random_() % 100 == 0) {  // as many as that are resumed in several handlers
        io_.restart();
        io_.run();
      } else if (random_() % 10 == 0) {
        io_.restart();
        io_.poll_one();
      }
    }
    io_.restart();
    io_.run();  // returns when nobody waits any more
    for (const auto& call : calls_) {
      wrong_ += call.ended == 1 ? 0 : 1;
    }
    return wrong_;
  }

 private:
  struct Call {
    asio::cancellation_signal signal;
    int ended = 0;
  };

  void begin() {
    auto& call = calls_.emplace_back();
    const auto request = static_cast<int>(random_() % 1'000);
    const auto by = random_() % 8 == 0 ? Deadline::after(std::chrono::microseconds(random_() % 200), system_clock())
                                       : Deadline::never();
    asio::co_spawn(io_, lane_.call(request, by),
                   asio::bind_cancellation_slot(call.signal.slot(), [this, &call, request](auto error, auto text) {
                     ++call.ended;
                     wrong_ += error ? (is_allowed(error) ? 0 : 1) : text == std::to_string(request) ? 0 : 1;
                   }));
  }

  static bool is_allowed(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const system_error& e) {
      return e.code() == errc::storage_unavailable || e.code() == errc::overloaded || e.code() == errc::timed_out ||
             e.code() == errc::shutting_down || e.code() == asio::error::operation_aborted;
    } catch (const std::runtime_error&) {
      return true;  // of the work
    } catch (...) {
      return false;
    }
  }

  Numbers& lane_;
  std::mt19937_64 random_;
  int wrong_ = 0;
  std::deque<Call> calls_;
  asio::io_context io_{1};
};

TEST(Lane, DoesWhatAPlainCallDoesWhateverIsGivenUp) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 6; ++run) {
    LaneSettings settings{"model", 1 + random() % 400, 1 + random() % 300, nullptr};
    settings.gather = std::chrono::microseconds(random() % 2 == 0 ? 0 : random() % 300);
    settings.halve_at = random() % 2 == 0 ? 50 : settings.halve_at;
    Numbers lane(settings, answer);
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&, from = random()] { wrong += Caller(lane, from).run(250); });
    }
    if (run % 3 == 2) {
      lane.stop();  // with calls under way
    }
    for (auto& thread : threads) {
      thread.join();
    }
    ASSERT_EQ(wrong, 0) << "run " << run;
    ASSERT_EQ(lane.waiting(), 0U);
  }
}

}  // namespace
}  // namespace tern::storage
