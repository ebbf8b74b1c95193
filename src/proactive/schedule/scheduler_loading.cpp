// How the scheduler's window is filled from the store, while it sends what it has.
#include "proactive/describe_error.hpp"
#include "proactive/schedule/scheduler.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::chrono::milliseconds storage_pause{250};
constexpr std::size_t most_in_page = 256;

// A page of each slot fills at most half of the window.
std::size_t page_entries(std::size_t capacity) noexcept {
  return std::clamp<std::size_t>(capacity / (2 * std::size_t{slot_count}), 1, most_in_page);
}

}  // namespace

awaitable<void> Scheduler::load_ahead() {
  bool failing = false;
  while (!stopped_) {
    std::exception_ptr error;
    try {
      if (time_to_load() <= SteadyTime::duration::zero()) {
        co_await load_window();
        failing = false;
      }
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted) {
        throw;
      }
      error = std::current_exception();
    } catch (...) {
      error = std::current_exception();
    }
    if (error) {
      if (!std::exchange(failing, true)) {
        log::warn("the schedule could not be loaded; it is asked again", {{"error", describe(error)}});
      }
      loading_ = false;
      page_slot_.reset();
      loaded_until_.reset();  // the slots that were not read yet are read with the next try
    }
    waits_for_room_ = !error && loaded_until_ && !has_room();
    const auto pause = error ? storage_pause : time_to_load();
    if (!stopped_ && pause > SteadyTime::duration::zero()) {
      co_await load_timer_.wait_for(pause);
    }
  }
}

bool Scheduler::has_room() const noexcept {
  return window_.size() < window_.capacity() / 2;
}

SteadyTime::duration Scheduler::time_to_load() const noexcept {
  if (!loaded_until_) {
    return SteadyTime::duration::zero();
  }
  const auto short_from = clock_.wall_now() + options_.window / 2;
  if (*loaded_until_ <= short_from && has_room()) {
    return SteadyTime::duration::zero();
  }
  // Without room the sender wakes the loader when there is some.
  return has_room() ? std::min<SteadyTime::duration>(*loaded_until_ - short_from, options_.longest_sleep)
                    : SteadyTime::duration(options_.longest_sleep);
}

// The held slot of which the least is in the window, of those that are not loaded up to `until`.
std::optional<std::uint16_t> Scheduler::least_covered(WallTime until) const noexcept {
  std::optional<std::uint16_t> least;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    const auto due = window_.covered(slot).due;
    if (owned_[slot].held && due + std::chrono::nanoseconds(1) < until &&
        (!least || due < window_.covered(*least).due)) {
      least = slot;
    }
  }
  return least;
}

awaitable<void> Scheduler::load_window() {
  const auto until = clock_.wall_now() + options_.window;
  loaded_until_ = until;
  loading_ = true;
  while (!stopped_) {
    const auto slot = least_covered(until);
    if (!slot) {
      break;
    }
    if (window_.size() >= window_.capacity()) {
      loaded_until_ = window_.covered(*slot).due;
      break;
    }
    co_await load_page(*slot, until);
    wake();
  }
  loading_ = false;
  wake();
}

awaitable<void> Scheduler::load_page(std::uint16_t slot, WallTime until) {
  const auto covered = window_.covered(slot);
  const auto taken = owned_[slot].taken;
  DueQuery query;
  query.lease = owned_[slot].lease;
  query.from = covered.due;
  query.after_seq = covered.seq;
  query.until = until;
  query.limit = page_entries(window_.capacity());
  page_slot_ = slot;
  told_meanwhile_.clear();
  auto page = co_await storage_.load_due(std::move(query), Deadline::after(options_.storage_timeout, clock_));
  page_slot_.reset();
  if (!owned_[slot].held || owned_[slot].taken != taken || window_.covered(slot) != covered) {
    co_return;  // the slot was given up meanwhile, or what came had no room: the page does not begin where it must
  }
  for (const auto& entry : page.entries) {
    window_.add_loaded(entry);
    window_.set_covered(slot, {entry.due, entry.seq});
  }
  if (!page.more) {
    // Everything before `until`: a later commit that is due before it comes through `on_committed` or `on_late`.
    window_.set_covered(slot, {until - std::chrono::nanoseconds(1), UINT64_MAX});
  }
  for (const auto& entry : std::exchange(told_meanwhile_, {})) {
    take_committed(entry);
  }
}

void Scheduler::loaded_only_until(WallTime until) noexcept {
  if (loaded_until_ && until < *loaded_until_) {
    loaded_until_ = until;
    load_timer_.cancel();
  }
}

// While not all slots are loaded, what is due later waits for what may still be found: the oldest goes first.
std::optional<WallTime> Scheduler::horizon() const noexcept {
  if (!loading_) {
    return std::nullopt;
  }
  std::optional<WallTime> least;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owned_[slot].held) {
      least = std::min(least.value_or(WallTime::max()), window_.covered(slot).due);
    }
  }
  return least;
}

}  // namespace tern::proactive
