#include "proactive/schedule/strict_burial.hpp"

#include "proactive/schedule/storage_failure.hpp"
#include "turn/annotations.hpp"

#include <tern/async/timer.hpp>

#include <exception>
#include <tuple>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::size_t most_listed = 1'000;

}  // namespace

StrictBurial::StrictBurial(executor ex, AnyStorage storage, Clock& clock, const SlotLeases& slots,
                           std::chrono::milliseconds storage_timeout)
    : ex_(std::move(ex)),
      storage_(std::move(storage)),
      clock_(clock),
      slots_(slots),
      storage_timeout_(storage_timeout) {}

awaitable<std::size_t> StrictBurial::bury(DueEntry entry, std::string order_key, StoreChanges burial) {
  while (slots_.is_still_mine(entry)) {
    std::exception_ptr error;
    try {
      auto changes = burial;
      co_await add_followers(entry, order_key, changes);
      const auto followed = changes.outcomes.size() - burial.outcomes.size();
      (void)co_await storage_.write(std::move(changes), Deadline::after(storage_timeout_, clock_));
      co_return followed;
    } catch (...) {
      error = failure_of_storage();  // whatever it is: the key must be free in the end
    }
    log::warn("strict sends could not be given up; it is tried again", {{"error", detail::describe(error)}});
    Timer pause(clock_, ex_);
    co_await pause.wait_for(storage_pause);
  }
  co_return 0;
}

awaitable<void> StrictBurial::add_followers(DueEntry entry, std::string order_key, StoreChanges& burial) {
  const auto first = burial.outcomes.front();
  SendQuery query;
  query.order_key = std::move(order_key);
  query.limit = most_listed;
  do {
    const auto page = co_await storage_.list_sends(query, Deadline::after(storage_timeout_, clock_));
    for (const auto& send : page.sends) {
      const bool follows = std::tie(send.handle.due, send.seq) > std::tie(first.handle.due, entry.seq);
      if (!follows || !detail::Annotations::is_strict(send.annotations)) {
        continue;
      }
      SendOutcome outcome(SendOutcome::Kind::dead, send.handle, send.generation, first.lease);
      outcome.attempt = send.attempt;
      outcome.reason = std::string(follows_a_dead_one) + ": " + first.handle.to_string();
      burial.outcomes.push_back(std::move(outcome));
    }
    query.after = page.next;
  } while (!query.after.empty());
}

}  // namespace tern::proactive
