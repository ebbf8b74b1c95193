#include "storage/split_storage.hpp"

#include "storage/idempotency_rule.hpp"
#include "storage/validate.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace tern {

/// Room for the sends of one write, from before its documents are written until its sends are.
class SplitStorage::Room {
 public:
  Room(std::atomic<std::uint64_t>& all, std::uint64_t sends)
      : all_(all), sends_(sends), taken_(all.fetch_add(sends) + sends) {}
  ~Room() { all_.fetch_sub(sends_); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// All that was set aside, this included, when it was.
  std::uint64_t taken() const noexcept { return taken_; }

 private:
  std::atomic<std::uint64_t>& all_;
  std::uint64_t sends_;
  std::uint64_t taken_;
};

namespace {

struct Scheduled {
  StoreReceipt receipt;
  std::exception_ptr error;
};

// The documents are written: a send whose key another write has taken meanwhile is dropped as known, and said to be.
void take_for_known(StoreChanges& changes, const std::vector<KnownSend>& refused) {
  for (const auto& [place, known] : refused) {
    auto& send = changes.sends.at(place);
    send.key_is_new = false;
    send.digest = {};
    log::warn("a send was not stored, since another one with its idempotency key came at the same moment",
              {{"handle", known.handle.to_string()}});
  }
}

awaitable<Scheduled> attempt(AnyStorage store, StoreChanges changes) {
  Scheduled outcome;
  try {
    auto written = co_await store.write(changes, Deadline::never());
    while (!written) {
      if (written.error().sends.empty()) {
        throw_error(errc::conflict, "A write without documents was refused by the store of pending sends.");
      }
      take_for_known(changes, written.error().sends);
      written = co_await store.write(changes, Deadline::never());
    }
    outcome.receipt = std::move(*written);
  } catch (...) {
    outcome.error = std::current_exception();
  }
  co_return outcome;
}

StoreChanges take_schedule(StoreChanges& changes) {
  StoreChanges schedule;
  schedule.sends = std::move(changes.sends);
  schedule.edits = std::move(changes.edits);
  schedule.outcomes = std::move(changes.outcomes);
  schedule.keys = std::move(changes.keys);
  schedule.dead = std::move(changes.dead);
  changes.sends.clear();
  changes.edits.clear();
  changes.outcomes.clear();
  changes.keys.clear();
  changes.dead.clear();
  return schedule;
}

void join(StoreReceipt& receipt, StoreReceipt schedule) {
  receipt.handles = std::move(schedule.handles);
  receipt.seqs = std::move(schedule.seqs);
  receipt.edits = std::move(schedule.edits);
  receipt.edit_handles = std::move(schedule.edit_handles);
  receipt.refused = std::move(schedule.refused);
}

}  // namespace

SplitStorage::SplitStorage(AnyStorage documents, AnyStorage schedule, std::uint64_t max_sends)
    : documents_(std::move(documents)),
      schedule_(std::move(schedule)),
      max_sends_(max_sends),
      set_aside_(std::make_unique<std::atomic<std::uint64_t>>(0)) {
  if (!schedule_.schedules()) {
    throw_error(errc::invalid_argument, "The store \"" + std::string(schedule_.traits().name) +
                                            "\" keeps no schedule; give SplitStorage one that does.");
  }
}

awaitable<void> SplitStorage::open(Deadline by) {
  co_await documents_.open(by);
  co_await schedule_.open(by);
  const auto traits = documents_.traits();
  if (traits.durable && !schedule_.traits().durable) {
    log::warn("pending sends are kept in memory only and do not survive a restart; state does",
              {{"storage", traits.name}});
  }
}

awaitable<SplitStorage::Written> SplitStorage::write(StoreChanges changes, Deadline by) {
  if (changes.sends.empty() && changes.edits.empty() && changes.outcomes.empty() && changes.keys.empty() &&
      changes.dead.empty()) {
    return documents_.write(std::move(changes), by);
  }
  if (changes.sends.empty() && changes.upserts.empty() && changes.removals.empty()) {
    return schedule_.write(std::move(changes), by);
  }
  return write_with_schedule(std::move(changes), by);
}

awaitable<std::vector<KnownSend>> SplitStorage::refused(const std::vector<ScheduledSend>& sends, Deadline by) {
  std::vector<KnownSend> refused;
  for (std::size_t i = 0; i < sends.size(); ++i) {
    const auto& send = sends[i];
    if (detail::key_to_take(send).empty() || (!send.key_is_new && send.digest == SendDigest{})) {
      continue;
    }
    SendQuery query;
    query.idempotency_key = send.idempotency_key;
    auto page = co_await schedule_.list_sends(std::move(query), by);
    if (page.known && detail::is_refused(send.key_is_new, send.digest, page.known->digest)) {
      refused.push_back({i, *page.known});
    }
  }
  co_return refused;
}

awaitable<SplitStorage::Written> SplitStorage::write_with_schedule(StoreChanges changes, Deadline by) {
  // A write that either store would refuse is refused before the other has written.
  detail::require_valid(changes);
  const Room room(*set_aside_, changes.sends.size());
  if (!changes.sends.empty()) {
    // Counted after the room was taken, so that the sends of another write are in one figure or in both.
    const auto counts = co_await schedule_.count_sends(by);
    if (counts.pending + room.taken() > max_sends_) {
      throw_error(errc::overloaded, "There are " + std::to_string(counts.pending) + " pending sends and room for " +
                                        std::to_string(max_sends_) + "; nothing was written. Raise the limit.");
    }
  }
  if (changes.upserts.empty() && changes.removals.empty()) {
    auto scheduled = co_await schedule_.write(std::move(changes), by);
    co_return scheduled;
  }
  auto known = co_await refused(changes.sends, by);
  if (!known.empty()) {
    co_return StoreConflict{{}, std::move(known)};
  }
  auto schedule = take_schedule(changes);
  auto written = co_await documents_.write(std::move(changes), by);
  if (!written) {
    co_return written;
  }
  // The second half of what has begun: neither a cancellation nor a deadline keeps it from its end.
  const bool throwing = co_await this_coro::throw_if_cancelled();
  co_await this_coro::throw_if_cancelled(false);
  auto scheduled = co_await attempt(schedule_, std::move(schedule));
  co_await this_coro::throw_if_cancelled(throwing);
  if (scheduled.error) {
    std::rethrow_exception(scheduled.error);
  }
  join(*written, std::move(scheduled.receipt));
  co_return written;
}

awaitable<void> SplitStorage::close(Deadline by) {
  std::exception_ptr error;
  try {
    co_await schedule_.close(by);
  } catch (...) {
    error = std::current_exception();
  }
  co_await documents_.close(by);
  if (error) {
    std::rethrow_exception(error);
  }
}

}  // namespace tern
