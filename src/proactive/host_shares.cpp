#include "proactive/host_shares.hpp"

#include <algorithm>

namespace tern::proactive {

namespace {

// At least one, so that nobody is shut out where there are few places.
constexpr std::size_t part_of(std::size_t places, std::size_t numerator, std::size_t denominator) {
  return (places * numerator + denominator - 1) / denominator;
}

constexpr std::size_t slow_part(std::size_t places) {
  return places / 4;
}

}  // namespace

HostShares::HostShares(std::size_t places) : places_(places) {}

HostShares::Counts HostShares::counts_of(const Host& host) noexcept {
  Counts counts;
  counts.all = host.begun.size();
  counts.slow = host.slow;
  counts.new_hosts = host.is_new() ? host.begun.size() - host.slow : 0;
  counts.tries = host.is_open() && !host.begun.empty() ? 1 : 0;
  counts.open = host.is_open() ? 1 : 0;
  return counts;
}

// Each host stands in the counts as it is now, whatever about it has changed.
template <class Change>
void HostShares::change(Host& host, const Change& change) {
  const auto before = counts_of(host);
  change();
  const auto after = counts_of(host);
  counts_.all += after.all - before.all;
  counts_.slow += after.slow - before.slow;
  counts_.new_hosts += after.new_hosts - before.new_hosts;
  counts_.tries += after.tries - before.tries;
  counts_.open += after.open - before.open;
}

void HostShares::note_slow(SteadyTime now) {
  while (!young_.empty() && young_.front().first + slow_after <= now) {
    const auto [begun, name] = young_.front();
    young_.pop_front();
    const auto found = hosts_.find(name);
    if (found == hosts_.end()) {
      continue;
    }
    auto& host = found->second;
    if (host.slow < host.begun.size() && host.begun[host.slow] <= begun) {
      change(host, [&] { ++host.slow; });
    }
  }
}

bool HostShares::has_place() const noexcept {
  const auto for_slow = slow_part(places_);
  return counts_.all - std::min(counts_.slow, for_slow) < places_ - for_slow;
}

bool HostShares::may_begin(const Host& host) const noexcept {
  if (!has_place() || host.seems_to_hang()) {
    return false;
  }
  if (host.is_open()) {
    return host.begun.empty() && counts_.tries < part_of(places_, 1, 16);
  }
  if (host.is_new()) {
    return host.begun.size() < part_of(places_, 1, 64) && counts_.new_hosts < part_of(places_, 1, 8);
  }
  return host.begun.size() - host.slow < part_of(places_ - slow_part(places_), 3, 4) &&
         host.slow < part_of(places_, 1, 8);
}

Limiter::Leave HostShares::ask(std::uint64_t name, SteadyTime now) {
  note_slow(now);
  forget_idle(now);
  auto& host = hosts_[name];
  host.used = now;
  Limiter::Leave leave{now, name, look_again};
  if (host.is_open() && host.rests_until > now) {
    leave.at = host.rests_until;
  } else if (!may_begin(host)) {
    leave.at = now + look_again;
  }
  return leave;
}

void HostShares::begun(std::uint64_t name, SteadyTime now) {
  auto& host = hosts_[name];
  host.used = now;
  change(host, [&] { host.begun.push_back(now); });
  young_.emplace_back(now, name);
}

HostShares::Change HostShares::ended(std::uint64_t name, SteadyTime begun, SteadyTime now, End end) {
  note_slow(now);
  auto& host = hosts_[name];
  const bool was_open = host.is_open();
  host.used = now;
  change(host, [&] {
    const auto at = std::lower_bound(host.begun.begin(), host.begun.end(), begun);
    if (at != host.begun.end() && *at == begun) {
      host.slow -= static_cast<std::size_t>(at - host.begun.begin()) < host.slow ? 1 : 0;
      host.begun.erase(at);
    }
    if (end == End::answered) {
      host.answered = now;
      host.has_answered = true;
      host.failures = 0;
    } else if (end == End::unanswered) {
      fail(host, begun, now);
    }
  });
  return {!was_open && host.is_open(), was_open && !host.is_open()};
}

// Not by what began before another was answered, or before the failure that is counted already.
void HostShares::fail(Host& host, SteadyTime begun, SteadyTime now) {
  if (begun < host.answered || begun < host.failed) {
    return;
  }
  constexpr std::uint32_t most_doublings = 16;
  const auto doublings = std::min(host.failures, most_doublings);
  ++host.failures;
  host.failed = now;
  host.rests_until = now + std::min<SteadyTime::duration>(first_rest * (1U << doublings), longest_rest);
}

// Looks only when twice as many are remembered as were left after the last look.
void HostShares::forget_idle(SteadyTime now) {
  if (hosts_.size() < next_look_) {
    return;
  }
  erase_if(hosts_, [&](const auto& item) {
    const auto& host = item.second;
    const bool is_idle = host.begun.empty() && host.used + memory <= now;
    counts_.open -= is_idle && host.is_open() ? 1 : 0;
    return is_idle;
  });
  next_look_ = std::max<std::size_t>(1'024, 2 * hosts_.size());
}

}  // namespace tern::proactive
