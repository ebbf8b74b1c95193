#pragma once

#include "simulation/faults.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/storage/memory_storage.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::simulation {

/// The schedule that simulated processes share: a memory store, with leases that run out as a database's do, and every
/// call as slow and as unreliable as the faults say.
class SharedSchedule {
 public:
  SharedSchedule(ManualClock& clock, Faults& faults) : clock_(clock), faults_(faults), inner_({}, clock) {}

  ManualClock& clock() noexcept { return clock_; }
  Faults& faults() noexcept { return faults_; }
  MemoryStorage& inner() noexcept { return inner_; }
  /// `told` learns which slot another process takes whose lease ran out: its owner had not reached the store in time.
  void on_lapse(std::function<void(std::uint16_t)> told) { on_lapse_ = std::move(told); }

  awaitable<HeldSlots> hold(std::string owner, std::uint16_t want, SteadyTime asked_at) {
    const auto now = clock_.now();
    seen_[owner] = now;
    std::vector<SlotLease> expired;
    for (std::uint16_t i = 0; i < slot_count; ++i) {
      auto& slot = slots_[i];
      if (!slot.owner.empty() && slot.owner != owner && slot.until < now) {
        expired.push_back({i, slot.epoch, {}});
        on_lapse_(i);
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

  ManualClock& clock_;
  Faults& faults_;
  MemoryStorage inner_;
  std::array<Slot, slot_count> slots_;
  std::map<std::string, SteadyTime> seen_;
  std::function<void(std::uint16_t)> on_lapse_;
};

/// One process's way to it.
class SimStore {
 public:
  SimStore(SharedSchedule& shared, std::string owner) : shared_(&shared), owner_(std::move(owner)) {}

  StoreTraits traits() const noexcept { return {"simulated", true, true}; }
  awaitable<void> open(Deadline) { co_return; }
  awaitable<void> close(Deadline) { co_return; }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    co_await before(by);
    auto items = co_await shared_->inner().read(std::move(keys), Deadline::never());
    co_return items;
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    co_await before(by);
    auto written = co_await shared_->inner().write(std::move(changes), Deadline::never());
    co_await after();
    co_return written;
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) {
    co_await before(by);
    auto page = co_await shared_->inner().scan(std::move(scan), Deadline::never());
    co_return page;
  }
  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease>, std::uint16_t want, Deadline by) {
    const auto asked_at = shared_->clock().now();
    co_await before(by);
    auto held = co_await shared_->hold(std::move(owner), want, asked_at);
    co_await after();
    co_return held;
  }
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by) {
    co_await before(by);
    co_await shared_->release(std::move(held));
    co_await after();
  }
  awaitable<DuePage> load_due(DueQuery due, Deadline by) {
    co_await before(by);
    auto page = co_await shared_->inner().load_due(std::move(due), Deadline::never());
    co_await after();
    co_return page;
  }
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by) {
    co_await before(by);
    auto late = co_await shared_->inner().load_late(std::move(held), Deadline::never());
    late.free_slots = shared_->has_free_slots();
    co_await after();
    co_return late;
  }
  // What is handed out is marked by the store: a store whose answer is lost takes the mark back, as the real ones do.
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) {
    co_await before(by);
    // And one that has lost a slot marks nothing of it.
    std::erase_if(entries, [this](const DueEntry& entry) { return !shared_->holds(owner_, entry.slot); });
    auto sends = co_await shared_->inner().fetch(std::move(entries), Deadline::never());
    co_return sends;
  }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by) {
    co_await before(by);
    auto page = co_await shared_->inner().list_sends(std::move(query), Deadline::never());
    co_return page;
  }
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by) {
    co_await before(by);
    auto page = co_await shared_->inner().list_dead(std::move(query), Deadline::never());
    co_return page;
  }
  awaitable<SendCounts> count_sends(Deadline by) {
    co_await before(by);
    auto counts = co_await shared_->inner().count_sends(Deadline::never());
    co_return counts;
  }

 private:
  // The way to the store: takes its time, and may end there with nothing done.
  awaitable<void> before(Deadline by) {
    auto& clock = shared_->clock();
    const auto wait = shared_->faults().store_latency();
    co_await sleep_for(std::min(wait, by.remaining(clock)), clock);
    if (shared_->faults().store_fails() || by.expired(clock)) {
      throw_error(errc::storage_unavailable, "the simulated store is away; nothing was done");
    }
  }
  // The way back: what was done may remain unknown.
  awaitable<void> after() {
    co_await sleep_for(shared_->faults().store_latency(), shared_->clock());
    if (shared_->faults().answer_is_lost()) {
      throw_error(errc::storage_unavailable, "the answer of the simulated store is lost");
    }
  }

  SharedSchedule* shared_;
  std::string owner_;
};

static_assert(ScheduleStorage<SimStore>);

}  // namespace tern::simulation
