#include "record.hpp"
#include "storage/validate.hpp"
#include "storage_state.hpp"

// The schedule's part of the storage.

namespace tern {

using namespace detail::rocks;

auto RocksDbStorage::State::make_schedule_lane(const char* name) -> std::unique_ptr<ScheduleLane> {
  return std::make_unique<ScheduleLane>(storage::LaneSettings{name, options.queue, options.max_batch, &clock},
                                        [](ScheduleLane::Batch batch) {
                                          for (auto& ticket : batch) {
                                            try {
                                              ticket.request();
                                              ticket.succeed(true);
                                            } catch (...) {
                                              ticket.fail(std::current_exception());
                                            }
                                          }
                                        });
}

void RocksDbStorage::State::open_schedule() {
  // Slots that a process held are free when it is gone; what it still says of them is told by its epochs.
  constexpr int epochs_of_an_opening = 32;
  claims = std::make_unique<storage::SendClaims>(database->openings() << epochs_of_an_opening);
  bounds = std::make_unique<LowBounds>();
  fetched = std::make_unique<FetchedSends>();
  const auto unreadable = [this](const char* what) {
    std::rethrow_exception(detail::rocks::unavailable(rocksdb::Status::Corruption(what), options.path, "be read"));
  };
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (const auto bytes = database->meta_value(detail::rocks::low_key(slot))) {
      const auto place = detail::rocks::decode_place(*bytes);
      if (!place) {
        unreadable("the lower bound of a slot is unreadable");
      }
      bounds->set_low(slot, *place);
    }
  }
  ScheduleState state;
  if (const auto bytes = database->meta_value(detail::rocks::schedule_state_key)) {
    const auto decoded = ScheduleState::decode(*bytes);
    if (!decoded) {
      unreadable("the counts of the schedule are unreadable");
    }
    state = *decoded;
  }
  schedule_writer = std::make_unique<ScheduleWriter>(*database, *claims, *bounds, *fetched, clock, std::move(state));
  schedule_reader = std::make_unique<ScheduleReader>(*database, *claims, *bounds, *fetched, clock);
}

awaitable<void> RocksDbStorage::State::on_schedule_lane(std::function<void()> work, Deadline by) {
  co_await schedule_reads->call(std::move(work), by);
}

awaitable<void> RocksDbStorage::State::on_list_lane(std::function<void()> work, Deadline by) {
  co_await schedule_lists->call(std::move(work), by);
}

awaitable<HeldSlots> RocksDbStorage::hold_slots(std::string owner, std::vector<SlotLease>, std::uint16_t want,
                                                Deadline by) {
  auto& state = *state_;
  state.require_time(by, "lease slots");
  state.require_open();
  if (owner.empty()) {
    throw_error(errc::invalid_argument, "An owner of slots needs a name. Use one that is unique to the process.");
  }
  co_return state.claims->take(owner, want);
}

awaitable<void> RocksDbStorage::release_slots(std::vector<SlotLease> held, Deadline) {
  state_->require_open();
  state_->claims->release(held);
  co_return;
}

awaitable<DuePage> RocksDbStorage::load_due(DueQuery due, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "load due sends");
  detail::require_valid(due);
  state.require_open();
  DuePage page;
  co_await state.on_schedule_lane([&] { page = state.schedule_reader->load_due(due); }, by);
  co_return page;
}

awaitable<LateSends> RocksDbStorage::load_late(std::vector<SlotLease> held, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "load late sends");
  state.require_open();
  co_return LateSends{state.claims->take_late(held), false};
}

awaitable<std::vector<ScheduledSend>> RocksDbStorage::fetch(std::vector<DueEntry> entries, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "fetch sends");
  state.require_open();
  std::vector<ScheduledSend> sends;
  co_await state.on_schedule_lane([&] { sends = state.schedule_reader->fetch(entries); }, by);
  co_return sends;
}

void RocksDbStorage::put_back(const std::vector<DueEntry>& entries) noexcept {
  if (state_->claims) {
    state_->claims->put_back(entries);
  }
}

awaitable<SendPage> RocksDbStorage::list_sends(SendQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list sends");
  detail::require_valid(query);
  state.require_open();
  SendPage page;
  co_await state.on_list_lane([&] { page = state.schedule_reader->list(query); }, by);
  co_return page;
}

awaitable<DeadPage> RocksDbStorage::list_dead(DeadQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list dead sends");
  detail::require_valid(query);
  state.require_open();
  DeadPage page;
  co_await state.on_list_lane([&] { page = state.schedule_reader->list_dead(query); }, by);
  co_return page;
}

awaitable<KeyPage> RocksDbStorage::list_keys(KeyQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list idempotency keys");
  detail::require_valid(query);
  state.require_open();
  KeyPage page;
  co_await state.on_list_lane([&] { page = state.schedule_reader->list_keys(query); }, by);
  co_return page;
}

awaitable<SendCounts> RocksDbStorage::count_sends(Deadline by) {
  auto& state = *state_;
  state.require_time(by, "count sends");
  state.require_open();
  auto counts = state.schedule_writer->counts();
  co_await state.on_list_lane([&] { counts.oldest = state.schedule_reader->oldest(); }, by);
  co_return counts;
}

awaitable<std::uint64_t> RocksDbStorage::estimate_due(WallTime from, WallTime until, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "count sends");
  state.require_open();
  std::uint64_t estimate = 0;
  co_await state.on_list_lane([&] { estimate = state.schedule_reader->estimate_due(from, until); }, by);
  co_return estimate;
}

}  // namespace tern
