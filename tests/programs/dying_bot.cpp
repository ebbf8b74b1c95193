// For the tests: promises an answer in each turn, on a store whose process dies, as by kill -9, just before it records
// the outcome of a send: storage.kind is dying-rocksdb or dying-postgres. With another kind it lives.

#include "app/backend.hpp"

#include <tern/tern.hpp>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tern::awaitable;
using tern::Deadline;

/// Another store, up to the first outcome.
class DyingStorage {
 public:
  explicit DyingStorage(tern::AnyStorage storage) : storage_(std::move(storage)) {}

  tern::StoreTraits traits() const noexcept { return storage_.traits(); }
  awaitable<void> open(Deadline by) { return storage_.open(by); }
  awaitable<void> close(Deadline by) { return storage_.close(by); }
  awaitable<tern::StoreItems> read(std::vector<std::string> keys, Deadline by) {
    return storage_.read(std::move(keys), by);
  }
  awaitable<boost::system::result<tern::StoreReceipt, tern::StoreConflict>> write(tern::StoreChanges changes,
                                                                                  Deadline by) {
    if (!changes.outcomes.empty()) {
      std::raise(SIGKILL);
    }
    return storage_.write(std::move(changes), by);
  }
  awaitable<tern::StorePage> scan(tern::StoreScan scan, Deadline by) { return storage_.scan(std::move(scan), by); }
  awaitable<tern::HeldSlots> hold_slots(std::string owner, std::vector<tern::SlotLease> held, std::uint16_t want,
                                        Deadline by) {
    return storage_.hold_slots(std::move(owner), std::move(held), want, by);
  }
  awaitable<void> release_slots(std::vector<tern::SlotLease> held, Deadline by) {
    return storage_.release_slots(std::move(held), by);
  }
  awaitable<tern::DuePage> load_due(tern::DueQuery due, Deadline by) { return storage_.load_due(std::move(due), by); }
  awaitable<tern::LateSends> load_late(std::vector<tern::SlotLease> held, Deadline by) {
    return storage_.load_late(std::move(held), by);
  }
  awaitable<std::vector<tern::ScheduledSend>> fetch(std::vector<tern::DueEntry> entries, Deadline by) {
    return storage_.fetch(std::move(entries), by);
  }
  void put_back(const std::vector<tern::DueEntry>& entries) noexcept { storage_.put_back(entries); }
  awaitable<tern::SendPage> list_sends(tern::SendQuery query, Deadline by) {
    return storage_.list_sends(std::move(query), by);
  }
  awaitable<tern::DeadPage> list_dead(tern::DeadQuery query, Deadline by) {
    return storage_.list_dead(std::move(query), by);
  }
  awaitable<tern::SendCounts> count_sends(Deadline by) { return storage_.count_sends(by); }
  awaitable<std::uint64_t> estimate_due(tern::WallTime from, tern::WallTime until, Deadline by) {
    return storage_.estimate_due(from, until, by);
  }

 private:
  tern::AnyStorage storage_;
};

static_assert(tern::ScheduleStorage<DyingStorage>);

void add_dying(const std::string& kind) {
  const auto* living = tern::app::find_backend(kind);
  if (living == nullptr || !living->is_built()) {
    return;
  }
  tern::app::Backend dying;
  dying.kind = "dying-" + kind;
  dying.summary = "as " + kind;
  dying.place = living->place;
  dying.make = [make = living->make](const tern::Settings& settings, tern::Clock& clock, tern::Metrics* metrics,
                                     tern::app::Patience patience) {
    auto parts = make(settings, clock, metrics, patience);
    return tern::app::StoreParts{tern::AnyStorage::make<DyingStorage>(parts.storage), parts.obstacle};
  };
  tern::app::add_backend(std::move(dying));
}

class DyingBot : public tern::ActivityHandler {
  awaitable<void> on_message(tern::TurnContext& turn) override {
    auto answer = tern::Activity::message("Answer to " + std::string(turn.activity().text()));
    co_await turn.proactive().send_after(100ms, std::move(answer));
  }
};

}  // namespace

int main(int argc, char** argv) {
  add_dying("rocksdb");
  add_dying("postgres");
  return tern::run<DyingBot>(argc, argv, {{"proactive.enabled", true}});
}
