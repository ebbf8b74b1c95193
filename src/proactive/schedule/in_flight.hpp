#pragma once

#include "proactive/schedule/slot_leases.hpp"

#include <tern/storage/schedule_types.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace tern::proactive {

/// Counts the sends under way, from the moment at which a record is asked for, and says how many more may begin.
///
/// A send whose outcome is not recorded is sent again after a crash, so it takes a place like a send under way. So,
/// also while the store cannot be written to, at most `places` sends and one batch are in doubt. Continuations run the
/// bot's code for any time, so they have places of their own: long continuations keep no message waiting.
///
/// Thread safety: none.
class InFlight {
 public:
  struct Places {
    std::size_t sends = 1;          ///< sends under way at once, but for continuations
    std::size_t continuations = 1;  ///< continuations under way at once
    std::size_t batch = 1;          ///< records read, and outcomes written, at once
  };
  explicit InFlight(const Places& places) : places_(places) {}

  void enter(const DueEntry& entry) noexcept {
    ++all_;
    ++of_slot_[entry.slot];
  }
  void leave(const DueEntry& entry) noexcept {
    --all_;
    --of_slot_[entry.slot];
  }
  /// One of those under way is a continuation that runs from now on.
  void begin_run() noexcept { ++running_; }
  void end_run() noexcept { --running_; }

  std::size_t all() const noexcept { return all_; }
  std::size_t running() const noexcept { return running_; }
  /// How many sends may begin; as many are read at once. `unrecorded`: outcomes that are not written yet.
  std::size_t room_to_send(std::size_t unrecorded) const noexcept;
  /// Whether another continuation may run.
  bool has_place_to_run(std::size_t unrecorded) const noexcept;
  /// Slots with a send under way.
  SlotSet slots() const noexcept;

 private:
  Places places_;
  std::size_t all_ = 0;
  std::size_t running_ = 0;
  std::array<std::uint32_t, slot_count> of_slot_{};
};

}  // namespace tern::proactive
