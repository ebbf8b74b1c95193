#pragma once

#include "proactive/limits/refused_sends.hpp"
#include "proactive/limits/send_gate.hpp"
#include "proactive/limits/send_policy.hpp"
#include "proactive/schedule/run_places.hpp"
#include "proactive/schedule/schedule_figures.hpp"
#include "proactive/schedule/send_endings.hpp"
#include "proactive/schedule/send_executor.hpp"
#include "proactive/schedule/slot_leases.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <random>

namespace tern::proactive {

/// Tries sends: from the record of a due send to the `SendEndings`. The `SendPolicy` says what a failure means.
///
/// A send that may not simply be repeated is noted in the store before it begins: a continuation, because it may end
/// the process, and a send that may arrive at most once.
///
/// Lifetime: nothing is under way (or the `io_context` has ended) before destruction.
/// Thread safety: everything on its executor.
class SendAttempts {
 public:
  struct Options {
    SendPolicy policy;
    Limiter* limiter = nullptr;      ///< null: no limits
    std::size_t remembered = 1'024;  ///< refused sends that wait to be judged
    std::chrono::milliseconds storage_timeout{5'000};
  };
  struct Parts {
    const SlotLeases& slots;
    SendGate& gate;
    RunPlaces& runs;
    SendEndings& endings;
  };
  /// Lifetime: all that it refers to outlives it.
  SendAttempts(executor ex, AnyStorage storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
               const Options& options, const Parts& parts);

  /// True when the send ends here, or is put off, because the channel has refused it a while ago.
  bool was_refused(const DueEntry& entry, const ScheduledSend& send);
  /// Whether the send is to be tried now. If not, it has ended here, or is put off.
  bool is_to_be_tried(const ReadySend& ready);
  /// Begins an attempt, which has its place.
  void begin(ReadySend ready);
  /// The attempt, to its end.
  awaitable<void> attempt(ReadySend ready);
  /// A message that had its place among limits and shares does not go after all.
  void withdraw(const SendScope& scope, SteadyTime went);

  /// The send was cancelled.
  void forget(const SendHandle& handle) { refused_.forget(handle.id); }
  /// The process ends: the next process judges sends that are refused from now on.
  void stop() noexcept { stopped_ = true; }

 private:
  /// The answer of the store to the note that a send begins.
  enum class Noted : std::uint8_t {
    yes,
    refused,  ///< another owner has it, or it was cancelled
    late      ///< meanwhile the lease ran out, it expired, or the clock was set back
  };

  awaitable<Noted> note_begin(const ReadySend& ready);
  bool may_be_written(const DueEntry& entry) const noexcept;
  void has_ended(const ReadySend& ready, SteadyTime::duration took, Shares::End end);
  void succeeded(const ReadySend& ready);
  void failed(const ReadySend& ready, const std::exception_ptr& error);
  void judge_later(const ReadySend& ready, std::string reason);
  void tell_of(const SendScope& scope, const SendShares::Change& change);
  void tell_of(const Verdict& verdict);

  executor ex_;
  AnyStorage storage_;
  SendExecutor& sends_;
  SendQuestions questions_;
  Clock& clock_;
  ScheduleFigures& figures_;
  const Options options_;
  Parts parts_;
  RefusedSends refused_;
  std::minstd_rand random_;
  bool stopped_ = false;
};

}  // namespace tern::proactive
