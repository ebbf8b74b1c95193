#include "direct_line/history_room.hpp"

#include <algorithm>
#include <utility>

namespace tern::direct_line {

std::size_t HistoryRoom::bytes_of(const Head& head) noexcept {
  constexpr std::size_t of_head = 1024;
  constexpr std::size_t beside_activity = 256;
  if (head.first > head.last) {
    return of_head;
  }
  const auto gone = head.marks.empty() ? 0 : std::min(head.marks.front().bytes, head.bytes);
  return of_head + static_cast<std::size_t>(head.bytes - gone) +
         beside_activity * static_cast<std::size_t>(head.last - head.first + 1);
}

bool HistoryRoom::has_room(std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  return now_ <= bound_ && bytes <= bound_ - now_;
}

void HistoryRoom::change(std::size_t before, std::size_t after) {
  const std::lock_guard lock(mutex_);
  now_ += after;
  now_ -= std::min(before, now_);
  since_ += after > before ? after - before : 0;
}

void HistoryRoom::begin_count() {
  counting_ = 0;
  const std::lock_guard lock(mutex_);
  since_ = 0;
}

void HistoryRoom::end_count() {
  const std::lock_guard lock(mutex_);
  now_ = std::exchange(counting_, 0) + since_;
}

std::size_t HistoryRoom::bytes() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

}  // namespace tern::direct_line
