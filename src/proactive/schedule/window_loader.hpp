#pragma once

#include "proactive/schedule/near_window.hpp"
#include "proactive/schedule/recent_entries.hpp"
#include "proactive/schedule/slot_leases.hpp"

#include <tern/async/clock.hpp>
#include <tern/storage/schedule_types.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace tern::proactive {

/// Decides how and when the near window is filled: which page to ask the store for next, and what a commit means for
/// the window. It neither waits nor asks, and the caller passes the time.
///
/// The next page is of the slot that is known for the shortest time ahead. So after an outage the first sends go out
/// while the rest is still being read, the oldest sends of all slots first.
///
/// Thread safety: none.
class WindowLoader {
 public:
  struct Options {
    std::chrono::seconds window{30};                 ///< sends that are due within it are held in memory
    std::chrono::milliseconds longest_pause{1'000};  ///< so that a stepped clock or a suspended machine is noticed
    /// How often the store is asked for all overdue sends, whatever was loaded before; nullopt: never.
    std::optional<std::chrono::seconds> sweep;
  };
  /// Lifetime: the window and the slots outlive it.
  WindowLoader(NearWindow& window, const SlotLeases& slots, const Options& options, SteadyTime now)
      : window_(window), slots_(slots), options_(options), swept_(now) {}

  /// Other slots are held now: the window forgets slots that went, and the slots that came are loaded at once.
  void slots_changed(const SlotLeases::Change& change);

  /// The page to ask the store for; nullopt when nothing is to be loaded now. Its answer goes to `loaded`, or `failed`
  /// is called, before this is asked again.
  std::optional<DueQuery> next_page(WallTime now);
  /// The store's answer. Returns commits that were reported meanwhile and that the page may have missed: call
  /// `committed` for them again.
  std::vector<DueEntry> loaded(const DuePage& page);
  /// There was no answer. The slots that were not read yet are read with the next try.
  void failed() noexcept;
  /// How long until `next_page` is worth asking; zero: now.
  SteadyTime::duration pause(WallTime now) noexcept;
  /// Whether there was no room and there is room now: then the pause is to be cut short.
  bool has_found_room() const noexcept { return lacks_room_ && has_room(); }
  /// Until when sends may go. While not all slots are loaded, later sends wait, because an earlier one may still be
  /// found, and the oldest goes first. nullopt: until any time.
  std::optional<WallTime> horizon() const noexcept;

  /// Which part has something to do at once.
  enum class Wake : std::uint8_t { nobody, sender, loader };
  /// A send was committed, by this process or another. An entry that came before is recognised.
  Wake committed(const DueEntry& entry, SteadyTime now);
  /// The store had nothing to hand out for this entry. True when the entry has come again meanwhile: perhaps an edit
  /// under way has failed, and `committed` is to be called for the entry again.
  bool forget(const DueEntry& entry) noexcept { return recent_.forget(entry); }

  /// True when the store is to be asked for all overdue sends of each slot: a store that several processes write to
  /// may have shown fewer sends than there were. Never while the window is behind with the sends that it has.
  bool begin_sweep(SteadyTime now, WallTime wall_now) noexcept;
  /// The question to the store about a held slot.
  DueQuery overdue(std::uint16_t slot, WallTime wall_now) const;
  /// The answer. A send that is found twice is handed out once.
  void swept(std::uint16_t slot, const DuePage& page);

 private:
  /// The page that is being read.
  struct Reading {
    std::uint16_t slot = 0;
    NearWindow::Covered from;
    std::uint64_t times_taken = 0;
  };

  bool has_room() const noexcept { return window_.size() < window_.capacity() / 2; }
  std::optional<std::uint16_t> least_covered() const noexcept;

  NearWindow& window_;
  const SlotLeases& slots_;
  const Options options_;
  RecentEntries recent_;
  bool loading_ = false;
  WallTime until_{};                      ///< while it is `loading_`: up to where
  std::optional<WallTime> loaded_until_;  ///< of all slots held, once not `loading_`; null: some are to be loaded now
  std::optional<Reading> reading_;
  std::vector<DueEntry> told_meanwhile_;  ///< of that slot, and not in the window
  bool lacks_room_ = false;
  SteadyTime swept_;
};

}  // namespace tern::proactive
