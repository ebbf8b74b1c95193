#include "direct_line/rates.hpp"

#include <algorithm>
#include <cstdint>

namespace tern::direct_line {

namespace {

using std::chrono::seconds;

}  // namespace

Rates::Rates(std::size_t per_second, std::size_t keys) : Rates(per_second, seconds(1), keys) {}

Rates::Rates(std::size_t many, SteadyTime::duration in, std::size_t keys)
    : time_(in), pause_(many == 0 ? SteadyTime::duration::zero() : in / static_cast<std::int64_t>(many)), keys_(keys) {}

SteadyTime& Rates::next_of(std::string_view key, SteadyTime now) {
  if (const auto found = next_.find(key); found != next_.end()) {
    return found->second;
  }
  if (next_.size() >= keys_ && now >= tidy_at_) {
    tidy_at_ = now + seconds(1);
    std::erase_if(next_, [now](const auto& each) { return each.second <= now; });
  }
  return next_.size() < keys_ ? next_[std::string(key)] : next_of_others_;
}

std::optional<SteadyTime::duration> Rates::take(std::string_view key, SteadyTime now, std::size_t count) {
  if (pause_ == SteadyTime::duration::zero()) {
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  auto& next = next_of(key, now);
  if (const auto wait = wait_for(next, now, count); wait > SteadyTime::duration::zero()) {
    return wait;
  }
  next = std::max(next, now) + pause_ * static_cast<std::int64_t>(count);
  return std::nullopt;
}

SteadyTime::duration Rates::wait_for(SteadyTime next, SteadyTime now, std::size_t count) const noexcept {
  const auto all = pause_ * static_cast<std::int64_t>(count);
  const auto after = std::max(next, now) + all - now;
  return std::max(after - std::max(time_, all), SteadyTime::duration::zero());
}

SteadyTime::duration Rates::wait(std::string_view key, SteadyTime now) const {
  if (pause_ == SteadyTime::duration::zero()) {
    return pause_;
  }
  const std::lock_guard lock(mutex_);
  const auto found = next_.find(key);
  const bool is_new = found == next_.end() && next_.size() < keys_;
  return is_new ? SteadyTime::duration::zero() : wait_for(found == next_.end() ? next_of_others_ : found->second, now);
}

void Rates::charge(std::string_view key, std::size_t hundredths, SteadyTime now) {
  if (pause_ == SteadyTime::duration::zero()) {
    return;
  }
  constexpr int whole = 100;
  const std::lock_guard lock(mutex_);
  auto& next = next_of(key, now);
  next = std::max(next, now) + pause_ * static_cast<std::int64_t>(hundredths) / whole;
}

std::size_t Rates::size() const {
  const std::lock_guard lock(mutex_);
  return next_.size();
}

}  // namespace tern::direct_line
