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
    blocked_ = severity() * 0.8;
    bad_secret_ = happens(0.2);
    places_ = happens(0.5) ? 2 : 256;
    longest_run_ = happens(0.5) ? std::chrono::seconds(8) : std::chrono::milliseconds(50);
    broken_way_ = happens(0.3);
    absurd_waits_ = happens(0.3);
    late_answers_ = happens(0.3);
    moves_ = happens(0.5);
    hanging_hosts_ = happens(0.3);
  }
  /// Nothing goes wrong but that users have blocked the bot and continuations take long.
  static Faults of_users_alone(std::uint64_t seed) {
    Faults faults(seed);
    faults.store_failure_ = faults.lost_answer_ = faults.slow_store_ = 0;
    faults.channel_failure_ = faults.process_fault_ = faults.most_skew_ = 0;
    faults.window_entries_ = 200'000;
    faults.bad_secret_ = faults.broken_way_ = faults.absurd_waits_ = faults.late_answers_ = faults.moves_ = false;
    faults.hanging_hosts_ = false;
    faults.blocked_ = faults.uniform() * 0.8;
    faults.places_ = 2;
    faults.longest_run_ = std::chrono::seconds(8);
    return faults;
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
  /// Of a user: whether they have blocked the bot.
  bool user_has_blocked() { return happens(blocked_); }
  /// Whether there are times at which the bot's secret is wrong.
  bool secret_goes_bad() const noexcept { return on_ && bad_secret_; }
  /// Whether there are times at which a gateway answers instead of the channel.
  bool way_breaks() const noexcept { return on_ && broken_way_; }
  /// Whether there are times at which a host of the channel answers nothing.
  bool hosts_hang() const noexcept { return on_ && hanging_hosts_; }
  /// Whether the channel asks for waits that make no sense.
  bool waits_are_absurd() { return absurd_waits_ && happens(0.5); }
  /// Whether the channel takes a message and answers after the request's time-out.
  bool answers_late() { return late_answers_ && happens(0.3); }
  /// Whether conversations move to other addresses.
  bool conversations_move() const noexcept { return on_ && moves_; }
  /// How many continuations run at once, and how long one takes.
  std::size_t places() const noexcept { return places_; }
  std::chrono::milliseconds time_to_run() { return upto(on_ ? longest_run_ : std::chrono::milliseconds(50)); }
  bool is_on() const noexcept { return on_; }
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
  double blocked_ = 0;
  bool bad_secret_ = false;
  bool broken_way_ = false;
  bool absurd_waits_ = false;
  bool late_answers_ = false;
  bool moves_ = false;
  bool hanging_hosts_ = false;
  std::size_t places_ = 256;
  std::chrono::milliseconds longest_run_{50};
};

}  // namespace tern::simulation
