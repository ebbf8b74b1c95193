#pragma once

#include "simulation/faults.hpp"
#include "simulation/sim_addresses.hpp"
#include "simulation/sim_record.hpp"
#include "simulation/sim_view.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/storage/memory_storage.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tern::simulation {

/// The schedule that simulated processes share: a memory store, with leases that run out as a database's do, and every
/// call as slow and as unreliable as the faults say.
class SharedSchedule {
 public:
  SharedSchedule(ManualClock& clock, Faults& faults, Records& records)
      : clock_(clock), faults_(faults), records_(records), inner_({}, clock) {}

  ManualClock& clock() noexcept { return clock_; }
  Faults& faults() noexcept { return faults_; }
  Records& records() noexcept { return records_; }
  MemoryStorage& inner() noexcept { return inner_; }
  Addresses& addresses() noexcept { return addresses_; }
  /// Reads of documents that failed, of all processes.
  std::size_t failed_reads = 0;
  /// Whether the windows of the processes may have no room for what is due.
  bool is_narrow() const noexcept { return faults_.window_entries() < 1'000; }
  /// `told` learns whose slot another process takes when its lease ran out: it had not reached the store in time.
  void on_lapse(std::function<void(const std::string&, std::uint16_t)> told) { on_lapse_ = std::move(told); }

  /// The latest that any clock has shown, which may have been set back since.
  WallTime latest_wall() noexcept {
    latest_wall_ = std::max(latest_wall_, clock_.wall_now() + std::chrono::milliseconds(400));
    return latest_wall_;
  }

  awaitable<HeldSlots> hold(std::string owner, std::uint16_t want, SteadyTime asked_at) {
    const auto now = clock_.now();
    seen_[owner] = now;
    std::vector<SlotLease> expired;
    for (std::uint16_t i = 0; i < slot_count; ++i) {
      auto& slot = slots_[i];
      if (!slot.owner.empty() && slot.owner != owner && slot.until < now) {
        expired.push_back({i, slot.epoch, {}});
        on_lapse_(slot.owner, i);
        slot.owner.clear();
      }
    }
    co_await inner_.release_slots(std::move(expired), Deadline::never());
    auto held = co_await inner_.hold_slots(owner, {}, want, Deadline::never());
    for (auto& lease : held.leases) {
      lease.until = asked_at + length;
      slots_[lease.slot] = {owner, lease.epoch, now + length};
    }
    held.owners = 0;
    for (const auto& [name, when] : seen_) {
      held.owners += now - when <= length ? 1 : 0;
    }
    co_return held;
  }

  awaitable<void> release(std::vector<SlotLease> leases) {
    for (const auto& lease : leases) {
      auto& slot = slots_[lease.slot];
      if (slot.epoch == lease.epoch) {
        const auto owner = std::exchange(slot.owner, {});
        if (std::none_of(slots_.begin(), slots_.end(), [&](const Slot& other) { return other.owner == owner; })) {
          seen_.erase(owner);
        }
      }
    }
    co_await inner_.release_slots(std::move(leases), Deadline::never());
  }

  /// Applies a write and notes what it did, whether or not its answer arrives.
  awaitable<StoreReceipt> write(StoreChanges changes, ProcessView& view) {
    std::set<SendId> awaiting;
    for (const auto& edit : changes.edits) {
      if (edit.kind == SendEdit::Kind::reply) {
        awaiting = co_await pending_of(edit.conversation);
      }
    }
    auto written = co_await inner_.write(changes, Deadline::never());
    for (std::size_t i = 0; i < changes.sends.size(); ++i) {
      if (written->seqs[i] != 0) {
        auto& record = records_.of(changes.sends[i].handle.id);
        record.stored = true;
        record.committed_at = clock_.now();
      }
    }
    for (std::size_t i = 0; i < changes.edits.size(); ++i) {
      const auto& edit = changes.edits[i];
      if (edit.kind == SendEdit::Kind::reply) {
        const auto left = co_await pending_of(edit.conversation);
        std::for_each(awaiting.begin(), awaiting.end(), [&](const SendId& id) {
          auto& record = records_.of(id);
          record.cancelled = record.cancelled || !left.contains(id);
        });
      } else if (written->edits[i] == EditOutcome::done) {
        note_edit(edit);
      }
    }
    for (std::size_t i = 0; i < changes.outcomes.size(); ++i) {
      const bool refused = std::find(written->refused.begin(), written->refused.end(), i) != written->refused.end();
      note_outcome(changes.outcomes[i], refused, view);
    }
    co_return std::move(*written);
  }

  /// Whether a process owns a slot by the store's own word.
  bool is_owner(const std::string& owner, std::uint16_t slot) const {
    return slots_[slot].owner == owner && clock_.now() < slots_[slot].until;
  }
  /// The same, or its lease is over and nobody has taken it.
  bool holds(const std::string& owner, std::uint16_t slot) const { return slots_[slot].owner == owner; }
  bool has_free_slots() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.owner.empty(); });
  }

 private:
  static constexpr std::chrono::seconds length{6};
  struct Slot {
    std::string owner;
    std::uint64_t epoch = 0;
    SteadyTime until{};
  };

  awaitable<std::set<SendId>> pending_of(std::string conversation) {
    SendQuery query;
    query.order_key = std::move(conversation);
    query.limit = 1'000;
    const auto page = co_await inner_.list_sends(std::move(query), Deadline::never());
    std::set<SendId> ids;
    std::transform(page.sends.begin(), page.sends.end(), std::inserter(ids, ids.end()),
                   [](const ScheduledSend& send) { return send.handle.id; });
    co_return ids;
  }

  void note_edit(const SendEdit& edit) {
    auto& record = records_.of(edit.handle.id);
    if (edit.kind == SendEdit::Kind::cancel) {
      record.cancelled = true;
    } else {
      record.due = edit.new_due;
      ++record.generation;
    }
  }

  void note_outcome(const SendOutcome& outcome, bool refused, ProcessView& view) {
    using Kind = SendOutcome::Kind;
    auto& record = records_.of(outcome.handle.id);
    if (outcome.kind == Kind::begin) {
      if (!refused) {
        view.notes(outcome.handle.id);
      }
      return;
    }
    view.reports(outcome.handle.id);
    if (refused) {
      return;
    }
    if (outcome.kind == Kind::retry) {
      record.interruptions = outcome.begun == 0 ? 0 : record.interruptions;
      return;
    }
    record.died = record.died || outcome.kind == Kind::dead;
    record.expired = record.expired || outcome.kind == Kind::expired;
    if (outcome.kind == Kind::expired && (!record.expires || *record.expires > latest_wall())) {
      records_.broken("expired before its time", record, view.name());
    }
    if (outcome.next) {
      record.due = *outcome.next;
      ++record.generation;
      record.interruptions = 0;
    } else if (!record.over) {
      record.over = outcome.generation;
    }
  }

  ManualClock& clock_;
  Faults& faults_;
  Records& records_;
  MemoryStorage inner_;
  Addresses addresses_;
  WallTime latest_wall_ = WallTime::min();
  std::array<Slot, slot_count> slots_;
  std::map<std::string, SteadyTime> seen_;
  std::function<void(const std::string&, std::uint16_t)> on_lapse_;
};

}  // namespace tern::simulation
