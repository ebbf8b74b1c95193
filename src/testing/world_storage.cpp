#include "testing/world_storage.hpp"

#include <algorithm>

namespace tern::test {

namespace {

constexpr std::chrono::seconds lease_length{6};

// The keys of which a write expects something.
std::vector<std::string> expected_keys(const StoreChanges& changes) {
  std::vector<std::string> keys;
  for (const auto& upsert : changes.upserts) {
    if (!upsert.expect.is_any()) {
      keys.push_back(upsert.key);
    }
  }
  for (const auto& removal : changes.removals) {
    if (!removal.expect.is_any()) {
      keys.push_back(removal.key);
    }
  }
  return keys;
}

}  // namespace

awaitable<HeldSlots> WorldStore::hold(std::string owner, std::uint16_t want) {
  const auto now = clock_.now();
  seen_[owner] = now;
  if (shared_) {
    std::vector<SlotLease> expired;
    for (std::uint16_t i = 0; i < slot_count; ++i) {
      auto& slot = slots_[i];
      if (!slot.owner.empty() && slot.owner != owner && slot.until < now) {
        expired.push_back({i, slot.epoch, {}});
        slot.owner.clear();
      }
    }
    co_await inner_.release_slots(std::move(expired), Deadline::never());
  }
  auto held = co_await inner_.hold_slots(owner, {}, want, Deadline::never());
  for (auto& lease : held.leases) {
    lease.until = shared_ ? now + lease_length : SteadyTime::max();
    slots_[lease.slot] = {owner, lease.epoch, lease.until};
  }
  held.owners = static_cast<std::uint16_t>(
      std::count_if(seen_.begin(), seen_.end(), [now](const auto& one) { return now - one.second <= lease_length; }));
  co_return held;
}

awaitable<void> WorldStore::release(std::vector<SlotLease> leases) {
  for (const auto& lease : leases) {
    auto& slot = slots_[lease.slot];
    if (slot.epoch != lease.epoch) {
      continue;
    }
    const auto owner = std::exchange(slot.owner, {});
    if (std::none_of(slots_.begin(), slots_.end(), [&](const Slot& other) { return other.owner == owner; })) {
      seen_.erase(owner);
    }
  }
  co_await inner_.release_slots(std::move(leases), Deadline::never());
}

bool WorldStore::has_free_slots() const noexcept {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.owner.empty(); });
}

awaitable<void> WorldStore::release_all() {
  std::vector<SlotLease> leases;
  for (std::uint16_t i = 0; i < slot_count; ++i) {
    if (!slots_[i].owner.empty()) {
      leases.push_back({i, slots_[i].epoch, {}});
    }
  }
  return release(std::move(leases));
}

awaitable<StoreItems> WorldStorage::read(std::vector<std::string> keys, Deadline by) {
  const auto number = co_await store_->faults.begin(false);
  auto items = co_await store_->inner().read(std::move(keys), by);
  store_->faults.end(number);
  co_return items;
}

awaitable<boost::system::result<StoreReceipt, StoreConflict>> WorldStorage::write(StoreChanges changes, Deadline by) {
  const auto number = co_await store_->faults.begin(true);
  if (store_->faults.is_to_conflict()) {
    if (auto keys = expected_keys(changes); !keys.empty()) {
      store_->faults.count_failure();
      co_return StoreConflict{std::move(keys), {}};
    }
  }
  const auto topics = changes.hints;
  auto written = co_await store_->inner().write(std::move(changes), by);
  store_->faults.end(number);
  for (const auto& topic : topics) {
    if (written) {
      store_->hints().announce(topic);
    }
  }
  co_return written;
}

awaitable<StorePage> WorldStorage::scan(StoreScan scan, Deadline by) {
  const auto number = co_await store_->faults.begin(false);
  auto page = co_await store_->inner().scan(std::move(scan), by);
  store_->faults.end(number);
  co_return page;
}

awaitable<HeldSlots> WorldStorage::hold_slots(std::string owner, std::vector<SlotLease>, std::uint16_t want, Deadline) {
  store_->faults.require_there();
  return store_->hold(std::move(owner), want);
}

awaitable<void> WorldStorage::release_slots(std::vector<SlotLease> held, Deadline) {
  store_->faults.require_there();
  return store_->release(std::move(held));
}

awaitable<DuePage> WorldStorage::load_due(DueQuery due, Deadline by) {
  store_->faults.require_there();
  return store_->inner().load_due(std::move(due), by);
}

awaitable<LateSends> WorldStorage::load_late(std::vector<SlotLease> held, Deadline by) {
  store_->faults.require_there();
  auto late = co_await store_->inner().load_late(std::move(held), by);
  late.free_slots = store_->traits().shared && store_->has_free_slots();
  co_return late;
}

awaitable<std::vector<ScheduledSend>> WorldStorage::fetch(std::vector<DueEntry> entries, Deadline by) {
  store_->faults.require_there();
  return store_->inner().fetch(std::move(entries), by);
}

awaitable<SendPage> WorldStorage::list_sends(SendQuery query, Deadline by) {
  store_->faults.require_there();
  return store_->inner().list_sends(std::move(query), by);
}

awaitable<DeadPage> WorldStorage::list_dead(DeadQuery query, Deadline by) {
  store_->faults.require_there();
  return store_->inner().list_dead(std::move(query), by);
}

awaitable<KeyPage> WorldStorage::list_keys(KeyQuery query, Deadline by) {
  store_->faults.require_there();
  return store_->inner().list_keys(std::move(query), by);
}

awaitable<SendCounts> WorldStorage::count_sends(Deadline by) {
  store_->faults.require_there();
  return store_->inner().count_sends(by);
}

awaitable<std::uint64_t> WorldStorage::estimate_due(WallTime from, WallTime until, Deadline by) {
  store_->faults.require_there();
  return store_->inner().estimate_due(from, until, by);
}

void WorldStorage::hear_notes(NoteListener listener) {
  hears_notes_ = store_->notes().add_for_notes(
      "", [this, listener = std::move(listener)](std::string_view topic, std::string_view text) {
        if (store_->teller != this) {
          listener(topic, text);
        }
      });
}

void WorldStorage::tell(const std::string& topic, const std::string& text) {
  store_->teller = this;
  store_->notes().announce(topic, text);
  store_->teller = nullptr;
}

}  // namespace tern::test
