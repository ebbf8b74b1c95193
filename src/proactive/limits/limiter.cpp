#include "proactive/limits/limiter.hpp"

#include <algorithm>

namespace tern::proactive {

namespace {

// A refusal or a throttle may still count for so long after the last send.
constexpr std::chrono::seconds least_memory{60};
// How long the others wait for the one that finds out whether the bot is served again.
constexpr std::chrono::milliseconds probe_time{250};
// The usual number of refusals in a row is that of about so many last ones.
constexpr double usual_of = 8;
// This many refusals are remembered, which is more than any judgement asks for.
constexpr std::size_t most_refusals = 512;
constexpr double longest_usual_run = 40;
// So few sends are forgotten after `least_memory`.
constexpr std::size_t few = 2;

// How many sends may have been forgotten within a window, at most.
std::uint32_t forgettable(const SendWindow& window) {
  return window.length <= least_memory ? 0 : static_cast<std::uint32_t>(few * (window.length / least_memory));
}

bool may_forget(const SendWindow& window) {
  return forgettable(window) <= window.sends / 10;
}

// How many sends a process lets into a window.
std::uint32_t capacity(const SendWindow& window, std::uint32_t processes) {
  const auto sends = may_forget(window) ? window.sends - forgettable(window) : window.sends;
  return std::max(1U, sends / processes);
}

template <class Map>
void forget(Map& map, SteadyTime now) {
  erase_if(map, [&](const auto& item) {
    const auto& sends = item.second;
    const auto keep = sends.ends.size() <= few ? sends.strict : sends.longest;
    if constexpr (requires { sends.paused_until; }) {
      if (sends.paused_until > now) {
        return false;
      }
    }
    return sends.in_flight == 0 && sends.frozen <= now &&
           sends.used + std::max<SteadyTime::duration>(keep, least_memory) <= now;
  });
}

const Limiter::Leave& later(const Limiter::Leave& one, const Limiter::Leave& other) {
  return one.at < other.at ? other : one;
}

}  // namespace

std::size_t Limiter::Recent::total(SteadyTime now) noexcept {
  const auto here = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  for (; second < here; ++second) {
    if (here - second > 3) {
      second = here - 3;
    }
    counts[static_cast<std::size_t>(second + 1) % counts.size()] = 0;
  }
  return std::size_t{counts[0]} + counts[1] + counts[2];
}

void Limiter::Recent::add(SteadyTime now) noexcept {
  total(now);
  ++counts[static_cast<std::size_t>(second) % counts.size()];
}

Limiter::Leave Limiter::free_at(std::uint64_t scope, Sends& sends, const std::vector<SendWindow>& windows,
                                std::uint32_t share, SteadyTime now) {
  Leave leave{std::max(now, sends.frozen), scope, {}};
  for (const auto& window : windows) {
    sends.longest = std::max(sends.longest, window.length);
    sends.strict = may_forget(window) ? sends.strict : std::max(sends.strict, window.length);
    leave.spacing = std::max(leave.spacing, SteadyTime::duration(window.length) / capacity(window, share));
  }
  const auto live = std::upper_bound(sends.ends.begin(), sends.ends.end(), now - sends.longest);
  const auto over = static_cast<std::size_t>(live - sends.ends.begin());
  for (const auto& window : windows) {
    const auto fits = capacity(window, share);
    const auto total = sends.ends.size() - over + sends.in_flight;
    if (total < fits) {
      continue;
    }
    // This many sends must leave the window before another fits; a send under way leaves it `length` from now at the
    // earliest.
    const auto leaving = over + total - fits;
    const auto left = leaving < sends.ends.size() ? sends.ends[leaving] : now;
    leave.at = std::max(leave.at, left + window.length);
  }
  if (2 * over >= sends.ends.size()) {
    sends.ends.erase(sends.ends.begin(), live);
  }
  return leave;
}

SteadyTime Limiter::ramp_at(Wide& wide, SteadyTime now) const {
  if (!wide.ramp || now < *wide.ramp) {
    return now;
  }
  const auto step = static_cast<std::uint64_t>((now - *wide.ramp) / std::chrono::seconds(1));
  if (step >= slow_start_seconds) {
    wide.ramp.reset();
    return now;
  }
  if (step != wide.ramp_step) {
    wide.ramp_step = step;
    wide.ramp_sent = 0;
  }
  const auto most = std::uint64_t{limits_.slow_start} << step;
  return wide.ramp_sent < most ? now : *wide.ramp + std::chrono::seconds(step + 1);
}

Limiter::Leave Limiter::ask(const SendScope& scope, SteadyTime now, SteadyTime::duration late) {
  if (scope.limits == nullptr) {
    return {now, 0, {}};
  }
  const std::lock_guard lock(mutex_);
  forget_idle(now);
  auto& conversation = conversations_[scope.conversation];
  wide_[scope.tenant];  // both before a reference is taken: an insertion moves the others
  auto& bot = wide_[scope.bot];
  auto& tenant = wide_[scope.tenant];
  // The bot of a process that has begun, or whose store was away.
  const bool was_silent = !bot.known || (bot.in_flight == 0 && now - bot.used > outage);
  if (was_silent && late > outage && limits_.slow_start > 0) {
    begin_slowly(bot, now);
  }
  bot.known = true;
  conversation.used = tenant.used = bot.used = now;
  auto leave = windows_at(scope, conversation, tenant, bot, now);
  leave = later(leave, {ramp_at(tenant, now), scope.tenant, slow_spacing()});
  leave = later(leave, {ramp_at(bot, now), scope.bot, slow_spacing()});
  leave = later(leave, after_pause(scope, bot, now));
  if (leave.at > now) {
    return leave;
  }
  let_go(conversation, tenant, bot);
  ++tenant.ramp_sent;
  ++bot.ramp_sent;
  return leave;
}

Limiter::Leave Limiter::ask_for_reply(const SendScope& scope, SteadyTime now) {
  if (scope.limits == nullptr) {
    return {now, 0, {}};
  }
  const std::lock_guard lock(mutex_);
  forget_idle(now);
  auto& conversation = conversations_[scope.conversation];
  wide_[scope.tenant];  // as above
  auto& bot = wide_[scope.bot];
  auto& tenant = wide_[scope.tenant];
  conversation.used = tenant.used = bot.used = now;
  const auto leave = windows_at(scope, conversation, tenant, bot, now);
  if (leave.at <= now) {
    let_go(conversation, tenant, bot);
  }
  return leave;
}

Limiter::Leave Limiter::windows_at(const SendScope& scope, Sends& conversation, Wide& tenant, Wide& bot,
                                   SteadyTime now) const {
  auto leave = free_at(scope.conversation, conversation, scope.limits->conversation, 1, now);
  leave = later(leave, free_at(scope.tenant, tenant, scope.limits->tenant, processes_, now));
  return later(leave, free_at(scope.bot, bot, scope.limits->bot, processes_, now));
}

void Limiter::let_go(Sends& conversation, Wide& tenant, Wide& bot) noexcept {
  for (Sends* sends : {&conversation, static_cast<Sends*>(&tenant), static_cast<Sends*>(&bot)}) {
    ++sends->in_flight;
  }
}

// While the bot is paused none goes, and after that one at a time, until one succeeds.
Limiter::Leave Limiter::after_pause(const SendScope& scope, const Wide& bot, SteadyTime now) const {
  Leave leave{now, scope.bot, slow_spacing(), look_again};
  if (bot.pause > SteadyTime::duration::zero()) {
    leave.at = now < bot.paused_until ? std::min(bot.paused_until, now + look_again)
               : bot.in_flight > 0    ? now + probe_time
                                      : now;
  }
  return leave;
}

SteadyTime::duration Limiter::slow_spacing() const noexcept {
  constexpr std::uint32_t at_full_speed = 100;  // from here on it only spreads sends that come back from the store
  return SteadyTime::duration(std::chrono::seconds(1)) / (limits_.slow_start > 0 ? limits_.slow_start : at_full_speed);
}

void Limiter::ended(const SendScope& scope, SteadyTime now) {
  if (scope.limits == nullptr) {
    return;
  }
  const std::lock_guard lock(mutex_);
  const auto end = [now](Sends& sends, const std::vector<SendWindow>& windows) {
    --sends.in_flight;
    sends.used = now;
    if (!windows.empty()) {
      // Another thread's clock may have been read a moment earlier: the order is kept, on the late side.
      sends.ends.push_back(sends.ends.empty() ? now : std::max(now, sends.ends.back()));
    }
  };
  end(conversations_.at(scope.conversation), scope.limits->conversation);
  end(wide_.at(scope.tenant), scope.limits->tenant);
  end(wide_.at(scope.bot), scope.limits->bot);
}

void Limiter::withdrawn(const SendScope& scope) {
  if (scope.limits == nullptr) {
    return;
  }
  const std::lock_guard lock(mutex_);
  --conversations_.at(scope.conversation).in_flight;
  --wide_.at(scope.tenant).in_flight;
  --wide_.at(scope.bot).in_flight;
}

bool Limiter::succeeded(const SendScope& scope, SteadyTime now) {
  if (scope.limits == nullptr) {
    return false;
  }
  const std::lock_guard lock(mutex_);
  wide_[scope.tenant].passed.add(now);
  auto& bot = wide_[scope.bot];
  bot.passed.add(now);
  note_passed(bot, now);
  if (bot.pause == SteadyTime::duration::zero()) {
    return false;
  }
  bot.pause = SteadyTime::duration::zero();
  paused_.fetch_sub(1, std::memory_order_relaxed);
  bot.refused.clear();
  bot.paused_until = now;
  bot.cleared = now;
  if (limits_.slow_start > 0) {
    begin_slowly(bot, std::max(now, bot.frozen));  // the sends that the pause has gathered
  }
  return true;
}

void Limiter::note_passed(Wide& bot, SteadyTime now) noexcept {
  ++bot.answers;
  bot.last_passed = {Wide::Passed{bot.answers, now}, bot.last_passed[0]};
  bot.usual_run += (static_cast<double>(bot.run) - bot.usual_run) / usual_of;
  bot.usual_run = std::min(bot.usual_run, longest_usual_run);
  bot.run = 0;
  bot.probed = 0;
}

bool Limiter::is_meant(Wide& wide, std::size_t throttled, SteadyTime now) noexcept {
  return throttled >= widening && throttled * widening_share >= throttled + wide.in_flight + wide.passed.total(now);
}

std::size_t Limiter::mark(Marks& marks, std::uint64_t conversation, SteadyTime now, SteadyTime::duration keep) {
  std::erase_if(marks, [&](const auto& one) { return one.first == conversation || one.second + keep <= now; });
  marks.emplace_back(conversation, now);
  return marks.size();
}

void Limiter::begin_slowly(Wide& wide, SteadyTime from) noexcept {
  wide.ramp = from;
  wide.ramp_step = 0;
  wide.ramp_sent = 0;
}

// A tenant or bot that was frozen as a whole has gathered sends meanwhile: they begin slowly.
void Limiter::freeze(Wide& wide, SteadyTime until) const {
  wide.frozen = std::max(wide.frozen, until);
  if (limits_.slow_start > 0) {
    begin_slowly(wide, wide.frozen);
  }
}

Limiter::Frozen Limiter::throttled(const SendScope& scope, SteadyTime now, std::chrono::milliseconds retry_after) {
  if (scope.limits == nullptr) {
    return Frozen::conversation;
  }
  const std::lock_guard lock(mutex_);
  const auto until = now + retry_after;
  auto& conversation = conversations_[scope.conversation];
  conversation.frozen = std::max(conversation.frozen, until);
  conversation.used = now;
  wide_[scope.tenant];
  auto& bot = wide_[scope.bot];
  auto& tenant = wide_[scope.tenant];
  const auto in_bot = mark(bot.throttled, scope.conversation, now, widening_time);
  const auto in_tenant = mark(tenant.throttled, scope.conversation, now, widening_time);
  if (!is_meant(bot, in_bot, now) && !is_meant(tenant, in_tenant, now)) {
    return Frozen::conversation;
  }
  // All in one tenant, or most of what is sent to it: it alone is meant.
  if (in_tenant == in_bot || !is_meant(bot, in_bot, now)) {
    freeze(tenant, until);
    return Frozen::tenant;
  }
  freeze(bot, until);
  return Frozen::bot;
}

// Of the last answers one may have taken a message, when there were as many as usually hold ten that do.
bool Limiter::is_refused_as_a_whole(const Wide& bot, SteadyTime now) noexcept {
  const auto conversations = static_cast<double>(bot.refused.size());
  const auto looked_at = refusals_of_usual * (1 + bot.usual_run);
  const auto is_looked_at = [&](const Wide::Passed& passed) {
    return passed.number > 0 && static_cast<double>(bot.answers - passed.number) < looked_at &&
           passed.at + refusals_time > now;
  };
  const auto passed = std::count_if(bot.last_passed.begin(), bot.last_passed.end(), is_looked_at);
  const auto enough = passed == 0 ? static_cast<double>(refusals) + refusals_of_usual * bot.usual_run : looked_at - 1;
  return passed < 2 && conversations >= enough &&
         bot.refused.size() >= std::min<std::size_t>(bot.in_flight, most_refusals);  // they come sooner than answers
}

bool Limiter::several_refused(const SendScope& scope, SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  const auto found = wide_.find(scope.bot);
  if (found == wide_.end()) {
    return false;
  }
  const auto& bot = found->second;
  const auto recent = std::count_if(bot.refused.begin(), bot.refused.end(), [&](const auto& one) {
    return one.second + refusals_time > now && one.second >= bot.last_passed[0].at;
  });
  return static_cast<std::size_t>(recent) >= refusals_to_doubt;
}

SteadyTime::duration Limiter::next_pause(const Wide& bot, Refused what) noexcept {
  const SteadyTime::duration first = what == Refused::bot ? first_pause : first_doubt;
  const SteadyTime::duration longest = what == Refused::way ? longest_pause_of_way : longest_pause;
  return bot.pause > SteadyTime::duration::zero() ? std::clamp(bot.pause * 2, first, std::max(first, longest)) : first;
}

std::optional<Limiter::Pause> Limiter::refused(const SendScope& scope, SteadyTime now, Refused what) {
  if (scope.limits == nullptr) {
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  auto& bot = wide_[scope.bot];
  bot.used = now;
  const bool is_in_doubt = bot.pause > SteadyTime::duration::zero();
  if (is_in_doubt && bot.paused_until > now) {
    return Pause{bot.paused_until, false};  // it was under way when the pause began
  }
  const auto is_it = [&](const auto& one) { return one.first == scope.conversation; };
  const bool is_new = std::none_of(bot.refused.begin(), bot.refused.end(), is_it);
  mark(bot.refused, scope.conversation, now, refusals_time);
  if (bot.refused.size() > most_refusals) {
    bot.refused.erase(bot.refused.begin());
  }
  ++bot.answers;
  bot.run += is_new ? 1 : 0;
  const bool is_meant =
      what == Refused::bot || (is_in_doubt ? ++bot.probed >= probes : is_refused_as_a_whole(bot, now));
  if (!is_meant) {
    return std::nullopt;
  }
  paused_.fetch_add(is_in_doubt ? 0 : 1, std::memory_order_relaxed);
  bot.pause = next_pause(bot, what);
  bot.paused_until = now + bot.pause;
  bot.probed = 0;
  return Pause{bot.paused_until, true};
}

bool Limiter::in_doubt(const SendScope& scope, SteadyTime since) const {
  const std::lock_guard lock(mutex_);
  const auto bot = wide_.find(scope.bot);
  return bot != wide_.end() && (bot->second.pause > SteadyTime::duration::zero() || bot->second.cleared > since);
}

void Limiter::set_processes(std::size_t count) {
  const std::lock_guard lock(mutex_);
  processes_ = static_cast<std::uint32_t>(std::max<std::size_t>(1, count));
}

// Looks only when twice as many are remembered as were left after the last look, so that it costs little for each send.
void Limiter::forget_idle(SteadyTime now) {
  if (conversations_.size() + wide_.size() < next_look_) {
    return;
  }
  forget(conversations_, now);
  forget(wide_, now);
  const auto is_paused = [](const auto& one) { return one.second.pause > SteadyTime::duration::zero(); };
  paused_ = static_cast<std::size_t>(std::count_if(wide_.begin(), wide_.end(), is_paused));
  next_look_ = std::max<std::size_t>(1'024, 2 * (conversations_.size() + wide_.size()));
}

std::size_t Limiter::size() const {
  const std::lock_guard lock(mutex_);
  return conversations_.size() + wide_.size();
}

}  // namespace tern::proactive
