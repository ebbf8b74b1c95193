#pragma once

#include "simulation/faults.hpp"
#include "simulation/sim_schedule.hpp"
#include "simulation/sim_view.hpp"

#include <tern/storage.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace tern::simulation {

/// One process's way to the schedule: slow, and as unreliable as the faults say.
class SimStore {
 public:
  SimStore(SharedSchedule& shared, ProcessView& view) : shared_(&shared), view_(&view) {}

  StoreTraits traits() const noexcept { return {"simulated", true, true}; }
  awaitable<void> open(Deadline) { co_return; }
  awaitable<void> close(Deadline) { co_return; }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    try {
      co_await before(by);
    } catch (...) {
      ++shared_->failed_reads;
      throw;
    }
    auto items = co_await shared_->inner().read(std::move(keys), Deadline::never());
    co_return items;
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    co_await before(by);
    auto written = co_await shared_->write(std::move(changes), *view_);
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
    const auto slot = due.lease.slot;
    const auto tenure = view_->tenure(slot);
    co_await before(by);
    auto page = co_await shared_->inner().load_due(std::move(due), Deadline::never());
    co_await after();
    if (tenure == view_->tenure(slot)) {
      know(page.entries);
    }
    co_return page;
  }
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by) {
    co_await before(by);
    auto late = co_await shared_->inner().load_late(std::move(held), Deadline::never());
    late.free_slots = shared_->has_free_slots();
    co_await after();
    know(late.entries);
    co_return late;
  }
  // What is handed out is marked by the store: a store whose answer is lost takes the mark back, as the real ones do.
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) {
    for (const auto& entry : entries) {
      view_->asks_for(entry.id, entry.slot);
    }
    co_await before(by);
    // And one that has lost a slot marks nothing of it.
    std::erase_if(entries, [this](const DueEntry& entry) { return !shared_->holds(view_->name(), entry.slot); });
    auto sends = co_await shared_->inner().fetch(std::move(entries), Deadline::never());
    co_return sends;
  }
  void put_back(const std::vector<DueEntry>& entries) noexcept { shared_->inner().put_back(entries); }
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
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by) {
    co_await before(by);
    const auto estimate = co_await shared_->inner().estimate_due(from, until, Deadline::never());
    co_return estimate;
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
  void know(const std::vector<DueEntry>& entries) {
    for (const auto& entry : entries) {
      view_->learns_of(entry.id, entry.slot);
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
  ProcessView* view_;
};

static_assert(ScheduleStorage<SimStore>);

}  // namespace tern::simulation
