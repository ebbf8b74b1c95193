#include "proactive/schedule/send_endings.hpp"

#include "async/describe_error.hpp"
#include "turn/annotations.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

// The id of the activity whose turn scheduled it, as the log of that turn has it.
std::string trace(const ScheduledSend& send) {
  return detail::Annotations::trace_of(send.annotations);
}

}  // namespace

DueEntry entry_of(const ScheduledSend& send, std::uint64_t seq) {
  DueEntry entry;
  entry.due = std::max(send.handle.due, send.not_before);
  entry.seq = seq;
  entry.order_hash = order_hash_of(send.order_key);
  entry.id = send.handle.id;
  entry.generation = send.generation;
  entry.slot = send.handle.slot;
  entry.attempt = static_cast<std::uint16_t>(send.attempt);
  return entry;
}

SendEndings::SendEndings(executor ex, const AnyStorage& storage, SendExecutor& sends, Clock& clock,
                         ScheduleFigures& figures, const OutcomeWriter::Options& options, const Parts& parts,
                         Listener& listener)
    : ex_(ex),
      sends_(sends),
      questions_(sends),
      clock_(clock),
      figures_(figures),
      parts_(parts),
      listener_(listener),
      outcomes_(ex, storage, clock, options, figures.refused, *this),
      burial_(ex, storage, clock, parts.slots, options.storage_timeout),
      idle_timer_(clock, ex),
      quiet_timer_(clock, ex) {}

void SendEndings::sent(const DueEntry& entry, const ScheduledSend& send) {
  figures_.sent.inc();
  SendOutcome outcome(SendOutcome::Kind::sent, send.handle, send.generation, parts_.slots.lease_of(entry));
  outcome.next = questions_.next_occurrence(send, clock_.wall_now());
  auto note = questions_.note_of(send, outcome);
  record(std::move(outcome), entry, std::move(note));
  gone(entry);
}

void SendEndings::expired(const DueEntry& entry, const ScheduledSend& send) {
  figures_.expired.inc();
  log::info("a scheduled send has expired", {{"send", send.handle.to_string()}, {"activity", trace(send)}});
  SendOutcome outcome(SendOutcome::Kind::expired, send.handle, send.generation, parts_.slots.lease_of(entry));
  outcome.next = questions_.next_occurrence(send, clock_.wall_now());
  auto note = questions_.note_of(send, outcome);
  record(std::move(outcome), entry, std::move(note));
  gone(entry);
}

void SendEndings::dead(const DueEntry& entry, const ScheduledSend& send, std::string reason) {
  figures_.given_up(reason);
  log::warn("a scheduled send is dead",
            {{"send", send.handle.to_string()}, {"activity", trace(send)}, {"reason", reason}});
  SendOutcome outcome(SendOutcome::Kind::dead, send.handle, send.generation, parts_.slots.lease_of(entry));
  outcome.attempt = send.attempt + 1;
  outcome.reason = std::move(reason);
  if (outcome.reason == conversation_gone) {
    sends_.on_conversation_gone(send);  // and a recurring one comes no more
  } else {
    outcome.next = questions_.next_occurrence(send, clock_.wall_now());
  }
  auto note = questions_.note_of(send, outcome);
  if (!outcome.next && detail::Annotations::is_strict(send.annotations)) {
    StoreChanges burial;
    burial.outcomes.push_back(std::move(outcome));
    if (note) {
      burial.upserts.push_back(std::move(*note));
    }
    asio::co_spawn(ex_, bury_with_followers(entry, send.order_key, std::move(burial)), [](std::exception_ptr error) {
      if (error) {
        log::error("strict sends could not be given up", {{"error", detail::describe(error)}});
      }
    });
    return;
  }
  record(std::move(outcome), entry, std::move(note));
  gone(entry);
}

// The key is busy until this ends, so that none of the following sends begins.
awaitable<void> SendEndings::bury_with_followers(DueEntry entry, std::string order_key, StoreChanges burial) {
  const auto followed = co_await burial_.bury(entry, std::move(order_key), std::move(burial));
  for (std::size_t i = 0; i < followed; ++i) {
    figures_.given_up(StrictBurial::follows_a_dead_one);
  }
  gone(entry);
}

void SendEndings::retried(const DueEntry& entry, const ScheduledSend& send, const Verdict& verdict) {
  figures_.retried.inc();
  figures_.possible_duplicates.inc(verdict.ambiguous ? 1 : 0);
  log::info("a scheduled send is tried again", {{"send", send.handle.to_string()},
                                                {"activity", trace(send)},
                                                {"reason", verdict.reason},
                                                {"in_ms", verdict.delay.count()}});
  SendOutcome outcome(SendOutcome::Kind::retry, send.handle, send.generation, parts_.slots.lease_of(entry));
  outcome.attempt = send.attempt + 1;
  outcome.not_before = std::chrono::ceil<std::chrono::microseconds>(clock_.wall_now() + verdict.delay);
  left(entry);
  record(std::move(outcome), entry);
}

void SendEndings::postponed(const DueEntry& entry, const ScheduledSend& send, WallTime until) {
  SendOutcome outcome(SendOutcome::Kind::retry, send.handle, send.generation, parts_.slots.lease_of(entry));
  outcome.attempt = send.attempt;
  outcome.begun = send.begun;
  outcome.not_before = std::chrono::ceil<std::chrono::microseconds>(until);
  left(entry);
  record(std::move(outcome), entry);
}

void SendEndings::handed_back(const DueEntry& entry, const ScheduledSend& send) {
  Unrecorded one{SendOutcome(SendOutcome::Kind::retry, send.handle, send.generation, parts_.slots.lease_of(entry)),
                 std::nullopt, entry_of(send, entry.seq), std::nullopt};
  one.outcome.attempt = send.attempt;
  one.outcome.begun = send.begun;
  one.outcome.not_before = one.next->due;
  (void)parts_.loader.forget(entry);
  gone(entry);
  outcomes_.add(std::move(one));
}

void SendEndings::record(SendOutcome outcome, const DueEntry& entry, std::optional<StoreUpsert> note) {
  Unrecorded one{std::move(outcome), std::nullopt, std::nullopt, std::move(note)};
  if (one.outcome.kind == SendOutcome::Kind::retry) {
    one.again = entry;
    one.again->attempt = static_cast<std::uint16_t>(one.outcome.attempt);
    // The clock may have been set back since it was due.
    one.again->due = std::max(one.outcome.not_before, one.outcome.handle.due);
  } else if (one.outcome.next) {
    one.next = entry;
    one.next->attempt = 0;
    one.next->due = *one.outcome.next;
    ++one.next->generation;
  }
  outcomes_.add(std::move(one));
}

void SendEndings::gone(const DueEntry& entry) noexcept {
  parts_.window.release(entry.order_hash);
  left(entry);
}

void SendEndings::left(const DueEntry& entry) noexcept {
  parts_.flight.leave(entry);
  listener_.on_room();
  idle_timer_.cancel();
  quiet_timer_.cancel();
}

// A retry goes back into the window only now: before, the store would still take the send for one under way, and hand
// nothing out when it is due again.
void SendEndings::on_recorded(const Unrecorded& one, bool is_refused) {
  if (one.again) {
    if (!is_refused && parts_.slots.holds(one.again->slot)) {
      parts_.window.retry(*one.again);
    } else {
      parts_.window.release(one.again->order_hash);  // its new owner tries it
    }
  }
  if (one.next) {
    listener_.on_next(*one.next);
    if (is_refused) {
      // A try whose answer was lost may have written it, or another owner its own, which is due at another time: when
      // that is told it is new. The record decides when its time has come.
      (void)parts_.loader.forget(*one.next);
    }
  }
}

void SendEndings::on_batch_recorded() {
  listener_.on_room();
  quiet_timer_.cancel();
}

awaitable<bool> SendEndings::idle(Deadline by) {
  while ((parts_.flight.all() > 0 || !outcomes_.is_at_rest()) && !by.expired(clock_)) {
    outcomes_.flush();
    co_await idle_timer_.wait_until(by.when());
  }
  co_return parts_.flight.all() == 0 && outcomes_.size() == 0;
}

awaitable<bool> SendEndings::quiet(SlotSet slots, Deadline by) {
  while ((busy() & slots).any() && !by.expired(clock_)) {
    outcomes_.flush();
    co_await quiet_timer_.wait_until(by.when());
  }
  co_return (busy() & slots).none();
}

}  // namespace tern::proactive
