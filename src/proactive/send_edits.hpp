#pragma once

#include "proactive/schedule/schedule_runner.hpp"
#include "runtime/runtime.hpp"

#include <optional>
#include <vector>

namespace tern::proactive {

/// Edits of stored sends that a bot asks for, and the word about them to the process's schedulers.
///
/// Lifetime: runtime, runner and clock outlive it.
/// Thread safety: any shard.
class SendEdits {
 public:
  SendEdits(runtime::Runtime& runtime, ScheduleRunner& runner, Clock& clock)
      : runtime_(runtime), runner_(runner), clock_(clock) {}

  /// A cancelled or discarded send. False when it was too late.
  awaitable<bool> end(SendEdit::Kind how, SendHandle handle);
  /// A rescheduled or redriven send. Returns the handle that is valid from now on; nullopt when it was too late.
  /// Errors: `errc::invalid_argument` for a time that no send is kept for.
  awaitable<std::optional<SendHandle>> move_to(SendEdit::Kind how, SendHandle handle, WallTime when);
  /// Dead sends are pending again, under these handles.
  awaitable<void> tell_of_redriven(std::vector<SendHandle> handles);

  AnyStorage store() const { return runtime_.environment(0).storage; }
  Deadline deadline() const noexcept;

 private:
  awaitable<std::optional<ScheduledSend>> tell_of_edit(SendHandle handle);

  runtime::Runtime& runtime_;
  ScheduleRunner& runner_;
  Clock& clock_;
};

}  // namespace tern::proactive
