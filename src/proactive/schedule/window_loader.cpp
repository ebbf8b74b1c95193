#include "proactive/schedule/window_loader.hpp"

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::size_t most_in_page = 1'000;
// An entry that is overdue for longer says that the sender has enough to do.
constexpr std::chrono::seconds behind{1};

// A page of each slot fills at most half of the window.
std::size_t page_entries(std::size_t capacity) noexcept {
  return std::clamp<std::size_t>(capacity / (2 * std::size_t{slot_count}), 1, most_in_page);
}

}  // namespace

void WindowLoader::slots_changed(const SlotLeases::Change& change) {
  const auto gone = change.taken | change.dropped;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (gone[slot]) {
      window_.drop_slot(slot);
    }
  }
  if (change.taken.any()) {
    loaded_until_.reset();
  }
}

SteadyTime::duration WindowLoader::pause(WallTime now) noexcept {
  lacks_room_ = loaded_until_ && !has_room();
  if (!loaded_until_) {
    return SteadyTime::duration::zero();
  }
  if (lacks_room_) {
    return options_.longest_pause;  // `has_found_room` ends it
  }
  const auto short_from = now + options_.window / 2;
  if (*loaded_until_ <= short_from) {  // it is the least time of all when a slot was not read yet
    return SteadyTime::duration::zero();
  }
  return std::min<SteadyTime::duration>(*loaded_until_ - short_from, options_.longest_pause);
}

std::optional<DueQuery> WindowLoader::next_page(WallTime now) {
  if (!loading_) {
    if (pause(now) > SteadyTime::duration::zero()) {
      return std::nullopt;
    }
    until_ = now + options_.window;
    loaded_until_ = until_;
    loading_ = true;
  }
  const auto slot = least_covered();
  if (!slot || window_.size() >= window_.capacity()) {
    loaded_until_ = slot ? window_.covered(*slot).due : loaded_until_;
    loading_ = false;
    return std::nullopt;
  }
  reading_ = Reading{*slot, window_.covered(*slot), slots_.times_taken(*slot)};
  told_meanwhile_.clear();
  DueQuery query;
  query.lease = slots_.lease(*slot);
  query.from = reading_->from.due;
  query.after_seq = reading_->from.seq;
  query.until = until_;
  query.limit = page_entries(window_.capacity());
  return query;
}

// The held slot of which the least is in the window, of those that are not loaded up to `until_`.
std::optional<std::uint16_t> WindowLoader::least_covered() const noexcept {
  std::optional<std::uint16_t> least;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    const auto due = window_.covered(slot).due;
    if (slots_.holds(slot) && due + std::chrono::nanoseconds(1) < until_ &&
        (!least || due < window_.covered(*least).due)) {
      least = slot;
    }
  }
  return least;
}

std::vector<DueEntry> WindowLoader::loaded(const DuePage& page) {
  const auto read = *std::exchange(reading_, std::nullopt);
  const auto slot = read.slot;
  if (!slots_.holds(slot) || slots_.times_taken(slot) != read.times_taken || window_.covered(slot) != read.from) {
    return {};  // the slot was given up meanwhile, or what came had no room: the page does not begin where it must
  }
  for (const auto& entry : page.entries) {
    window_.add_loaded(entry);
    window_.set_covered(slot, {entry.due, entry.seq});
  }
  if (!page.more) {
    // Everything before `until_`: of a later commit that is due before it this is told.
    window_.set_covered(slot, {until_ - std::chrono::nanoseconds(1), UINT64_MAX});
  }
  return std::exchange(told_meanwhile_, {});
}

void WindowLoader::failed() noexcept {
  loading_ = false;
  reading_.reset();
  loaded_until_.reset();
}

WindowLoader::Wake WindowLoader::committed(const DueEntry& entry, SteadyTime now) {
  if (!slots_.holds(entry.slot) || recent_.came_again(entry)) {
    return Wake::nobody;
  }
  if (window_.add_committed(entry)) {
    recent_.add(entry, now);
    return window_.next_due() == entry.due ? Wake::sender : Wake::nobody;
  }
  if (reading_ && reading_->slot == entry.slot) {
    told_meanwhile_.push_back(entry);  // the page may have been read before it was committed
  } else if (!loading_ && loaded_until_ && entry.due < *loaded_until_) {
    loaded_until_ = entry.due;  // there was no room, so that it is loaded again from here on
    return Wake::loader;
  }
  return Wake::nobody;
}

std::optional<WallTime> WindowLoader::horizon() const noexcept {
  if (!loading_) {
    return std::nullopt;
  }
  std::optional<WallTime> least;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (slots_.holds(slot)) {
      least = std::min(least.value_or(WallTime::max()), window_.covered(slot).due);
    }
  }
  return least;
}

bool WindowLoader::begin_sweep(SteadyTime now, WallTime wall_now) noexcept {
  if (!options_.sweep || now - swept_ < *options_.sweep) {
    return false;
  }
  if (const auto due = window_.next_due(); due && *due + behind < wall_now) {
    return false;
  }
  swept_ = now;
  return true;
}

DueQuery WindowLoader::overdue(std::uint16_t slot, WallTime wall_now) const {
  DueQuery query;
  query.lease = slots_.lease(slot);
  query.until = wall_now;
  return query;
}

void WindowLoader::swept(std::uint16_t slot, const DuePage& page) {
  if (slots_.holds(slot)) {
    std::for_each(page.entries.begin(), page.entries.end(),
                  [this](const DueEntry& entry) { window_.add_swept(entry); });
  }
}

}  // namespace tern::proactive
