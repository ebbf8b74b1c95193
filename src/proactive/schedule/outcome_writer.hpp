#pragma once

#include "proactive/schedule/slot_leases.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/storage/any_storage.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace tern::proactive {

/// The outcome of a send, as long as the store does not have it.
struct Unrecorded {
  SendOutcome outcome;
  std::optional<DueEntry>
      again;  ///< of a retry: the entry that goes back into the window once the store has the outcome
  std::optional<DueEntry> next;     ///< of a recurring send: its next occurrence, likewise
  std::optional<StoreUpsert> note;  ///< a document that is written with the outcome
};

/// Writes outcomes to the store in batches. One write takes all outcomes that came together, and while it is under way
/// the next batch gathers. Outcomes that could not be written are kept and tried again, because a send without a
/// recorded outcome would go out again after a restart.
///
/// Lifetime: nothing is under way (or the `io_context` has ended) before destruction.
/// Thread safety: everything on its executor.
class OutcomeWriter {
 public:
  /// Is told what was written. Nothing is added to the writer meanwhile.
  class Listener {
   public:
    virtual ~Listener() = default;
    /// The store has this outcome, or refuses it because there is another owner or the send was edited.
    virtual void on_recorded(const Unrecorded& one, bool is_refused) = 0;
    /// A batch was written, of which all have been told.
    virtual void on_batch_recorded() = 0;
    /// Nothing is being written.
    virtual void on_rest() = 0;
  };

  struct Options {
    std::size_t batch = 256;  ///< outcomes in one write
    std::chrono::milliseconds storage_timeout{5'000};
  };
  /// `refused` counts outcomes that the store refuses.
  /// Lifetime: the clock and the listener outlive it.
  OutcomeWriter(executor ex, AnyStorage storage, Clock& clock, const Options& options, Counter refused,
                Listener& listener);
  OutcomeWriter(const OutcomeWriter&) = delete;
  OutcomeWriter& operator=(const OutcomeWriter&) = delete;

  void add(Unrecorded one);
  /// Begins to write all outcomes, unless a write is under way, which then goes on with them.
  void flush();

  /// How many outcomes the store does not have.
  std::size_t size() const noexcept { return outcomes_.size(); }
  /// Whether the store has all outcomes, and nothing is being written.
  bool is_at_rest() const noexcept { return !writing_ && outcomes_.empty(); }
  /// The slots of the outcomes that the store does not have.
  SlotSet slots() const noexcept;

 private:
  /// A write of the first `count` outcomes.
  struct Batch {
    StoreChanges changes;
    std::size_t count = 0;
  };

  awaitable<void> write_all();
  Batch first_batch() const;
  void recorded(std::size_t count, const std::vector<std::size_t>& refused);

  executor ex_;
  AnyStorage storage_;
  Clock& clock_;
  const Options options_;
  Counter refused_;
  Listener& listener_;
  std::vector<Unrecorded> outcomes_;
  bool writing_ = false;
};

}  // namespace tern::proactive
