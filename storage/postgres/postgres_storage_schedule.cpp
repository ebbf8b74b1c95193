#include <tern/async/log.hpp>

#include "storage/validate.hpp"
#include "storage_state.hpp"

// The schedule's part of the storage.

namespace tern {

using namespace detail::pg;

// Forgetting is nobody's request: a failure is told, and it is tried again.
void PostgresStorage::State::tidy_at_times(ScheduleReader& reader) {
  constexpr std::chrono::minutes pause{1};
  const auto now = std::chrono::steady_clock::now();
  if (now - tidied < pause) {
    return;
  }
  tidied = now;
  try {
    reader.tidy(lane_of_counts);
  } catch (const Failure& failure) {
    log::warn("the schedule's tables could not be tidied; it is tried again", {{"error", failure.what()}});
  }
}

awaitable<HeldSlots> PostgresStorage::hold_slots(std::string owner, std::vector<SlotLease>, std::uint16_t want,
                                                 Deadline by) {
  auto& state = *state_;
  state.require_time(by, "lease slots");
  if (owner.empty()) {
    throw_error(errc::invalid_argument, "An owner of slots needs a name. Use one that is unique to the process.");
  }
  const auto asked_at = state.clock.now();
  const auto asleep = state.clock.asleep();
  std::function<HeldSlots(ScheduleReader&)> work = [&](ScheduleReader& reader) {
    return reader.hold(owner, want, state.options.lease, asked_at);
  };
  auto held = co_await state.on(*state.slots_lane, state.slots_link(), std::move(work), by);
  std::for_each(held.leases.begin(), held.leases.end(), [&](SlotLease& lease) { lease.asleep = asleep; });
  co_return held;
}

awaitable<void> PostgresStorage::release_slots(std::vector<SlotLease> held, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "release slots");
  std::function<bool(ScheduleReader&)> work = [&](ScheduleReader& reader) {
    reader.release(held);
    return true;
  };
  co_await state.on(*state.slots_lane, state.slots_link(), std::move(work), by);
}

awaitable<DuePage> PostgresStorage::load_due(DueQuery due, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "load due sends");
  detail::require_valid(due);
  std::function<DuePage(ScheduleReader&)> work = [&](ScheduleReader& reader) {
    auto page = reader.load_due(due);
    state.tidy_at_times(reader);
    return page;
  };
  auto page = co_await state.on(*state.due_lane, state.due_link(), std::move(work), by);
  co_return page;
}

awaitable<LateSends> PostgresStorage::load_late(std::vector<SlotLease> held, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "load late sends");
  std::function<LateSends(ScheduleReader&)> work = [&](ScheduleReader& reader) { return reader.load_late(held); };
  auto late = co_await state.on(*state.slots_lane, state.slots_link(), std::move(work), by);
  co_return late;
}

awaitable<std::vector<ScheduledSend>> PostgresStorage::fetch(std::vector<DueEntry> entries, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "fetch sends");
  std::function<std::vector<ScheduledSend>(ScheduleReader&)> work = [&](ScheduleReader& reader) {
    return reader.fetch(entries);
  };
  auto sends = co_await state.on(*state.due_lane, state.due_link(), std::move(work), by);
  co_return sends;
}

void PostgresStorage::put_back(const std::vector<DueEntry>& entries) noexcept {
  state_->schedule.claims.put_back(entries);
}

awaitable<SendPage> PostgresStorage::list_sends(SendQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list sends");
  detail::require_valid(query);
  std::function<SendPage(ScheduleReader&)> work = [&](ScheduleReader& reader) { return reader.list(query); };
  auto page = co_await state.on_reader(std::move(work), by);
  co_return page;
}

awaitable<DeadPage> PostgresStorage::list_dead(DeadQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list dead sends");
  detail::require_valid(query);
  std::function<DeadPage(ScheduleReader&)> work = [&](ScheduleReader& reader) { return reader.list_dead(query); };
  auto page = co_await state.on_reader(std::move(work), by);
  co_return page;
}

awaitable<KeyPage> PostgresStorage::list_keys(KeyQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list idempotency keys");
  detail::require_valid(query);
  std::function<KeyPage(ScheduleReader&)> work = [&](ScheduleReader& reader) { return reader.list_keys(query); };
  auto page = co_await state.on_reader(std::move(work), by);
  co_return page;
}

awaitable<SendCounts> PostgresStorage::count_sends(Deadline by) {
  auto& state = *state_;
  state.require_time(by, "count sends");
  std::function<SendCounts(ScheduleReader&)> work = [](ScheduleReader& reader) { return reader.counts(); };
  auto counts = co_await state.on_reader(std::move(work), by);
  co_return counts;
}

awaitable<std::uint64_t> PostgresStorage::estimate_due(WallTime from, WallTime until, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "count sends");
  std::function<std::uint64_t(ScheduleReader&)> work = [from, until](ScheduleReader& reader) {
    return reader.estimate_due(from, until);
  };
  const auto estimate = co_await state.on_reader(std::move(work), by);
  co_return estimate;
}

}  // namespace tern
