#include "schedule_slots.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tern::detail::rocks {
namespace {

/// Slots beside a plain map of who holds each and what is being sent. Each id belongs to one slot, as ids do.
class SlotsModel {
 public:
  explicit SlotsModel(std::mt19937_64& random) : random_(random), slots_(1) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    switch (random_() % 10) {
      case 0:
        return hold();
      case 1:
        release();
        return {};
      case 2:
      case 3:
        return begin_edit();
      case 4:
        end_edits();
        return {};
      case 5:
        unclaim();
        return {};
      case 6:
        return tell();
      case 7:
        return take_late();
      default:
        return claim();
    }
  }

 private:
  static constexpr int ids = 200;  // some in each slot

  struct Slot {
    std::string owner;
    std::uint64_t epoch = 0;
    std::vector<std::uint64_t> inbox;
  };

  static SendId id_of(int number) {
    SendId id{};
    id[0] = static_cast<std::uint8_t>(number);
    return id;
  }
  static std::uint16_t slot_of(int number) { return static_cast<std::uint16_t>(number % slot_count); }
  int any_id() { return static_cast<int>(random_() % ids); }
  std::string any_owner() { return random_() % 2 == 0 ? "one" : "other"; }

  bool is_taken(int number) const {
    const auto claim = claimed_.find(number);
    return claim != claimed_.end() && claim->second == all_[slot_of(number)].epoch;
  }

  std::string hold() {
    const auto owner = any_owner();
    const auto want = static_cast<std::uint16_t>(random_() % (slot_count + 2));
    auto held = static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [&](const Slot& slot) { return slot.owner == owner; }));
    std::set<std::string> owners{owner};
    std::vector<std::pair<std::uint16_t, std::uint64_t>> expected;
    for (std::uint16_t i = 0; i < slot_count; ++i) {
      auto& slot = all_[i];
      if (!slot.owner.empty()) {
        owners.insert(slot.owner);
      } else if (held < want) {
        slot = {owner, next_epoch_++, {}};
        ++held;
      }
      if (slot.owner == owner) {
        expected.emplace_back(i, slot.epoch);
      }
    }
    const auto now = slots_.hold(owner, want);
    std::vector<std::pair<std::uint16_t, std::uint64_t>> leases;
    for (const auto& lease : now.leases) {
      leases.emplace_back(lease.slot, lease.epoch);
    }
    return leases == expected && now.owners == owners.size() ? "" : "it gives other slots than are free";
  }

  void release() {
    std::vector<SlotLease> leases;
    for (auto count = random_() % 20; count > 0; --count) {
      const auto slot = static_cast<std::uint16_t>(random_() % slot_count);
      const bool stale = random_() % 4 == 0;
      leases.push_back(SlotLease{slot, all_[slot].epoch + (stale ? 1'000'000 : 0), {}, {}});
      if (!stale) {
        all_[slot].owner.clear();
        all_[slot].inbox.clear();
      }
    }
    slots_.release(leases);
  }

  DueEntry any_entry(int number) {
    DueEntry entry;
    entry.id = id_of(number);
    entry.slot = slot_of(number);
    return entry;
  }

  std::string claim() {
    std::vector<DueEntry> entries;
    std::vector<bool> expected;
    for (auto count = random_() % 20; count > 0; --count) {
      const auto number = any_id();
      auto entry = any_entry(number);
      const auto epoch = all_[entry.slot].epoch;
      entry.epoch = random_() % 2 == 0 ? 0 : epoch + (random_() % 4 == 0 ? 1'000'000 : 0);
      const bool may = (entry.epoch == 0 || entry.epoch == epoch) && !is_taken(number) && !edited_.contains(number);
      if (may) {
        claimed_[number] = epoch;
      }
      entries.push_back(entry);
      expected.push_back(may);
    }
    return slots_.claim(entries) == expected ? "" : "it gives a send to two, or to nobody";
  }

  void unclaim() {
    std::vector<SendId> given_back;
    for (auto count = random_() % 10; count > 0; --count) {
      const auto number = any_id();
      given_back.push_back(id_of(number));
      claimed_.erase(number);
    }
    slots_.unclaim(given_back);
  }

  std::string begin_edit() {
    const auto number = any_id();
    const bool expected = all_[slot_of(number)].owner.empty() || !is_taken(number);
    if (expected) {
      edited_.insert(number);
    }
    return slots_.begin_edit(slot_of(number), id_of(number)) == expected ? "" : "an edit begins as it should not";
  }

  void end_edits() {
    std::vector<SendId> ended;
    for (const auto number : std::set<int>(edited_)) {
      if (random_() % 2 == 0) {
        ended.push_back(id_of(number));
        edited_.erase(number);
      }
    }
    slots_.end_edits(ended);
  }

  std::string tell() {
    auto entry = any_entry(any_id());
    entry.due = WallTime{} + std::chrono::seconds(random_() % 120);
    entry.seq = ++last_seq_;
    slots_.tell(entry, WallTime{});
    auto& slot = all_[entry.slot];
    if (!slot.owner.empty() && entry.due < WallTime{} + std::chrono::seconds(60)) {
      slot.inbox.push_back(entry.seq);
    }
    const SlotLease lease{entry.slot, slot.epoch, {}, {}};
    return slots_.is_held_by(lease) == !slot.owner.empty() ? "" : "another holds the slot than took it";
  }

  std::string take_late() {
    std::vector<SlotLease> leases;
    std::vector<std::uint64_t> expected;
    for (std::uint16_t i = 0; i < slot_count; ++i) {
      if (random_() % 4 == 0) {
        leases.push_back(SlotLease{i, all_[i].epoch, {}, {}});
        for (const auto seq : std::exchange(all_[i].inbox, {})) {
          expected.push_back(seq);
        }
      }
    }
    std::vector<std::uint64_t> seqs;
    for (const auto& entry : slots_.take_late(leases)) {
      seqs.push_back(entry.seq);
    }
    return seqs == expected ? "" : "an owner is told of others";
  }

  std::mt19937_64& random_;
  ScheduleSlots slots_;
  std::array<Slot, slot_count> all_;
  std::map<int, std::uint64_t> claimed_;  ///< in which epoch
  std::set<int> edited_;
  std::uint64_t next_epoch_ = 1;
  std::uint64_t last_seq_ = 0;
};

TEST(ScheduleSlots, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 10; ++run) {
    SlotsModel model(random);
    for (int step = 0; step < 1'000; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::detail::rocks
