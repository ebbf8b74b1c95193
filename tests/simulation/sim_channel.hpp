#pragma once

#include "proactive/schedule/scheduler.hpp"
#include "simulation/faults.hpp"
#include "simulation/sim_addresses.hpp"
#include "simulation/sim_record.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/turn/channel_sender.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace tern::simulation {

/// The limits of the simulated channel, for each process.
inline constexpr proactive::SendWindow conversation_window{4, std::chrono::seconds(2)};
inline constexpr proactive::SendWindow bot_window{12, std::chrono::seconds(1)};
/// How long a process waits for an answer, and obeys a Retry-After.
inline constexpr std::chrono::milliseconds request_timeout{15'000};
inline constexpr std::chrono::milliseconds longest_retry_after{20'000};

/// The channel: takes its time, refuses, and at times takes a message and says nothing. It looks at each send whether
/// the limits that it has set are kept.
class SimChannel {
 public:
  SimChannel(ManualClock& clock, Faults& faults, Records& records)
      : clock_(clock), faults_(faults), records_(records) {}

  /// The bot's secret is wrong until then, while there are faults.
  void spoil_secret(SteadyTime until) noexcept { secret_bad_until_ = until; }

  /// A gateway answers so until then, while there are faults.
  void break_way(SteadyTime until, int status) noexcept {
    way_broken_until_ = until;
    way_status_ = status;
  }

  /// A host answers nothing until then, while there are faults.
  void hang(std::uint64_t host, SteadyTime until) noexcept { hanging_until_[host] = until; }

  /// Whether the user of a conversation had blocked the bot while there were faults.
  bool is_blocked_by(const std::string& user) const {
    const auto known = blocked_.find(user);
    return known != blocked_.end() && known->second;
  }

  /// `owner`: the process that sends.
  awaitable<void> post(ScheduledSend send, const std::string& owner) {
    auto& record = records_.of(send.handle.id);
    ++record.begun;
    if (!record.is_continuation && clock_.now() < told_[{owner, send.order_key}]) {
      records_.broken("inside a Retry-After", record, owner);
    }
    co_await sleep_for(record.is_continuation ? faults_.time_to_run() : faults_.upto(std::chrono::milliseconds(50)),
                       clock_);
    if (!record.is_continuation) {  // what a continuation sends its turn decides
      count(counted_[{owner, "bot"}], bot_window, "the bot's window exceeded", record);
      count(counted_[{owner, send.order_key}], conversation_window, "a conversation's window exceeded", record);
    }
    if (!record.is_continuation && faults_.is_on() &&
        clock_.now() < hanging_until_[Addresses::host_of(send.order_key)]) {
      co_await hang_up(record);
    }
    if (faults_.is_on() && clock_.now() < way_broken_until_) {
      if (way_status_ >= 500) {
        record.ambiguous = record.excused = true;
      }
      throw ChannelError(way_status_, "", std::nullopt, "", ChannelError::By::stranger);
    }
    if (faults_.is_on() && clock_.now() < secret_bad_until_) {
      throw ChannelError(401, "the simulated secret is wrong", std::nullopt);
    }
    if (!record.is_continuation && has_blocked(send.order_key)) {
      record.refused = true;
      throw ChannelError(403, "the simulated user has blocked the bot", std::nullopt);
    }
    if (!faults_.channel_fails()) {
      deliver(record, send.generation);
      co_await sleep_for(faults_.upto(std::chrono::milliseconds(50)), clock_);
      co_return;
    }
    if (faults_.channel_refuses()) {
      refuse(record);
    }
    if (faults_.answers_late()) {
      record.ambiguous = record.excused = true;
      co_await sleep_for(faults_.upto(request_timeout), clock_);
      deliver(record, send.generation);
      throw AmbiguousSend(make_error_code(errc::timed_out), "the simulated channel took it and answers too late");
    }
    fail(record, send.generation, told_[{owner, send.order_key}]);
  }

 private:
  awaitable<void> hang_up(Record& record) {
    const bool was_written = faults_.happens(0.5);
    record.ambiguous = record.ambiguous || was_written;
    record.excused = record.excused || was_written;
    co_await sleep_for(request_timeout, clock_);
    if (was_written) {
      throw AmbiguousSend(make_error_code(errc::timed_out), "the simulated host took it and says nothing");
    }
    throw system_error(make_error_code(errc::timed_out), "the simulated host takes no connection");
  }

  using Scope = std::pair<std::string, std::string>;  // of the process, for it alone knows

  void count(std::deque<SteadyTime>& counted, const proactive::SendWindow& window, const char* promise,
             const Record& record) {
    while (!counted.empty() && counted.front() + window.length <= clock_.now()) {
      counted.pop_front();
    }
    if (counted.size() >= window.sends) {
      records_.broken(promise, record);
    }
    counted.push_back(clock_.now());
  }

  bool has_blocked(const std::string& user) {
    const auto known = blocked_.find(user);
    const bool has = known != blocked_.end() ? known->second : faults_.user_has_blocked();
    blocked_.emplace(user, has);
    return has && faults_.is_on();  // when the faults end, so does that
  }

  void deliver(Record& record, std::uint32_t generation) {
    record.late = std::max(record.late, clock_.wall_now() - record.due);
    ++record.delivered;
    ++record.delivered_in[generation];
  }

  [[noreturn]] void refuse(Record& record) {
    constexpr std::array statuses{401, 403, 404, 410};
    const auto status = statuses[faults_.number(statuses.size())];
    record.refused = record.refused || status != 401;
    const bool names_time = faults_.happens(0.5);
    const auto wait = std::chrono::seconds(1) * faults_.number(5);
    throw ChannelError(status, "the simulated channel refuses",
                       names_time ? std::optional<std::chrono::milliseconds>(wait) : std::nullopt);
  }

  [[noreturn]] void fail(Record& record, std::uint32_t generation, SteadyTime& told) {
    using std::chrono_literals::operator""s;
    const auto kind = faults_.number(5);
    if (kind > 1) {
      record.ambiguous = record.excused = true;
    }
    switch (kind) {
      case 0: {
        const auto wait = asked_wait();
        if (!record.is_continuation) {
          told = clock_.now() + std::clamp(wait, std::chrono::milliseconds(0), longest_retry_after);
        }
        throw ChannelError(429, "the simulated channel has a limit", wait);
      }
      case 1:
        throw system_error(make_error_code(errc::channel_unreachable), "the simulated channel is away");
      case 2:
        deliver(record, generation);
        throw AmbiguousSend(make_error_code(errc::timed_out), "the simulated channel took it and said nothing");
      case 3:
        throw AmbiguousSend(make_error_code(errc::timed_out), "the simulated channel lost it and said nothing");
      default:
        throw ChannelError(503, "the simulated channel is busy", std::nullopt);
    }
  }

  // What a Retry-After asks for: some seconds, or years, or a time in the past.
  std::chrono::milliseconds asked_wait() {
    using std::chrono_literals::operator""s;
    using std::chrono_literals::operator""h;
    if (!faults_.waits_are_absurd()) {
      return 1s * faults_.number(20);
    }
    switch (faults_.number(4)) {
      case 0:
        return std::chrono::seconds(1'764'331'200);
      case 1:
        return std::chrono::milliseconds::max();
      case 2:
        return -1h;
      default:
        return 24h;
    }
  }

  ManualClock& clock_;
  Faults& faults_;
  Records& records_;
  std::map<Scope, std::deque<SteadyTime>> counted_;
  std::map<std::string, bool> blocked_;
  SteadyTime secret_bad_until_ = SteadyTime::min();
  SteadyTime way_broken_until_ = SteadyTime::min();
  int way_status_ = 404;
  std::array<SteadyTime, Addresses::hosts> hanging_until_{};
  std::map<Scope, SteadyTime> told_;  // until when a conversation is to wait
};

}  // namespace tern::simulation
