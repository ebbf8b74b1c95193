#include "storage/schedule_rules.hpp"

namespace tern::storage {

namespace {

std::int64_t one_if(bool holds) noexcept {
  return holds ? 1 : 0;
}

}  // namespace

CountChanges& CountChanges::operator+=(const CountChanges& more) noexcept {
  pending += more.pending;
  sent += more.sent;
  cancelled += more.cancelled;
  expired += more.expired;
  dead += more.dead;
  awaiting_reply += more.awaiting_reply;
  kept_dead += more.kept_dead;
  return *this;
}

void CountChanges::add_to(SendCounts& counts) const noexcept {
  const auto add = [](std::uint64_t& count, std::int64_t change) { count += static_cast<std::uint64_t>(change); };
  add(counts.pending, pending);
  add(counts.sent, sent);
  add(counts.cancelled, cancelled);
  add(counts.expired, expired);
  add(counts.dead, dead);
  add(counts.awaiting_reply, awaiting_reply);
  add(counts.kept_dead, kept_dead);
}

SendState ScheduleRules::state_of(const ScheduledSend& send) noexcept {
  SendState state;
  state.due = send.handle.due;
  state.not_before = send.not_before > send.handle.due ? send.not_before : WallTime{};
  state.generation = send.generation;
  state.attempt = send.attempt;
  state.begun = std::min(send.begun, most_begun);
  state.awaits_reply = !send.cancel_on_reply.empty();
  return state;
}

void ScheduleRules::put(const SendState& state, ScheduledSend& send) noexcept {
  send.handle.due = state.due;
  send.not_before = state.not_before;
  send.generation = state.generation;
  send.attempt = state.attempt;
  send.begun = state.begun;
}

// It is due at another time, as if it had never been tried. It keeps its number in the order of commit.
SendState ScheduleRules::renewed(const SendState& send, WallTime due) noexcept {
  SendState now;
  now.due = due;
  now.generation = send.generation + 1;
  now.awaits_reply = send.awaits_reply;
  return now;
}

CountChanges ScheduleRules::removal_of(const SendState& pending) noexcept {
  CountChanges counts;
  counts.pending = -1;
  counts.awaiting_reply = -one_if(pending.awaits_reply);
  return counts;
}

Ruling ScheduleRules::outcome(const SendState* pending, const SendOutcome& outcome, bool owned) noexcept {
  using Kind = SendOutcome::Kind;
  Ruling ruling;
  if (pending == nullptr) {
    ruling.accepted = !needs_owner(outcome);
    return ruling;
  }
  if (pending->generation != outcome.generation || (needs_owner(outcome) && !owned)) {
    return ruling;
  }
  if (outcome.kind == Kind::begin || outcome.kind == Kind::retry) {
    ruling.accepted = true;
    ruling.fate = Fate::changes;
    ruling.now = *pending;
    if (outcome.kind == Kind::begin) {
      ruling.now.begun = std::min<std::uint16_t>(pending->begun, most_begun - 1) + 1;
      return ruling;
    }
    ruling.now.attempt = outcome.attempt;
    ruling.now.not_before = outcome.not_before > pending->due ? outcome.not_before : WallTime{};
    ruling.now.begun = std::min(outcome.begun, most_begun);
    ruling.ends_sending = true;
    return ruling;
  }
  return settle(*pending, outcome);
}

Ruling ScheduleRules::settle(const SendState& pending, const SendOutcome& outcome) noexcept {
  using Kind = SendOutcome::Kind;
  Ruling ruling;
  ruling.accepted = true;
  ruling.ends_sending = true;
  if (outcome.next) {
    ruling.fate = Fate::changes;
    ruling.now = renewed(pending, *outcome.next);
  } else {
    ruling.fate = outcome.kind == Kind::dead ? Fate::dies : Fate::ends;
    ruling.counts = removal_of(pending);
    ruling.counts.kept_dead = one_if(ruling.fate == Fate::dies);
  }
  ruling.counts.sent = one_if(outcome.kind == Kind::sent);
  ruling.counts.dead = one_if(outcome.kind == Kind::dead);
  ruling.counts.expired = one_if(outcome.kind == Kind::expired);
  return ruling;
}

Ruling ScheduleRules::edit(const SendState* pending, const SendEdit& edit, bool is_free) noexcept {
  if (pending == nullptr || !is_free) {
    return {};
  }
  if (edit.kind == SendEdit::Kind::cancel) {
    return cancel(*pending, is_free);
  }
  Ruling ruling;
  if (pending->begun > 0) {
    return ruling;  // it may have been done: moved, it would be done again as if it had never been tried
  }
  ruling.accepted = true;
  ruling.fate = Fate::changes;
  ruling.now = renewed(*pending, edit.new_due);
  return ruling;
}

Ruling ScheduleRules::cancel(const SendState& pending, bool is_free) noexcept {
  Ruling ruling;
  if (is_free) {
    ruling.accepted = true;
    ruling.fate = Fate::ends;
    ruling.counts = removal_of(pending);
    ruling.counts.cancelled = 1;
  }
  return ruling;
}

Ruling ScheduleRules::redrive(const SendState* dead, WallTime due) noexcept {
  auto ruling = discard(dead != nullptr);
  if (dead != nullptr) {
    ruling.fate = Fate::changes;
    ruling.now = renewed(*dead, due);
    ruling.counts.pending = 1;
    ruling.counts.awaiting_reply = one_if(dead->awaits_reply);
  }
  return ruling;
}

Ruling ScheduleRules::discard(bool is_kept) noexcept {
  Ruling ruling;
  ruling.accepted = is_kept;
  ruling.fate = is_kept ? Fate::ends : Fate::stays;
  ruling.counts.kept_dead = -one_if(is_kept);
  return ruling;
}

Ruling ScheduleRules::add(const ScheduledSend& send) noexcept {
  Ruling ruling;
  ruling.accepted = true;
  ruling.fate = Fate::changes;
  ruling.now = state_of(send);
  ruling.counts.pending = 1;
  ruling.counts.awaiting_reply = one_if(ruling.now.awaits_reply);
  return ruling;
}

CountChanges ScheduleRules::keep_dead() noexcept {
  CountChanges counts;
  counts.kept_dead = 1;
  return counts;
}

std::string ScheduleRules::pending_already(const SendHandle& handle) {
  return "The scheduled send " + handle.to_string() + " is pending already. Give every send an id from new_send_id().";
}

}  // namespace tern::storage
