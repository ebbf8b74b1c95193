#include "proactive/limits/send_gate.hpp"

#include <algorithm>

namespace tern::proactive {

SendGate::SendGate(Limiter* limiter, const Options& options)
    : limiter_(limiter),
      give_up_after_(options.give_up_after),
      shares_(options.places),
      limits_room_(options.waiting, options.longest_wait),
      shares_room_(options.waiting_for_share, options.longest_wait) {}

SendScope SendGate::scope_of(const FetchedSend& fetched) {
  const auto scope = fetched.send.kind == SendKind::continuation ? SendScope() : scope_by_limits(fetched);
  without_share_ = scope.host == 0 ? without_share_ + 1 : 0;
  return scope;
}

SendScope SendGate::scope_by_limits(const FetchedSend& fetched) {
  if (limiter_ == nullptr || !fetched.ids) {
    return {};
  }
  auto scope = SendScope::of(*fetched.ids, limiter_->limits());
  const auto url = fetched.ids->service_url();
  scope.host = url.empty() ? 0 : shares_.number_of(url);
  return scope;
}

std::optional<Hold> SendGate::ask(const ReadySend& ready, SteadyTime now, WallTime wall_now) {
  if (ready.scope.limits == nullptr) {
    return std::nullopt;
  }
  std::optional<Hold> hold;
  for (auto* room : {&shares_room_, &limits_room_}) {
    if (const auto leave = room->held_by(ready.scope); leave && !hold) {
      hold = Hold{room, *leave};
    }
  }
  if (!hold) {
    hold = ask_to_go(ready.scope, ready.entry, now, wall_now);
  }
  if (hold) {
    hold->is_lost = is_lost(ready, *hold, wall_now);
  }
  return hold;
}

// A host that answers nothing is tried with one send at a time: most are never tried, and are not kept for ever.
bool SendGate::is_lost(const ReadySend& ready, const Hold& hold, WallTime wall_now) const {
  return hold.room == &shares_room_ && hold.leave.in_doubt && wall_now - ready.send.handle.due >= give_up_after_ &&
         shares_.is_lost(ready.scope.host);
}

// Nothing when it may go: then it has its place, and counts to the limits.
std::optional<Hold> SendGate::ask_to_go(const SendScope& scope, const DueEntry& entry, SteadyTime now,
                                        WallTime wall_now) {
  const auto share = shares_.ask(scope, now);
  if (share.at > now) {
    return Hold{&shares_room_, share};
  }
  const auto leave = limiter_->ask(scope, now, wall_now - entry.due);
  if (leave.at > now) {
    return Hold{&limits_room_, leave};
  }
  shares_.begun(scope, now);
  return std::nullopt;
}

// It is asked again for the one of each queue that has waited longest first.
std::optional<WaitingSend> SendGate::take(SteadyTime now, WallTime wall_now) {
  for (auto* room : {&limits_room_, &shares_room_}) {
    while (const auto next = room->take(now)) {
      const auto hold = ask_to_go(next->scope, next->entry, now, wall_now);
      if (!hold) {
        return next;
      }
      hold->room->enter_again(hold->leave, *next);
    }
  }
  return std::nullopt;
}

SendShares::Change SendGate::ended(const SendScope& scope, SteadyTime went, SteadyTime now, Shares::End end) {
  if (scope.limits != nullptr) {
    limiter_->ended(scope, now);
  }
  return leave_share(scope, went, now, end);
}

SendShares::Change SendGate::withdrawn(const SendScope& scope, SteadyTime went, SteadyTime now) {
  limiter_->withdrawn(scope);
  const auto change = leave_share(scope, went, now, Shares::End::unknown);
  for (const auto freed : {scope.conversation, scope.tenant, scope.bot}) {
    limits_room_.wake(freed, now);
  }
  return change;
}

SendShares::Change SendGate::leave_share(const SendScope& scope, SteadyTime went, SteadyTime now, Shares::End end) {
  const auto change = shares_.ended(scope, went, now, end);
  if (scope.host != 0 && shares_room_.size() > 0) {
    for (const auto freed : shares_.freed_by(scope)) {
      shares_room_.wake(freed, now);
    }
  }
  return change;
}

bool SendGate::succeeded(const SendScope& scope, SteadyTime now) {
  if (scope.limits == nullptr || !limiter_->succeeded(scope, now)) {
    return false;
  }
  limits_room_.wake(scope.bot, now);
  return true;
}

std::optional<SteadyTime> SendGate::next() const {
  const auto one = limits_room_.next();
  const auto other = shares_room_.next();
  return one && other ? std::min(*one, *other) : one ? one : other;
}

}  // namespace tern::proactive
