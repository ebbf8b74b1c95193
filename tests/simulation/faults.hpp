#pragma once

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>

namespace tern::simulation {

/// What goes wrong, drawn from a seed; nothing once `stop` was called.
class Faults {
 public:
  explicit Faults(std::uint64_t seed) : random_(seed) {
    // Each run has its own mixture: some are quiet, in some nearly everything fails.
    store_failure_ = severity() * 0.1;
    lost_answer_ = severity() * 0.1;
    slow_store_ = severity() * 0.05;
    channel_failure_ = severity() * 0.4;
    channel_refusal_ = severity() * 0.3;
    process_fault_ = severity();
    most_skew_ = severity() * 400;
    window_entries_ = happens(0.2) ? 8 : 200'000;
  }

  void stop() noexcept { on_ = false; }

  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  std::uint64_t number(std::uint64_t below) { return random_() % below; }
  bool happens(double probability) { return uniform() < probability; }
  std::chrono::milliseconds upto(std::chrono::milliseconds most) {
    return std::chrono::milliseconds(number(static_cast<std::uint64_t>(most.count()) + 1));
  }

  SteadyTime::duration store_latency() {
    return on_ && happens(slow_store_) ? upto(std::chrono::seconds(4)) : upto(std::chrono::milliseconds(3));
  }
  bool store_fails() { return on_ && happens(store_failure_); }
  bool answer_is_lost() { return on_ && happens(lost_answer_); }
  bool channel_fails() { return on_ && happens(channel_failure_); }
  /// Of a failure of the channel: whether it says no for good, or to the bot.
  bool channel_refuses() { return happens(channel_refusal_); }
  /// Whether something befalls a process in this step.
  bool process_fault() { return on_ && happens(process_fault_ * 0.5); }
  /// By how much the clock of a process that begins is ahead of the world's, or behind: within 0.4 s.
  WallTime::duration skew() {
    const auto ms = static_cast<std::int64_t>((2 * uniform() - 1) * most_skew_);
    return std::chrono::milliseconds(ms);
  }
  /// How many entries the window of a process holds: in some runs too few.
  std::size_t window_entries() const noexcept { return window_entries_; }

 private:
  // Half of the runs are without this fault.
  double severity() { return happens(0.5) ? 0 : uniform(); }

  std::mt19937_64 random_;
  bool on_ = true;
  double store_failure_ = 0;
  double lost_answer_ = 0;
  double slow_store_ = 0;
  double channel_failure_ = 0;
  double channel_refusal_ = 0;
  double process_fault_ = 0;
  double most_skew_ = 0;
  std::size_t window_entries_ = 0;
};

}  // namespace tern::simulation
