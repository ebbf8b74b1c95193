#include "direct_line/rates.hpp"

#include <algorithm>
#include <cstdint>

namespace tern::direct_line {

namespace {

using std::chrono::seconds;

}  // namespace

Rates::Rates(std::size_t per_second, std::size_t keys)
    : pause_(per_second == 0 ? SteadyTime::duration::zero()
                             : SteadyTime::duration(seconds(1)) / static_cast<std::int64_t>(per_second)),
      keys_(keys) {}

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

std::optional<SteadyTime::duration> Rates::take(std::string_view key, SteadyTime now) {
  if (pause_ == SteadyTime::duration::zero()) {
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  auto& next = next_of(key, now);
  const auto after = std::max(next, now) + pause_;
  if (after - now > std::max<SteadyTime::duration>(seconds(1), pause_)) {
    return after - now - std::max<SteadyTime::duration>(seconds(1), pause_);
  }
  next = after;
  return std::nullopt;
}

std::size_t Rates::size() const {
  const std::lock_guard lock(mutex_);
  return next_.size();
}

}  // namespace tern::direct_line
