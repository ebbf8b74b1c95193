#include "proactive/limits/shares.hpp"

#include <algorithm>
#include <limits>

namespace tern::proactive {

namespace {

// At least one, so that nobody is shut out where there are few places.
constexpr std::size_t part_of(std::size_t places, std::size_t numerator, std::size_t denominator) {
  return (places * numerator + denominator - 1) / denominator;
}

constexpr std::size_t slow_part(std::size_t places) {
  return places / 4;
}

// Where there are few places in all, a new party still has these, if there are as many.
constexpr std::size_t least_of_new = 4;

// How far apart sends come back that wait for a party in doubt: they are tried one at a time.
constexpr std::chrono::milliseconds spacing_in_doubt{250};
constexpr std::chrono::milliseconds spacing_of_new{20};
constexpr std::chrono::microseconds least_spacing{100};

}  // namespace

Shares::Rule Shares::of_hosts(std::size_t places) {
  const auto others = places - slow_part(places);
  return {places, part_of(others, 3, 4), part_of(others, 5, 6), true};
}

Shares::Rule Shares::of_tenants(std::size_t places) {
  return {places, part_of(places, 1, 2), part_of(places, 1, 2), false};
}

Shares::Counts Shares::counts_of(const Party& party) noexcept {
  Counts counts;
  counts.all = party.begun.size();
  counts.slow = party.slow;
  counts.fresh = party.is_new() ? party.begun.size() : 0;
  counts.fresh_quick = party.is_new() ? party.quick_ones() : 0;
  counts.little_known = party.is_little_known() ? party.begun.size() : 0;
  counts.tries = party.is_open() && !party.begun.empty() ? 1 : 0;
  counts.open = party.is_open() ? 1 : 0;
  return counts;
}

// Each party is counted in its present state, whatever about it has changed.
template <class Change>
void Shares::change(Party& party, const Change& change) {
  const auto before = counts_of(party);
  change();
  const auto after = counts_of(party);
  counts_.all += after.all - before.all;
  counts_.slow += after.slow - before.slow;
  counts_.fresh += after.fresh - before.fresh;
  counts_.fresh_quick += after.fresh_quick - before.fresh_quick;
  counts_.little_known += after.little_known - before.little_known;
  counts_.tries += after.tries - before.tries;
  counts_.open += after.open - before.open;
}

void Shares::note_slow(SteadyTime now) {
  while (!young_.empty() && young_.front().first + slow_after <= now) {
    const auto [begun, id] = young_.front();
    young_.pop_front();
    const auto found = parties_.find(id);
    if (found == parties_.end()) {
      continue;
    }
    auto& party = found->second;
    if (party.slow < party.begun.size() && party.begun[party.slow] <= begun) {
      change(party, [&] { ++party.slow; });
    }
  }
}

// When slow sends have taken half of the other places as well, which no party can alone, a party must have answered the
// more to take one of the rest, the fewer there are.
bool Shares::has_place(const Party& party) const noexcept {
  const auto for_slow = slow_part(rule_.places);
  const auto others = rule_.places - for_slow;
  const auto too_slow = counts_.slow - std::min(counts_.slow, for_slow);
  constexpr std::size_t most_doublings = 8;
  const auto half = (others + 1) / 2;
  const auto doublings = most_doublings * (too_slow - std::min(too_slow, half)) / half;
  return counts_.all - std::min(counts_.slow, for_slow) < others &&
         (doublings == 0 || party.answers >= std::uint64_t{known_after} << doublings);
}

bool Shares::is_quick(const Party& party, SteadyTime now) const noexcept {
  const bool answers = party.begun.empty() || party.begun.front() + quick > now || party.answered + quick > now;
  return !party.is_open() && party.usual <= quick && party.slow == 0 && answers;
}

// How many sends a party may have at once, by what is known of it, without slow ones.
std::size_t Shares::most_of(const Party& party, SteadyTime now) const noexcept {
  const auto least = std::min(least_of_new, part_of(rule_.places, 1, 2));
  if (is_doubted(party)) {
    return std::max(part_of(rule_.places, 1, 64), least);
  }
  if (rule_.doubts_new && party.is_little_known()) {
    return std::max(part_of(rule_.places, 1, 8), least);
  }
  return is_quick(party, now) ? rule_.most_of_quick : rule_.most;
}

Shares::Held Shares::held_by(const Party& party, SteadyTime now) const noexcept {
  const auto places = rule_.places;
  const auto least = std::min(least_of_new, part_of(places, 1, 2));
  if (party.seems_to_hang()) {
    return Held::party;
  }
  if (party.is_open()) {
    return !party.begun.empty()                      ? Held::party
           : counts_.tries >= part_of(places, 1, 16) ? Held::tries
           : counts_.all >= places                   ? Held::all
                                                     : Held::no;
  }
  if (is_doubted(party)) {
    if (party.begun.size() >= most_of(party, now)) {
      return Held::party;
    }
    if (counts_.fresh_quick >= std::max(part_of(places, 1, 8), least) ||
        counts_.fresh >= std::max(part_of(places, 1, 4), least)) {
      return Held::fresh;
    }
    return counts_.all >= places ? Held::all : Held::no;
  }
  if (rule_.doubts_new && party.is_little_known()) {
    if (party.begun.size() >= most_of(party, now)) {
      return Held::party;
    }
    if (counts_.little_known >= part_of(places, 1, 2)) {
      return Held::fresh;
    }
  }
  if (party.quick_ones() >= most_of(party, now) || party.slow >= part_of(places, 1, 8)) {
    return Held::party;
  }
  return has_place(party) ? Held::no : Held::all;
}

Shares::Leave Shares::ask(std::uint64_t id, SteadyTime now) {
  note_slow(now);
  forget_idle(now);
  auto& party = parties_[id];
  party.used = now;
  Leave leave{now};
  if (party.is_open() && party.rests_until > now) {
    leave = {party.rests_until, Held::party};
  } else if (const auto held = held_by(party, now); held != Held::no) {
    leave = {now + look_again, held};
  } else {
    return leave;
  }
  leave.in_doubt = party.is_open() || party.seems_to_hang() || is_doubted(party);
  leave.spacing = spacing_of(party);
  return leave;
}

bool Shares::is_doubted(const Party& party) const noexcept {
  return rule_.doubts_new && party.is_new();
}

SteadyTime::duration Shares::spacing_of(const Party& party) const noexcept {
  if (party.is_open() || party.seems_to_hang()) {
    return spacing_in_doubt;
  }
  if (is_doubted(party)) {
    return spacing_of_new;
  }
  const auto most = static_cast<SteadyTime::rep>(std::max<std::size_t>(1, rule_.most));
  return std::max<SteadyTime::duration>(party.usual / most, least_spacing);
}

void Shares::begun(std::uint64_t id, SteadyTime now) {
  auto& party = parties_[id];
  party.used = now;
  change(party, [&] { party.begun.push_back(now); });
  young_.emplace_back(now, id);
  if (id != busiest_) {
    const auto busiest = parties_.find(busiest_);
    if (busiest == parties_.end() || busiest->second.begun.size() <= party.begun.size()) {
      busiest_ = id;
    }
  }
}

std::optional<std::size_t> Shares::room_of_busiest(SteadyTime now) const {
  const auto found = parties_.find(busiest_);
  if (found == parties_.end()) {
    return parties_.empty() ? std::optional(least_of_new) : std::nullopt;  // whoever comes first is new
  }
  const auto& party = found->second;
  const auto most = most_of(party, now);
  return is_quick(party, now) ? std::optional(most - std::min(most, party.begun.size())) : std::nullopt;
}

Shares::Change Shares::ended(std::uint64_t id, SteadyTime begun, SteadyTime now, End end) {
  note_slow(now);
  auto& party = parties_[id];
  const bool was_open = party.is_open();
  party.used = now;
  change(party, [&] {
    const auto at = std::lower_bound(party.begun.begin(), party.begun.end(), begun);
    if (at != party.begun.end() && *at == begun) {
      party.slow -= static_cast<std::size_t>(at - party.begun.begin()) < party.slow ? 1 : 0;
      party.begun.erase(at);
    }
    if (end == End::answered) {
      note_answer(party, begun, now);
    } else if (end == End::unanswered) {
      fail(party, begun, now);
    }
  });
  return {!was_open && party.is_open(), was_open && !party.is_open(), was_open && end != End::unknown};
}

void Shares::note_answer(Party& party, SteadyTime begun, SteadyTime now) noexcept {
  constexpr int usual_of = 8;  // about so many last ones
  party.answered = now;
  party.failures = 0;
  party.answers += party.answers < std::numeric_limits<std::uint32_t>::max() ? 1 : 0;
  party.usual += (now - begun - party.usual) / usual_of;
}

// A send does not count if it began before another was answered, or before the failure that is counted already.
void Shares::fail(Party& party, SteadyTime begun, SteadyTime now) {
  if (begun < party.answered || begun < party.failed) {
    return;
  }
  constexpr std::uint32_t most_doublings = 16;
  const auto doublings = std::min(party.failures, most_doublings);
  ++party.failures;
  party.answers = 0;
  party.failed = now;
  party.rests_until = now + std::min<SteadyTime::duration>(first_rest * (1U << doublings), longest_rest);
}

std::uint32_t Shares::failures(std::uint64_t id) const {
  const auto found = parties_.find(id);
  return found == parties_.end() ? 0 : found->second.failures;
}

template <class Condition>
void Shares::forget_if(const Condition& condition) {
  erase_if(parties_, [&](const auto& item) {
    const auto& party = item.second;
    const bool goes = party.begun.empty() && condition(party);
    counts_.open -= goes && party.is_open() ? 1 : 0;
    return goes;
  });
}

// Looks only when twice as many are remembered as were left after the last look.
void Shares::forget_idle(SteadyTime now) {
  if (parties_.size() < next_look_) {
    return;
  }
  forget_if([now](const Party& party) { return party.used + memory <= now; });
  // Some room, so that it is not looked for again and again.
  constexpr auto enough = most_remembered / 4 * 3;
  if (parties_.size() > enough) {
    forget_if([](const Party& party) { return party.answers < known_after; });
  }
  if (parties_.size() > enough) {
    forget_if([](const Party&) { return true; });
  }
  next_look_ = std::clamp<std::size_t>(2 * parties_.size(), 1'024, most_remembered);
  next_look_ = std::max(next_look_, parties_.size() + parties_.size() / 4);  // those that are under way stay
}

}  // namespace tern::proactive
