#pragma once

#include "proactive/schedule/scheduler.hpp"

#include <tern/async/timer.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace tern::test {

/// Notes what it is told to do; each takes `takes`.
class RecordingExecutor final : public proactive::SendExecutor {
 public:
  explicit RecordingExecutor(Clock& clock) : clock_(clock) {}

  awaitable<void> execute(ScheduledSend send) override {
    done.push_back(send.payload);
    begun_at[send.payload] = clock_.now();
    const bool runs_code = send.kind == SendKind::continuation;
    most_at_once = std::max(most_at_once, ++at_once);
    most_running = std::max(most_running, running += runs_code ? 1 : 0);
    co_await sleep_for(time_of ? time_of(send) : runs_code && runs_for ? *runs_for : takes, clock_);
    --at_once;
    running -= runs_code ? 1 : 0;
    if (const auto error = judge ? judge(send) : failure) {
      std::rethrow_exception(error);
    }
  }
  std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const override {
    if (answers_fail) {
      throw std::runtime_error("no time zone data");
    }
    return send.annotations.empty() ? std::nullopt : std::optional(now + period);
  }

  std::optional<StoreUpsert> note_of(const ScheduledSend&, const SendOutcome&) const override {
    if (answers_fail) {
      throw std::runtime_error("no note");
    }
    return std::nullopt;
  }
  void on_conversation_gone(const ScheduledSend&) override { ++gone; }
  WallTime not_before(const ScheduledSend&, WallTime now) const override {
    if (answers_fail) {
      throw std::runtime_error("no time zone data");
    }
    return std::max(now, quiet_until);
  }

  bool answers_fail = false;  ///< all that is asked of a send, but for doing it, throws
  WallTime quiet_until{};
  WallTime::duration period = std::chrono::hours(1);  ///< of what recurs
  std::vector<std::string> done;
  std::size_t gone = 0;
  std::size_t at_once = 0;
  std::size_t most_at_once = 0;
  std::map<std::string, SteadyTime> begun_at;  ///< the last time, by payload
  std::size_t running = 0;                     ///< continuations at once
  std::size_t most_running = 0;
  std::chrono::milliseconds takes{10};
  std::optional<std::chrono::milliseconds> runs_for;  ///< of a continuation, when it is another time
  std::function<std::chrono::milliseconds(const ScheduledSend&)> time_of;  ///< instead of both
  std::exception_ptr failure;
  std::function<std::exception_ptr(const ScheduledSend&)> judge;  ///< instead of `failure`

 private:
  Clock& clock_;
};

}  // namespace tern::test
