#pragma once

#include "simulation/sim_record.hpp"

#include <tern/async/manual_clock.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tern::simulation {

/// What one process knows and does, as seen from outside of it.
///
/// It knows of a send once the store has told it, or it committed the send itself; what it knew of a slot it forgets
/// when the slot goes. From this follows what it must not overtake.
class ProcessView {
 public:
  ProcessView(std::string name, ManualClock& clock, Records& records)
      : name_(std::move(name)), clock_(clock), records_(records) {}

  const std::string& name() const noexcept { return name_; }

  void own(const std::vector<SlotLease>& leases) {
    std::array<bool, slot_count> named{};
    for (const auto& lease : leases) {
      auto& tenure = tenures_[lease.slot];
      named[lease.slot] = true;
      if (!tenure.held || tenure.epoch != lease.epoch) {
        tenure = {tenure.number + 1, lease.epoch, clock_.now(), true};
      }
    }
    for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
      tenures_[slot].held = tenures_[slot].held && named[slot];
    }
  }

  /// How often a slot has come to this process.
  std::uint64_t tenure(std::uint16_t slot) const noexcept { return tenures_[slot].number; }

  void learns_of(const SendId& id, std::uint16_t slot) {
    if (tenures_[slot].held) {
      auto& known = known_[id];
      if (known.tenure != tenures_[slot].number) {
        known = {tenures_[slot].number, clock_.now()};
      }
    }
  }
  /// From the first time on, its order key waits for it, also while it waits for its next attempt.
  void asks_for(const SendId& id, std::uint16_t slot) {
    auto& fetched = fetched_[id];
    if (fetched.tenure != tenures_[slot].number) {
      fetched = {tenures_[slot].number, clock_.now()};
    }
  }

  /// Its outcome is known to the process: what comes after it may go.
  void settles(const SendId& id) { settled_.insert(id); }
  void begins(const SendId& id) { open_.insert(id); }
  void notes(const SendId& id) { noted_.insert(id); }
  /// An outcome of it is in the store.
  void reports(const SendId& id) {
    open_.erase(id);
    noted_.erase(id);
  }

  /// Something befell the process: what it has sent and not reported may be sent by another one, and what it has begun
  /// may be what ended it.
  void is_interrupted(std::optional<std::uint16_t> slot = std::nullopt) {
    for (const auto& id : open_) {
      auto& record = records_.of(id);
      record.excused = record.excused || !slot || record.handle.slot == *slot;
    }
    for (auto at = noted_.begin(); at != noted_.end();) {
      auto& record = records_.of(*at);
      const bool is_meant = !slot || record.handle.slot == *slot;
      record.interruptions += is_meant ? 1 : 0;
      at = is_meant ? noted_.erase(at) : std::next(at);
    }
  }

  /// Whether this process, which begins `send`, must have ended `earlier` first: another of its order key that is
  /// pending and comes before it. `is_narrow`: its window may have had no room.
  bool must_come_before(const ScheduledSend& earlier, const ScheduledSend& send, bool is_narrow) const {
    const auto fetched = fetched_.find(send.handle.id);
    const auto& tenure = tenures_[send.handle.slot];
    const bool was_edited = earlier.generation > 0 || send.generation > 0;
    if (was_edited || settled_.contains(earlier.handle.id) || fetched == fetched_.end() ||
        fetched->second.tenure != tenure.number) {
      return false;
    }
    if (earlier.attempt > 0 || earlier.not_before > earlier.handle.due) {
      // A retry holds the later ones, but it is forgotten with the slot: the next owner has it when its time comes.
      const auto tried = fetched_.find(earlier.handle.id);
      return !is_narrow && tried != fetched_.end() && tried->second.tenure == tenure.number;
    }
    if (records_.of(earlier.handle.id).committed_at < tenure.since) {
      return true;  // found by the first look into the store
    }
    const auto known = known_.find(earlier.handle.id);
    return !is_narrow && known != known_.end() && known->second.tenure == tenure.number &&
           known->second.at < fetched->second.at;
  }

 private:
  struct Tenure {
    std::uint64_t number = 0;
    std::uint64_t epoch = 0;
    SteadyTime since{};
    bool held = false;
  };
  struct Moment {
    std::uint64_t tenure = 0;
    SteadyTime at{};
  };

  const std::string name_;
  ManualClock& clock_;
  Records& records_;
  std::array<Tenure, slot_count> tenures_{};
  std::map<SendId, Moment> known_;
  std::map<SendId, Moment> fetched_;
  std::set<SendId> settled_;
  std::set<SendId> open_;   ///< begun, and no outcome of it is in the store
  std::set<SendId> noted_;  ///< the store was told that it begins, and no outcome is there
};

}  // namespace tern::simulation
