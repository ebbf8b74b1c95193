#include "proactive/limits/waiting_room.hpp"

#include <algorithm>
#include <cstring>

namespace tern::proactive {

std::optional<Limiter::Leave> WaitingRoom::held_by(const SendScope& scope) const {
  if (queues_.empty()) {
    return std::nullopt;
  }
  for (const auto id : {scope.conversation, scope.tenant, scope.bot, scope.host}) {
    if (const auto found = queues_.find(id); found != queues_.end()) {
      const auto& queue = found->second;
      return Limiter::Leave{queue.at, id, queue.spacing, queue.within, queue.in_doubt};
    }
  }
  return std::nullopt;
}

std::optional<SteadyTime> WaitingRoom::enter(const Limiter::Leave& leave, SteadyTime now, const WaitingSend& send) {
  const auto found = queues_.find(leave.scope);
  const auto before = found == queues_.end() ? 0 : found->second.sends.size();
  const auto expected = std::max(leave.at, now) + static_cast<SteadyTime::rep>(before) * leave.spacing;
  const auto room = leave.in_doubt ? (capacity_ + 1) / 2 : capacity_;
  if (size_ >= room || expected - now > longest_) {
    const auto back = come_back(leave, now, expected);
    return longest_away_ ? std::min(back, now + *longest_away_) : back;
  }
  auto& queue = queues_[leave.scope];
  if (queue.sends.empty()) {
    wake_at(leave.scope, queue, leave.at);
  }
  queue.note(leave);
  queue.sends.push_back(send);
  entries_.insert_or_assign(send.entry.id, send.entry);
  ++size_;
  return std::nullopt;
}

SteadyTime WaitingRoom::come_back(const Limiter::Leave& leave, SteadyTime now, SteadyTime expected) {
  if (last_back_.size() >= next_look_) {
    erase_if(last_back_, [now](const auto& item) { return item.second <= now; });
    next_look_ = std::max<std::size_t>(1'024, 2 * last_back_.size());
  }
  auto& last = last_back_[leave.scope];
  // Sends that wait here get the time to go.
  const auto earliest = std::max(expected, now + longest_);
  last = std::max(earliest, last) + leave.spacing;
  if (leave.within) {
    last = std::min(last, earliest + *leave.within);
  }
  return last;
}

void WaitingRoom::enter_again(const Limiter::Leave& leave, const WaitingSend& send) {
  auto& queue = queues_[leave.scope];
  if (queue.sends.empty() || leave.at > queue.at) {
    wake_at(leave.scope, queue, leave.at);
  }
  queue.note(leave);
  queue.sends.push_front(send);
  entries_.insert_or_assign(send.entry.id, send.entry);
  ++size_;
}

std::optional<WaitingSend> WaitingRoom::take(SteadyTime now) {
  if (wakes_.empty() || wakes_.begin()->first > now) {
    return std::nullopt;
  }
  const auto found = queues_.find(wakes_.begin()->second);
  auto& queue = found->second;
  const auto send = queue.sends.front();
  queue.sends.pop_front();
  entries_.erase(send.entry.id);
  --size_;
  if (queue.sends.empty()) {
    wakes_.erase(wakes_.begin());
    queues_.erase(found);
  }
  return send;
}

std::optional<SteadyTime> WaitingRoom::next() const {
  return wakes_.empty() ? std::nullopt : std::optional(wakes_.begin()->first);
}

void WaitingRoom::wake(std::uint64_t scope, SteadyTime now) {
  const auto found = queues_.find(scope);
  if (found != queues_.end() && found->second.at > now) {
    wake_at(scope, found->second, now);
  }
}

std::size_t WaitingRoom::IdHash::operator()(const std::array<std::uint8_t, 16>& id) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, id.data(), sizeof hash);  // ids are random
  return hash;
}

const DueEntry* WaitingRoom::find(const std::array<std::uint8_t, 16>& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

void WaitingRoom::drop(const std::function<bool(const WaitingSend&)>& is_so,
                       const std::function<void(const WaitingSend&)>& told) {
  for (auto at = queues_.begin(); at != queues_.end();) {
    auto& [scope, queue] = *at;
    auto kept = std::deque<WaitingSend>();
    for (const auto& send : queue.sends) {
      if (is_so(send)) {
        entries_.erase(send.entry.id);
        --size_;
        told(send);
      } else {
        kept.push_back(send);
      }
    }
    queue.sends = std::move(kept);
    if (queue.sends.empty()) {
      wakes_.erase({queue.at, scope});
      at = queues_.erase(at);
    } else {
      ++at;
    }
  }
}

void WaitingRoom::wake_at(std::uint64_t scope, Queue& queue, SteadyTime at) {
  wakes_.erase({queue.at, scope});
  queue.at = at;
  wakes_.emplace(at, scope);
}

}  // namespace tern::proactive
