#pragma once

#include <tern/storage/schedule_types.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace tern::proactive {

/// The sends that are due soon, as small entries in one heap in memory. It decides which sends may go now. It neither
/// waits nor sends, so a test can drive it through every case.
///
/// Sends with one order key go out one at a time: while one is under way, or waits for its next attempt, the later
/// ones are held. The keyed hash of an order key stands for it, so that nobody can make up an order key that holds up
/// the sends of another. For each slot the window knows up to which (due, seq) it has all sends. Later sends are left
/// to the store, and are loaded when their time comes near.
///
/// An entry may be in the window twice (committed here while it was being loaded). The second is dropped while the
/// first is under way; after that it costs one lookup, for the store hands a record out once. Thread safety: none.
class NearWindow {
 public:
  /// `capacity`: the most entries that are held; more are left to the store.
  explicit NearWindow(std::size_t capacity) : capacity_(capacity) {}

  /// Up to where a slot's sends are all held: those before `due`, and those at `due` with a sequence up to `seq`.
  struct Covered {
    WallTime due = WallTime::min();
    std::uint64_t seq = 0;
    friend bool operator==(const Covered&, const Covered&) = default;
  };

  Covered covered(std::uint16_t slot) const noexcept { return covered_[slot]; }
  /// All of a slot up to here was loaded.
  void set_covered(std::uint16_t slot, Covered upto) noexcept { covered_[slot] = upto; }

  /// Takes a loaded entry.
  void add_loaded(const DueEntry& entry);
  /// Takes an entry that was loaded in case it is missing here. It does not take an entry behind another one of its
  /// key: that entry may be held already, and is found again when it is not.
  void add_swept(const DueEntry& entry);
  /// Takes an entry that was just committed, if it lies in the covered time. False: it will be loaded later.
  bool add_committed(const DueEntry& entry);

  /// Takes out up to `limit` entries that are due at `now` and whose order key is free; their keys are then busy.
  std::vector<DueEntry> take_due(WallTime now, std::size_t limit);
  /// The send of this key has ended (sent, dead, gone): the next send of the key may go.
  void release(std::uint64_t order_hash);
  /// The send failed and is tried again at `entry.due`; its key stays busy until then. With as many retries as the
  /// capacity it is left to the store instead, and a later send of the key may pass it.
  void retry(const DueEntry& entry);
  /// A send that waits for its next attempt was cancelled: the sends behind it may go.
  void forget_retry(const std::array<std::uint8_t, 16>& id);
  /// Forgets a slot that is not owned any more.
  void drop_slot(std::uint16_t slot);

  /// When the next entry may be due; nullopt when nothing waits for a time.
  std::optional<WallTime> next_due() const noexcept;
  /// How many entries count for the capacity. Retries do not count: they may lie far ahead, and would keep due sends
  /// out.
  std::size_t size() const noexcept { return heap_.size() + held_ - retries_; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct Later {
    bool operator()(const DueEntry& a, const DueEntry& b) const noexcept {
      return a.due != b.due ? a.due > b.due : a.seq > b.seq;
    }
  };
  struct Lane {
    std::vector<DueEntry> held;  // due, behind the one that is under way; a heap like the other
    std::array<std::uint8_t, 16> id{};
    std::uint64_t seq = 0;  // with the two below: which one is under way
    std::uint32_t generation = 0;
    std::uint16_t attempt = 0;
    std::uint16_t slot = 0;
    bool retrying = false;  // the one under way waits in the window for its next attempt
    bool counted = false;   // among `retries_`

    bool is_of(const DueEntry& entry) const noexcept {
      return seq == entry.seq && generation == entry.generation && attempt == entry.attempt;
    }
    void forget() noexcept { seq = UINT64_MAX; }
    void set(const DueEntry& entry) noexcept {
      id = entry.id;
      seq = entry.seq;
      generation = entry.generation;
      attempt = entry.attempt;
      slot = entry.slot;
    }
  };

  void push(const DueEntry& entry);
  DueEntry pop();
  void move_retry(const DueEntry& entry);
  void free_retry(std::uint64_t order_hash, Lane& lane);

  std::size_t capacity_;
  std::vector<DueEntry> heap_;
  std::size_t held_ = 0;
  std::size_t retries_ = 0;
  boost::unordered_flat_map<std::uint64_t, Lane> busy_;
  std::array<Covered, slot_count> covered_{};
};

}  // namespace tern::proactive
