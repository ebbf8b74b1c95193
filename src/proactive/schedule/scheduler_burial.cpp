// How the scheduler comes to give a send up, and what that means for those behind it.
#include "proactive/describe_error.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "turn/annotations.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>

#include <tuple>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::chrono::milliseconds storage_pause{250};
constexpr std::size_t most_listed = 1'000;
constexpr std::string_view follows_a_dead_one = "an earlier send of its order is dead";

}  // namespace

// A refusal means this conversation, or the bot. Which of them shows within a while by what happens to others. Until
// then it waits in the store, as one that has not arrived; here it is only remembered that it was refused. Without that
// it is tried again.
void Scheduler::suspend_judgement(const DueEntry& entry, const ScheduledSend& send, std::string reason) {
  if (stopped_ || !is_still_mine(entry)) {
    postpone(entry, send, entry.due);  // the next owner judges
    return;
  }
  if (has_room_for_refused()) {
    refused_.insert_or_assign(entry.id,
                              Refused{entry.generation, entry.epoch, send.attempt, clock_.now(), std::move(reason)});
  }
  postpone(entry, send, clock_.wall_now() + Limiter::refusals_time);
}

bool Scheduler::has_room_for_refused() {
  if (refused_.size() >= options_.waiting) {
    // Their slots went, or they were cancelled by a reply.
    const auto old = clock_.now() - 2 * Limiter::refusals_time;
    std::erase_if(refused_, [&](const auto& one) { return one.second.since < old; });
  }
  return refused_.size() < options_.waiting;
}

// True when it ended here, or is put off: it was refused a while ago.
bool Scheduler::is_judged(const DueEntry& entry, const ScheduledSend& send) {
  const auto found = refused_.find(entry.id);
  if (found == refused_.end()) {
    return false;
  }
  const auto judged_at = found->second.since + Limiter::refusals_time;
  if (found->second.generation == entry.generation && clock_.now() < judged_at) {
    // The clock was set forward.
    postpone(entry, send, clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(judged_at - clock_.now()));
    return true;
  }
  const auto refused = std::move(refused_.extract(found).mapped());
  // Another owner may have tried it since, or this one may have had it again.
  const bool is_it = refused.generation == entry.generation && refused.epoch == entry.epoch &&
                     refused.attempt == send.attempt && is_still_mine(entry);
  if (!is_it || options_.limiter->in_doubt(options_.limiter->scope_of(send.reference), refused.since)) {
    return false;  // the bot may have been meant: it is tried again
  }
  bury(entry, send, refused.reason);
  return true;
}

void Scheduler::bury(const DueEntry& entry, const ScheduledSend& send, std::string reason) {
  figures_.given_up(reason);
  log::warn("a scheduled send is dead", {{"send", send.handle.to_string()},
                                         {"activity", detail::Annotations::trace_of(send.annotations)},
                                         {"reason", reason}});
  SendOutcome outcome(SendOutcome::Kind::dead, send.handle, send.generation, lease_of(entry));
  outcome.attempt = send.attempt + 1;
  outcome.reason = std::move(reason);
  if (outcome.reason == conversation_gone) {
    sends_.on_conversation_gone(send);  // and a recurring one comes no more
  } else {
    set_next(outcome, send);
  }
  auto note = note_of(send, outcome);
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
      for (std::size_t i = 1; i < buried; ++i) {
        figures_.given_up(follows_a_dead_one);
      }
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
      outcome.reason = std::string(follows_a_dead_one) + ": " + first.to_string();
      burial.outcomes.push_back(std::move(outcome));
    }
    query.after = page.next;
  } while (!query.after.empty());
}

}  // namespace tern::proactive
