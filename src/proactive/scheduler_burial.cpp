// How the scheduler comes to give a send up, and what that means for those behind it.
#include "proactive/describe_error.hpp"
#include "proactive/scheduler.hpp"
#include "turn/annotations.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>

#include <tuple>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::chrono::milliseconds storage_pause{250};
constexpr std::size_t most_listed = 1'000;

}  // namespace

// A refusal means this conversation, or the bot. Which of them shows within a while by what happens to others.
void Scheduler::suspend_judgement(ReadySend ready, std::string reason) {
  left_flight(ready.entry);
  suspended_.emplace(clock_.now() + Limiter::refusals_time, Suspended{std::move(ready), std::move(reason)});
}

void Scheduler::judge_suspended() {
  const auto now = clock_.now();
  while (!stopped_ && !suspended_.empty() && suspended_.begin()->first <= now) {
    const auto [ready, reason] = std::move(suspended_.extract(suspended_.begin()).mapped());
    enter_flight(ready.entry);
    if (!is_still_mine(ready.entry)) {
      postpone(ready.entry, ready.send, ready.entry.due);  // the slot may come back under the same lease
    } else if (const auto until = options_.limiter->paused(ready.scope, now)) {
      postpone(ready.entry, ready.send,
               clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(*until - now));
    } else {
      bury(ready.entry, ready.send, reason);
    }
  }
}

void Scheduler::bury(const DueEntry& entry, const ScheduledSend& send, std::string reason) {
  figures_.dead.inc();
  log::warn("a scheduled send is dead", {{"send", send.handle.to_string()},
                                         {"activity", detail::Annotations::trace_of(send.annotations)},
                                         {"reason", reason}});
  SendOutcome outcome(SendOutcome::Kind::dead, send.handle, send.generation, lease_of(entry));
  outcome.attempt = send.attempt + 1;
  outcome.reason = std::move(reason);
  if (outcome.reason == conversation_gone) {
    sends_.on_conversation_gone(send);  // and a recurring one comes no more
  } else {
    outcome.next = sends_.next_occurrence(send, clock_.wall_now());
  }
  auto note = sends_.note_of(send, outcome);
  if (!outcome.next && detail::Annotations::is_strict(send.annotations)) {
    bury_in_order(entry, send, std::move(outcome), std::move(note));
    return;
  }
  record(std::move(outcome), entry, std::move(note));
  ended(entry);
}

void Scheduler::bury_in_order(const DueEntry& entry, const ScheduledSend& send, SendOutcome outcome,
                              std::optional<StoreUpsert> note) {
  StoreChanges changes;
  changes.outcomes.push_back(std::move(outcome));
  if (note) {
    changes.upserts.push_back(std::move(*note));
  }
  asio::co_spawn(ex_, bury_with_followers(entry, send.order_key, std::move(changes)), [](std::exception_ptr error) {
    if (error) {
      log::error("strict sends could not be given up", {{"error", describe(error)}});
    }
  });
}

// The key is busy until its end, so that none of those behind it begins; and one write, so that a crash lets none pass.
awaitable<void> Scheduler::bury_with_followers(DueEntry entry, std::string order_key, StoreChanges burial) {
  bool written = false;
  while (!written && is_still_mine(entry)) {
    std::exception_ptr error;
    try {
      auto changes = burial;
      co_await add_followers(entry, order_key, changes);
      const auto buried = changes.outcomes.size();
      (void)co_await storage_.write(std::move(changes), Deadline::after(options_.storage_timeout, clock_));
      figures_.dead.inc(static_cast<double>(buried - 1));
      written = true;
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted) {
        throw;
      }
      error = std::current_exception();
    } catch (...) {
      error = std::current_exception();  // whatever it is: the key must be free in the end
    }
    if (error) {
      log::warn("strict sends could not be given up; it is tried again", {{"error", describe(error)}});
      Timer pause(clock_, ex_);
      co_await pause.wait_for(storage_pause);
    }
  }
  ended(entry);
}

awaitable<void> Scheduler::add_followers(DueEntry entry, std::string order_key, StoreChanges& burial) {
  const auto first = burial.outcomes.front().handle;
  SendQuery query;
  query.order_key = std::move(order_key);
  query.limit = most_listed;
  do {
    const auto page = co_await storage_.list_sends(query, Deadline::after(options_.storage_timeout, clock_));
    for (const auto& send : page.sends) {
      const bool follows = std::tie(send.handle.due, send.seq) > std::tie(first.due, entry.seq);
      if (!follows || !detail::Annotations::is_strict(send.annotations)) {
        continue;
      }
      SendOutcome outcome(SendOutcome::Kind::dead, send.handle, send.generation, lease_of(entry));
      outcome.attempt = send.attempt;
      outcome.reason = "an earlier send of its order is dead: " + first.to_string();
      burial.outcomes.push_back(std::move(outcome));
    }
    query.after = page.next;
  } while (!query.after.empty());
}

}  // namespace tern::proactive
