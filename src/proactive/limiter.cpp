#include "proactive/limiter.hpp"

#include <algorithm>

namespace tern::proactive {

namespace {

// A refusal or a throttle may still count for so long after the last send.
constexpr std::chrono::seconds least_memory{60};

template <class Map>
void forget(Map& map, SteadyTime now) {
  erase_if(map, [&](const auto& item) {
    const auto& sends = item.second;
    const auto memory = std::max<SteadyTime::duration>(sends.longest, least_memory);
    return sends.in_flight == 0 && sends.frozen <= now && sends.used + memory <= now;
  });
}

}  // namespace

SteadyTime Limiter::free_at(Sends& sends, const std::vector<SendWindow>& windows, SteadyTime now) {
  auto at = std::max(now, sends.frozen);
  for (const auto& window : windows) {
    sends.longest = std::max<SteadyTime::duration>(sends.longest, window.length);
  }
  while (!sends.ends.empty() && sends.ends.front() + sends.longest <= now) {
    sends.ends.pop_front();
  }
  for (const auto& window : windows) {
    const auto total = sends.ends.size() + sends.in_flight;
    if (total < window.sends) {
      continue;
    }
    // So many must have left the window before another fits; one that is under way leaves it `length` from now at best.
    const auto leaving = total - window.sends;
    const auto left = leaving < sends.ends.size() ? sends.ends[leaving] : now;
    at = std::max(at, left + window.length);
  }
  return at;
}

SteadyTime Limiter::ramp_at(Wide& wide, SteadyTime now) {
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
  return wide.ramp_sent < (slow_start << step) ? now : *wide.ramp + std::chrono::seconds(step + 1);
}

SteadyTime Limiter::ask(const SendScope& scope, SteadyTime now, SteadyTime::duration late) {
  if (scope.limits == nullptr) {
    return now;
  }
  const std::lock_guard lock(mutex_);
  forget_idle(now);
  auto& conversation = conversations_[scope.conversation];
  wide_[scope.tenant];  // both before a reference is taken: an insertion moves the others
  auto& bot = wide_[scope.bot];
  auto& tenant = wide_[scope.tenant];
  if (!bot.known && late > outage) {
    bot.ramp = now;
  }
  bot.known = true;
  const auto at =
      std::max({free_at(conversation, scope.limits->conversation, now), free_at(tenant, scope.limits->tenant, now),
                free_at(bot, scope.limits->bot, now), ramp_at(tenant, now), ramp_at(bot, now)});
  conversation.used = tenant.used = bot.used = now;
  if (at > now) {
    return at;
  }
  for (Sends* sends : {&conversation, static_cast<Sends*>(&tenant), static_cast<Sends*>(&bot)}) {
    ++sends->in_flight;
  }
  ++tenant.ramp_sent;
  ++bot.ramp_sent;
  return now;
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

void Limiter::succeeded(const SendScope& scope) {
  if (scope.limits == nullptr) {
    return;
  }
  const std::lock_guard lock(mutex_);
  auto& bot = wide_[scope.bot];
  bot.refused.clear();
  bot.pause = std::chrono::seconds(0);
}

std::size_t Limiter::mark(Marks& marks, std::uint64_t conversation, SteadyTime now, SteadyTime::duration keep) {
  std::erase_if(marks, [&](const auto& one) { return one.first == conversation || one.second + keep <= now; });
  marks.emplace_back(conversation, now);
  return marks.size();
}

// What was frozen as a whole has gathered sends meanwhile: they begin slowly.
void Limiter::freeze(Wide& wide, SteadyTime until) {
  wide.frozen = std::max(wide.frozen, until);
  wide.ramp = wide.frozen;
  wide.ramp_step = 0;
  wide.ramp_sent = 0;
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
  if (in_bot < widening) {
    return Frozen::conversation;
  }
  // All in one tenant: it alone is meant.
  if (in_tenant == in_bot) {
    freeze(tenant, until);
    return Frozen::tenant;
  }
  freeze(bot, until);
  return Frozen::bot;
}

std::optional<Limiter::Pause> Limiter::refused(const SendScope& scope, SteadyTime now) {
  if (scope.limits == nullptr) {
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  auto& bot = wide_[scope.bot];
  Pause pause;
  if (bot.pause > std::chrono::seconds(0) && bot.frozen > now) {
    pause.until = bot.frozen;  // it was under way when the pause began
    return pause;
  }
  const auto count = mark(bot.refused, scope.conversation, now, refusals_time);
  // After a pause nothing is proven until a send succeeds.
  if (count < refusals && bot.pause == std::chrono::seconds(0)) {
    return std::nullopt;
  }
  bot.pause = bot.pause == std::chrono::seconds(0) ? first_pause : std::min(bot.pause * 2, longest_pause);
  freeze(bot, now + bot.pause);
  pause.until = bot.frozen;
  pause.begun = true;
  return pause;
}

// Looks only when twice as many are remembered as were left after the last look, so that it costs little for each send.
void Limiter::forget_idle(SteadyTime now) {
  if (conversations_.size() + wide_.size() < next_look_) {
    return;
  }
  forget(conversations_, now);
  forget(wide_, now);
  next_look_ = std::max<std::size_t>(1'024, 2 * (conversations_.size() + wide_.size()));
}

std::size_t Limiter::size() const {
  const std::lock_guard lock(mutex_);
  return conversations_.size() + wide_.size();
}

}  // namespace tern::proactive
