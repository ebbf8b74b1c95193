#include "proactive/limits/refused_sends.hpp"

#include <utility>

namespace tern::proactive {

void RefusedSends::remember(const DueEntry& entry, std::uint32_t attempt, std::string reason, SteadyTime now) {
  if (refused_.size() >= capacity_) {
    // Their slots went, or they were cancelled by a reply.
    const auto old = now - 2 * Limiter::refusals_time;
    std::erase_if(refused_, [&](const auto& one) { return one.second.since < old; });
  }
  if (refused_.size() < capacity_) {
    refused_.insert_or_assign(entry.id, Refused{entry.generation, entry.epoch, attempt, now, std::move(reason)});
  }
}

RefusedSends::Judgement RefusedSends::judge(const DueEntry& entry, const ScheduledSend& send, bool is_still_mine,
                                            const Limiter* limiter, SteadyTime now) {
  const auto found = refused_.find(entry.id);
  if (found == refused_.end()) {
    return {};
  }
  const auto judged_at = found->second.since + Limiter::refusals_time;
  if (found->second.generation == entry.generation && now < judged_at) {
    return {Judgement::Kind::wait, judged_at - now, {}};
  }
  auto refused = std::move(refused_.extract(found).mapped());
  // Another owner may have tried it since, or this one may have had it again.
  const bool is_it = refused.generation == entry.generation && refused.epoch == entry.epoch &&
                     refused.attempt == send.attempt && is_still_mine;
  if (!is_it || limiter->in_doubt(limiter->scope_of(send.reference), refused.since)) {
    return {};
  }
  return {Judgement::Kind::dead, {}, std::move(refused.reason)};
}

}  // namespace tern::proactive
