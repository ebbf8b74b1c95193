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

/// The ends of sends under way. Each function here records the outcome of a send, and frees its place and its order
/// key. The key of a send that is tried again stays busy, so that no later send overtakes it.
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
  /// Is told of the ends.
  struct Parts {
    NearWindow& window;
    WindowLoader& loader;
    const SlotLeases& slots;
    InFlight& flight;
  };
  /// Lifetime: all that it refers to outlives it.
  SendEndings(executor ex, const AnyStorage& storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
              const OutcomeWriter::Options& options, const Parts& parts, Listener& listener);

  /// The channel has the message, or the continuation has run.
  void sent(const DueEntry& entry, const ScheduledSend& send);
  /// The send would have come too late.
  void expired(const DueEntry& entry, const ScheduledSend& send);
  /// The send can never arrive, or may not be tried again.
  void dead(const DueEntry& entry, const ScheduledSend& send, std::string reason);
  /// The send is tried again, as the verdict says.
  void retried(const DueEntry& entry, const ScheduledSend& send, const Verdict& verdict);
  /// No attempt was made, so none is counted. A note of an earlier owner that the send begins stays.
  void postponed(const DueEntry& entry, const ScheduledSend& send, WallTime until);
  /// The send is due later than its entry says: earlier sends of its key need not wait for it.
  void handed_back(const DueEntry& entry, const ScheduledSend& send);
  /// The store does not have the send, or is not told of its end.
  void gone(const DueEntry& entry) noexcept;
  /// Only the place of the send is freed: its key stays busy.
  void left(const DueEntry& entry) noexcept;

  /// How many outcomes are not written.
  std::size_t unrecorded() const noexcept { return outcomes_.size(); }
  /// Slots with a send under way, or with an outcome that is not written.
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
