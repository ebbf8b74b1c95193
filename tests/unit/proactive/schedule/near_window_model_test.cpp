#include "proactive/schedule/near_window.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

/// A window beside a plain store, which hands out each send once. What the scheduler does with the two is done here at
/// random: nothing may go early, nor two of a key at once, and in the end all must have gone.
class WindowModel {
 public:
  WindowModel(std::mt19937_64& random, std::size_t capacity) : random_(random), window_(capacity) { held_.fill(true); }

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    switch (random_() % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
        schedule();
        break;
      case 4:
        move();
        break;
      case 5:
        cancel();
        break;
      case 6:
        change_owner(static_cast<std::uint16_t>(random_() % slots));
        break;
      case 7:
        sweep(static_cast<std::uint16_t>(random_() % slots));
        break;
      case 8:
        now_ += std::chrono::milliseconds(random_() % 20 == 0 ? -1'000 : static_cast<int>(random_() % 300));
        break;
      case 9:
      case 10:
        load(static_cast<std::uint16_t>(random_() % slots), now_ + 500ms, 1 + random_() % 5);
        break;
      case 11:
      case 12:
        end_one(random_() % 3 == 0);
        break;
      default:
        return take(1 + random_() % 5);
    }
    return difference();
  }

  /// Nothing is scheduled any more. All must go, whatever they waited for.
  std::string finish() {
    for (int round = 0; !(store_.empty() && window_.size() == 0 && under_way_.empty()); ++round) {
      if (round > 20'000) {
        return std::to_string(store_.size()) + " sends never went, and it counts " + std::to_string(window_.size());
      }
      now_ += 100ms;
      for (std::uint16_t slot = 0; slot < slots; ++slot) {
        held_[slot] = true;
        load(slot, now_ + 1h, 1'000);
      }
      if (auto wrong = take(1'000); !wrong.empty()) {
        return wrong;
      }
      while (!under_way_.empty()) {
        end_one(false);
      }
    }
    return window_.next_due() ? "it is empty, and something is due" : "";
  }

 private:
  static constexpr std::uint16_t slots = 3;

  struct Send {
    DueEntry entry;
    bool fetched = false;
  };
  using Store = std::map<std::uint64_t, Send>;

  WallTime any_due() { return now_ + std::chrono::milliseconds(static_cast<int>(random_() % 1'000) - 100); }
  static std::pair<WallTime, std::uint64_t> place(const DueEntry& entry) { return {entry.due, entry.seq}; }

  Store::iterator any() {
    auto at = store_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_() % store_.size()));
    return at;
  }

  void tell(const DueEntry& entry) {
    if (held_[entry.slot]) {
      window_.add_committed(entry);
    }
  }

  void schedule() {
    DueEntry entry;
    entry.seq = ++last_seq_;
    entry.due = any_due();
    entry.slot = static_cast<std::uint16_t>(random_() % slots);
    entry.order_hash = entry.slot + slot_count * (random_() % 2);
    std::memcpy(entry.id.data(), &entry.seq, sizeof entry.seq);
    store_[entry.seq].entry = entry;
    tell(entry);
  }

  void move() {
    if (store_.empty()) {
      return;
    }
    auto& send = any()->second;
    if (!send.fetched) {
      send.entry.due = any_due();
      send.entry.attempt = 0;
      ++send.entry.generation;
      tell(send.entry);
    }
  }

  void cancel() {
    if (store_.empty()) {
      return;
    }
    const auto chosen = any();
    if (!chosen->second.fetched) {
      window_.forget_retry(chosen->second.entry.id);
      store_.erase(chosen);
    }
  }

  // What is under way goes on to its end; with a new owner all may be fetched that has not ended.
  void change_owner(std::uint16_t slot) {
    if (held_[slot]) {
      window_.drop_slot(slot);
    }
    held_[slot] = !held_[slot];
  }

  std::vector<DueEntry> due_in(std::uint16_t slot, WallTime until) const {
    std::vector<DueEntry> entries;
    for (const auto& [seq, send] : store_) {
      if (send.entry.slot == slot && send.entry.due < until) {
        entries.push_back(send.entry);
      }
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return place(a) < place(b); });
    return entries;
  }

  // A page, as the scheduler loads it.
  void load(std::uint16_t slot, WallTime until, std::size_t limit) {
    const auto from = window_.covered(slot);
    if (!held_[slot] || window_.size() >= window_.capacity() || from.due >= until) {
      return;
    }
    std::size_t count = 0;
    for (const auto& entry : due_in(slot, until)) {
      if (place(entry) <= std::pair(from.due, from.seq)) {
        continue;
      }
      if (count++ == limit) {
        return;
      }
      window_.add_loaded(entry);
      window_.set_covered(slot, {entry.due, entry.seq});
    }
    window_.set_covered(slot, {until - 1ns, UINT64_MAX});
  }

  void sweep(std::uint16_t slot) {
    if (held_[slot]) {
      for (const auto& entry : due_in(slot, now_)) {
        window_.add_swept(entry);
      }
    }
  }

  std::string take(std::size_t limit) {
    const auto ready = window_.take_due(now_, limit);
    if (ready.size() > limit) {
      return "it gives more than was asked for";
    }
    for (const auto& entry : ready) {
      if (entry.due > now_) {
        return "a send goes early";
      }
      if (!under_way_.emplace(entry.order_hash, entry).second) {
        return "two of a key are under way";
      }
      const auto found = store_.find(entry.seq);
      if (found == store_.end() || found->second.fetched || found->second.entry.generation != entry.generation ||
          found->second.entry.attempt != entry.attempt || !held_[entry.slot]) {
        under_way_.erase(entry.order_hash);
        window_.release(entry.order_hash);
        continue;
      }
      found->second.fetched = true;
    }
    return difference();
  }

  void end_one(bool failed) {
    if (under_way_.empty()) {
      return;
    }
    auto at = under_way_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_() % under_way_.size()));
    const auto entry = at->second;
    under_way_.erase(at);
    auto& send = store_.at(entry.seq);
    if (!failed) {
      store_.erase(entry.seq);
      window_.release(entry.order_hash);
      return;
    }
    send.fetched = false;
    send.entry.due = now_ + std::chrono::milliseconds(random_() % 2'000);
    ++send.entry.attempt;
    if (held_[entry.slot]) {
      window_.retry(send.entry);
    } else {
      window_.release(entry.order_hash);
    }
  }

  std::string difference() const {
    // Far more than can be in it, each twice and once more for each attempt and move: a count went below zero.
    return window_.size() > 1'000'000 ? "it counts " + std::to_string(window_.size()) : "";
  }

  std::mt19937_64& random_;
  NearWindow window_;
  WallTime now_{std::chrono::hours(24 * 365 * 56)};
  std::uint64_t last_seq_ = 0;
  Store store_;
  std::map<std::uint64_t, DueEntry> under_way_;  ///< by key
  std::array<bool, slots> held_{};
};

TEST(NearWindow, DoesWhatAPlainStoreDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 40; ++run) {
    WindowModel model(random, 1 + random() % 20);
    for (int step = 0; step < 400; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
    ASSERT_EQ(model.finish(), "") << "run " << run;
  }
}

}  // namespace
}  // namespace tern::proactive
