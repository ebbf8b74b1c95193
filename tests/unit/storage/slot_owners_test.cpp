#include "storage/slot_owners.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tern::storage {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t slot = 7;
const WallTime now{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

DueEntry entry_at(WallTime due, std::uint64_t seq = 1) {
  DueEntry entry;
  entry.slot = slot;
  entry.due = due;
  entry.seq = seq;
  return entry;
}

class SlotOwnersTest : public ::testing::Test {
 protected:
  SlotLease lease() const { return SlotLease{slot, owners.epoch(slot), {}, {}}; }
  bool is_told(WallTime due) {
    owners.tell(entry_at(due), now);
    return !owners.take_late({lease()}).empty();
  }

  SlotOwners owners;
};

TEST_F(SlotOwnersTest, AnOwnerIsToldOfWhatIsDueWithinTwoWindows) {
  EXPECT_FALSE(is_told(now)) << "nobody holds the slot";
  (void)owners.take("owner", slot_count);
  EXPECT_TRUE(is_told(now - 1h));
  EXPECT_TRUE(is_told(now + two_windows - 1ns));
  EXPECT_FALSE(is_told(now + two_windows));
}

TEST_F(SlotOwnersTest, AnOwnerIsToldOfWhatComesIntoAWindowThatItHasLoaded) {
  (void)owners.take("owner", slot_count);
  owners.note_loaded(lease(), now + 1h);
  EXPECT_TRUE(is_told(now + 1h - 1ns));
  EXPECT_FALSE(is_told(now + 1h));
  owners.release({lease()});
  (void)owners.take("another", slot_count);
  EXPECT_FALSE(is_told(now + 1h - 1ns)) << "the owner before it has loaded that";
  auto stale = lease();
  --stale.epoch;
  owners.note_loaded(stale, now + 1h);
  EXPECT_FALSE(is_told(now + 1h - 1ns));
}

TEST_F(SlotOwnersTest, AnOwnerThatDoesNotAskIsToldOfABoundedNumber) {
  constexpr std::size_t most = 100'000;
  (void)owners.take("owner", slot_count);
  for (std::size_t i = 0; i < most + 10; ++i) {
    owners.tell(entry_at(now, i), now);
  }
  EXPECT_EQ(owners.take_late({lease()}).size(), most);
}

// A store that knows what is over drops only that.
TEST_F(SlotOwnersTest, WhatIsOverMakesRoomForWhatIsNot) {
  (void)owners.take("owner", slot_count);
  std::set<std::uint64_t> expected;
  std::size_t asked = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const auto is_over = [&](const DueEntry& entry) {
      ++asked;
      return entry.seq % 100 != 0;
    };
    owners.tell(entry_at(now, i), now, is_over);
    if (i % 100 == 0) {
      expected.insert(i);
    }
  }
  const auto late = owners.take_late({lease()});
  EXPECT_LT(late.size(), 5'000U);
  EXPECT_LT(asked, 500'000U) << "each is asked of a few times";
  for (const auto& entry : late) {
    expected.erase(entry.seq);
  }
  EXPECT_TRUE(expected.empty());
}

TEST_F(SlotOwnersTest, SlotsThatAreSetAreAllThatTheirOwnerHolds) {
  owners.set("owner", {SlotLease{slot, 5, {}, {}}, SlotLease{9, 6, {}, {}}});
  owners.set("another", {SlotLease{10, 7, {}, {}}});
  owners.tell(entry_at(now), now);
  owners.set("owner", {SlotLease{slot, 5, {}, {}}});
  EXPECT_TRUE(owners.is_held_by(SlotLease{slot, 5, {}, {}}));
  EXPECT_FALSE(owners.is_held(9));
  EXPECT_TRUE(owners.is_held(10));
  EXPECT_EQ(owners.take_late({lease()}).size(), 1U) << "it kept the slot";
  owners.tell(entry_at(now), now);
  owners.set("owner", {SlotLease{slot, 8, {}, {}}});
  EXPECT_TRUE(owners.take_late({lease()}).empty()) << "the slot went and came back";
}

TEST_F(SlotOwnersTest, ThereIsNothingBeyondTheLastSlot) {
  (void)owners.take("owner", slot_count);
  EXPECT_FALSE(owners.is_held(slot_count));
  const SlotLease beyond{slot_count, 1, {}, {}};
  EXPECT_FALSE(owners.is_held_by(beyond));
  EXPECT_TRUE(owners.take_late({beyond}).empty());
  owners.release({beyond});
  owners.note_loaded(beyond, now);
}

/// Slots beside a plain array of who holds each.
class OwnersModel {
 public:
  explicit OwnersModel(std::mt19937_64& random) : random_(random) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    switch (random_() % 8) {
      case 0:
        return take();
      case 1:
        release();
        return {};
      case 2:
        return take_late();
      default:
        return tell();
    }
  }

 private:
  struct Slot {
    std::string owner;
    std::uint64_t epoch = 0;
    std::vector<std::uint64_t> inbox;
  };

  std::string take() {
    const std::string owner = random_() % 2 == 0 ? "one" : "other";
    const auto want = static_cast<std::uint16_t>(random_() % (slot_count + 2));
    auto held = static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [&](const Slot& one) { return one.owner == owner; }));
    std::set<std::string> owners{owner};
    std::vector<std::pair<std::uint16_t, std::uint64_t>> expected;
    for (std::uint16_t i = 0; i < slot_count; ++i) {
      auto& one = all_[i];
      if (!one.owner.empty()) {
        owners.insert(one.owner);
      } else if (held < want) {
        one = {owner, next_epoch_++, {}};
        ++held;
      }
      if (one.owner == owner) {
        expected.emplace_back(i, one.epoch);
      }
    }
    const auto given = owners_.take(owner, want);
    std::vector<std::pair<std::uint16_t, std::uint64_t>> leases;
    for (const auto& lease : given.leases) {
      leases.emplace_back(lease.slot, lease.epoch);
    }
    return leases == expected && given.owners == owners.size() ? "" : "it gives other slots than are free";
  }

  void release() {
    std::vector<SlotLease> leases;
    for (auto count = random_() % 20; count > 0; --count) {
      const auto number = static_cast<std::uint16_t>(random_() % slot_count);
      const bool stale = random_() % 4 == 0;
      leases.push_back(SlotLease{number, all_[number].epoch + (stale ? 1'000'000 : 0), {}, {}});
      if (!stale) {
        all_[number].owner.clear();
        all_[number].inbox.clear();
      }
    }
    owners_.release(leases);
  }

  std::string tell() {
    auto entry = entry_at(now + std::chrono::seconds(random_() % 120), ++last_seq_);
    entry.slot = static_cast<std::uint16_t>(random_() % slot_count);
    owners_.tell(entry, now);
    auto& one = all_[entry.slot];
    if (!one.owner.empty() && entry.due < now + 60s) {
      one.inbox.push_back(entry.seq);
    }
    const SlotLease lease{entry.slot, one.epoch, {}, {}};
    return owners_.is_held_by(lease) == !one.owner.empty() ? "" : "another holds the slot than took it";
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
    for (const auto& entry : owners_.take_late(leases)) {
      seqs.push_back(entry.seq);
    }
    return seqs == expected ? "" : "an owner is told of others";
  }

  std::mt19937_64& random_;
  SlotOwners owners_{1};
  std::array<Slot, slot_count> all_;
  std::uint64_t next_epoch_ = 1;
  std::uint64_t last_seq_ = 0;
};

TEST(SlotOwners, DoesWhatAPlainArrayDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 10; ++run) {
    OwnersModel model(random);
    for (int step = 0; step < 1'000; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::storage
