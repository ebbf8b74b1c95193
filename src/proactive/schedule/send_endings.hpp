#pragma once

#include "proactive/limits/send_policy.hpp"
#include "proactive/schedule/in_flight.hpp"
#include "proactive/schedule/near_window.hpp"
#include "proactive/schedule/outcome_writer.hpp"
#include "proactive/schedule/schedule_figures.hpp"
#include "proactive/schedule/send_executor.hpp"
#include "proactive/schedule/slot_leases.hpp"
#include "proactive/schedule/strict_burial.hpp"
#include "proactive/schedule/window_loader.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/deadline.hpp>
#include <tern/async/timer.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace tern::proactive {

/// The ends of what is under way. Each function here has the outcome of a send recorded, and frees the send's place and
/// its order key; the key of a send that is tried again stays busy, so that no later one overtakes it.
///
/// Lifetime: as `OutcomeWriter`.
/// Thread safety: everything on its executor.
class SendEndings final : private OutcomeWriter::Listener {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// Something has ended or was recorded: there may be room for more.
    virtual void on_room() = 0;
    /// The store has the next occurrence of a recurring send.
    virtual void on_next(const DueEntry& next) = 0;
  };
  /// What the ends are told to.
  struct Parts {
    NearWindow& window;
    WindowLoader& loader;
    const SlotLeases& slots;
    InFlight& flight;
  };
  /// Lifetime: all that it refers to outlives it.
  SendEndings(executor ex, const AnyStorage& storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
              const OutcomeWriter::Options& options, const Parts& parts, Listener& listener);

  /// The channel has it, or the continuation has run.
  void sent(const DueEntry& entry, const ScheduledSend& send);
  /// It would have come too late.
  void expired(const DueEntry& entry, const ScheduledSend& send);
  /// It can never arrive, or may not be tried again.
  void dead(const DueEntry& entry, const ScheduledSend& send, std::string reason);
  /// It is tried again, as the verdict says.
  void retried(const DueEntry& entry, const ScheduledSend& send, const Verdict& verdict);
  /// No attempt was made, so that none is counted. What was begun by an owner before this one still was.
  void postponed(const DueEntry& entry, const ScheduledSend& send, WallTime until);
  /// It is due later than its entry says: those of its key that are due before it need not wait for it.
  void handed_back(const DueEntry& entry, const ScheduledSend& send);
  /// The store has nothing of it, or is to be told nothing.
  void gone(const DueEntry& entry) noexcept;
  /// It ends here only as far as its place is concerned: its key stays busy.
  void left(const DueEntry& entry) noexcept;

  /// How many outcomes are not written.
  std::size_t unrecorded() const noexcept { return outcomes_.size(); }
  /// Slots of which something is under way, or has an outcome that is not written.
  SlotSet busy() const noexcept { return parts_.flight.slots() | outcomes_.slots(); }
  /// Waits until nothing is under way and all outcomes are written, at most until `by`. True when so.
  awaitable<bool> idle(Deadline by);
  /// The same for some slots.
  awaitable<bool> quiet(SlotSet slots, Deadline by);

 private:
  void record(SendOutcome outcome, const DueEntry& entry, std::optional<StoreUpsert> note = std::nullopt);
  awaitable<void> bury_with_followers(DueEntry entry, std::string order_key, StoreChanges burial);
  void on_recorded(const Unrecorded& one, bool is_refused) override;
  void on_batch_recorded() override;
  void on_rest() override { idle_timer_.cancel(); }

  executor ex_;
  SendExecutor& sends_;
  SendQuestions questions_;
  Clock& clock_;
  ScheduleFigures& figures_;
  Parts parts_;
  Listener& listener_;
  OutcomeWriter outcomes_;
  StrictBurial burial_;
  Timer idle_timer_;
  Timer quiet_timer_;
};

/// The entry that the window keeps for a send.
DueEntry entry_of(const ScheduledSend& send, std::uint64_t seq);

}  // namespace tern::proactive
