#include "storage/send_claims.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tern::storage {
namespace {

/// Claims beside a plain map of who has each send. Each id belongs to one slot, as ids do.
class ClaimsModel {
 public:
  explicit ClaimsModel(std::mt19937_64& random) : random_(random) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    switch (random_() % 10) {
      case 0:
        hold();
        return difference();
      case 1:
        release();
        return difference();
      case 2:
      case 3:
        return begin_edit();
      case 4:
        end_edits();
        return {};
      case 5:
      case 6:
        unclaim();
        return {};
      case 7:
        return tell();
      case 8:
        return take_late();
      default:
        return claim();
    }
  }

 private:
  static constexpr std::uint16_t slots = 4;
  static constexpr int ids = 12;

  static SendId id_of(int number) {
    SendId id{};
    id[0] = static_cast<std::uint8_t>(number);
    return id;
  }
  static std::uint16_t slot_of(int number) { return static_cast<std::uint16_t>(number % slots); }
  int any_id() { return static_cast<int>(random_() % ids); }

  void forget(std::uint16_t slot) {
    std::erase_if(claimed_, [slot](const auto& one) { return slot_of(one.first) == slot; });
    inbox_.erase(slot);
  }

  // Some slots go, others come; one that went and came has a new epoch.
  void hold() {
    std::vector<SlotLease> leases;
    for (std::uint16_t slot = 0; slot < slots; ++slot) {
      if (random_() % 3 == 0) {
        if (epochs_.erase(slot) > 0) {
          forget(slot);
        }
        continue;
      }
      if (!epochs_.contains(slot) || random_() % 4 == 0) {
        epochs_[slot] = ++last_epoch_;
        forget(slot);
      }
      leases.push_back(SlotLease{slot, epochs_[slot], {}, {}});
    }
    claims_.set("owner", leases);
  }

  void release() {
    const auto slot = static_cast<std::uint16_t>(random_() % slots);
    const bool stale = random_() % 3 == 0;
    const auto epoch = epochs_.contains(slot) ? epochs_[slot] : 0;
    if (epoch != 0 && !stale) {
      epochs_.erase(slot);
      forget(slot);
    }
    if (epoch != 0) {
      claims_.release({SlotLease{slot, stale ? epoch + 1'000'000 : epoch, {}, {}}});
    }
  }

  DueEntry any_entry(int number) {
    DueEntry entry;
    entry.id = id_of(number);
    entry.slot = slot_of(number);
    entry.generation = static_cast<std::uint32_t>(random_() % 3);
    return entry;
  }

  std::string claim() {
    std::vector<DueEntry> entries;
    std::vector<bool> expected;
    for (auto count = random_() % 5; count > 0; --count) {
      const auto number = any_id();
      auto entry = any_entry(number);
      const auto held = epochs_.find(entry.slot);
      entry.epoch = random_() % 2 == 0 ? 0 : random_() % 4 == 0 ? 1'000'000 : last_epoch_;
      const bool may = held != epochs_.end() && (entry.epoch == 0 || entry.epoch == held->second) &&
                       !edited_.contains(number) && !claimed_.contains(number);
      if (may) {
        claimed_[number] = entry.generation;
      }
      entries.push_back(entry);
      expected.push_back(may);
    }
    return claims_.claim(entries) == expected ? "" : "it gives a send to two, or to nobody";
  }

  void unclaim() {
    const auto number = any_id();
    const auto generation = static_cast<std::uint32_t>(random_() % 3);
    claims_.unclaim(slot_of(number), id_of(number), generation);
    if (const auto found = claimed_.find(number); found != claimed_.end() && found->second == generation) {
      claimed_.erase(found);
    }
  }

  std::string begin_edit() {
    const auto number = any_id();
    const bool expected = !claimed_.contains(number);
    if (expected) {
      edited_.insert(number);
    }
    return claims_.begin_edit(slot_of(number), id_of(number)) == expected ? "" : "an edit begins as it should not";
  }

  void end_edits() {
    std::vector<SendId> ended;
    for (const auto number : std::set<int>{any_id(), any_id(), any_id()}) {
      ended.push_back(id_of(number));
      edited_.erase(number);
    }
    claims_.end_edits(ended);
  }

  std::string tell() {
    auto entry = any_entry(any_id());
    entry.due = WallTime{} + std::chrono::seconds(random_() % 120);
    entry.seq = ++last_seq_;
    claims_.tell(entry, WallTime{});
    if (epochs_.contains(entry.slot) && entry.due < WallTime{} + std::chrono::seconds(60)) {
      inbox_[entry.slot].push_back(entry.seq);
    }
    return difference();
  }

  std::string take_late() {
    const auto slot = static_cast<std::uint16_t>(random_() % slots);
    const auto held = epochs_.find(slot);
    const auto epoch = held == epochs_.end() ? last_epoch_ : held->second;
    std::vector<std::uint64_t> seqs;
    for (const auto& entry : claims_.take_late({SlotLease{slot, epoch, {}, {}}})) {
      seqs.push_back(entry.seq);
    }
    return seqs == std::exchange(inbox_[slot], {}) ? "" : "the owner is told of others";
  }

  std::string difference() const {
    for (std::uint16_t slot = 0; slot < slots; ++slot) {
      const auto held = epochs_.find(slot);
      if (claims_.epoch_of(slot) != (held == epochs_.end() ? std::nullopt : std::optional(held->second))) {
        return "it holds another slot, or in another epoch";
      }
    }
    return {};
  }

  std::mt19937_64& random_;
  SendClaims claims_;
  std::map<std::uint16_t, std::uint64_t> epochs_;  ///< of the slots that are held
  std::map<int, std::uint32_t> claimed_;           ///< in which generation
  std::set<int> edited_;
  std::map<std::uint16_t, std::vector<std::uint64_t>> inbox_;
  std::uint64_t last_epoch_ = 0;
  std::uint64_t last_seq_ = 0;
};

TEST(SendClaims, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 20; ++run) {
    ClaimsModel model(random);
    for (int step = 0; step < 1'000; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::storage
