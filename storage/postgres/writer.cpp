#include "lane_work.hpp"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

namespace tern::detail::pg {

namespace {

constexpr std::size_t max_batch_bytes = 4U << 20;  // what a statement holds several times over, here and in the server
constexpr int tries_together = 4;
constexpr int tries_alone = 12;

std::vector<const StoreChanges*> changes_of(const std::vector<WriteLane::Ticket*>& tickets) {
  std::vector<const StoreChanges*> changes;
  changes.reserve(tickets.size());
  for (const auto* ticket : tickets) {
    changes.push_back(&ticket->request.changes);
  }
  return changes;
}

// The receipts that callers have made room for. A write that is tried again makes its own.
std::vector<StoreReceipt> receipts_of(const std::vector<WriteLane::Ticket*>& tickets) {
  std::vector<StoreReceipt> receipts;
  receipts.reserve(tickets.size());
  for (auto* ticket : tickets) {
    receipts.push_back(std::exchange(ticket->request.receipt, {}));
  }
  return receipts;
}

// Whether a key whose eTag is `etag`, or that is absent when that is "", is as expected.
bool holds(const Expect& expect, const std::string& etag) {
  return expect.is_any() || (expect.is_absent() ? etag.empty() : !etag.empty() && expect.value() == etag);
}

bool may_be_one_write_alone(FailureKind kind) noexcept {
  return kind == FailureKind::race || kind == FailureKind::input;
}

}  // namespace

void WrittenKeys::note(const StoreChanges& changes, const StoreReceipt& receipt) {
  for (std::size_t i = 0; i < changes.upserts.size(); ++i) {
    etags_[changes.upserts[i].key] = receipt.etags[i];
  }
  for (const auto& removal : changes.removals) {
    etags_[removal.key].clear();
  }
}

std::optional<StoreConflict> WrittenKeys::conflict_of(const StoreChanges& changes) const {
  StoreConflict conflict;
  const auto is_known = [&](const std::string& key, const Expect& expect) {
    const auto known = etags_.find(key);
    if (known != etags_.end() && !holds(expect, known->second)) {
      conflict.keys.push_back(key);
    }
    return known != etags_.end();
  };
  for (const auto& upsert : changes.upserts) {
    if (!is_known(upsert.key, upsert.expect)) {
      return std::nullopt;
    }
  }
  for (const auto& removal : changes.removals) {
    if (!is_known(removal.key, removal.expect)) {
      return std::nullopt;
    }
  }
  return conflict.keys.empty() ? std::nullopt : std::optional(std::move(conflict));
}

void Writer::serve(WriteLane::Batch batch) {
  counters_.writes += batch.size();
  Tickets documents;
  Tickets schedule;
  for (auto& ticket : batch) {
    const auto& changes = ticket.request.changes;
    const bool is_more = ScheduleBatch::concerns(changes) || !changes.hints.empty();
    (is_more ? schedule : documents).push_back(&ticket);
  }
  serve_documents(std::move(documents));
  serve_schedule(std::move(schedule));
}

void Writer::serve_documents(Tickets tickets) {
  written_ = WrittenKeys();
  careful_.clear();
  while (!tickets.empty()) {
    write_some(tickets);
    std::erase_if(tickets, [this](auto* ticket) { return ticket->answered() || answer_from_written(*ticket); });
  }
}

bool Writer::answer_from_written(WriteLane::Ticket& ticket) {
  auto conflict = written_.conflict_of(ticket.request.changes);
  if (conflict) {
    ticket.succeed(std::move(*conflict));
  }
  return conflict.has_value();
}

void Writer::write_some(const Tickets& tickets) {
  constexpr std::size_t worth_a_transaction = 16;
  const auto changes = changes_of(tickets);
  WriteBatch batch(changes, max_batch_bytes);
  std::vector<bool> updates;
  for (const auto i : batch.taken()) {
    updates.push_back(!careful_.contains(tickets[i]) && WriteBatch::is_update(*changes[i]));
  }
  const auto count = static_cast<std::size_t>(std::count(updates.begin(), updates.end(), true));
  const bool updating = count == updates.size() || count >= worth_a_transaction;
  if (updating) {
    batch.keep(updates);
  }
  Tickets together;
  auto by = SteadyTime::max();
  for (const auto i : batch.taken()) {
    together.push_back(tickets[i]);
    by = std::min(by, tickets[i]->request.by);
  }
  more_ = together.size() < tickets.size();
  if (updating) {
    update(together, batch, cut_time(by, options_));
  } else {
    write(together, batch, cut_time(by, options_));
  }
}

void Writer::update(const Tickets& tickets, const WriteBatch& batch, SteadyTime cut_at) {
  try {
    const auto result = session_.execute(statements_.update, batch.update_parameters(), cut_at);
    ++counters_.write_batches;
    auto answers = batch.update_answers(result, receipts_of(tickets));
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      if (answers[i]) {
        answer(*tickets[i], std::move(*answers[i]));
      } else {
        careful_.insert(tickets[i]);
      }
    }
  } catch (const Failure& failure) {
    if (may_be_one_write_alone(failure.kind())) {
      careful_.insert(tickets.begin(), tickets.end());
    } else {
      fail(tickets, failure);
    }
  }
}

void Writer::write(const Tickets& tickets, const WriteBatch& batch, SteadyTime cut_at) {
  try {
    write_together(tickets, batch, cut_at);
  } catch (const Failure& failure) {
    if (tickets.size() > 1 && may_be_one_write_alone(failure.kind())) {
      for (auto* ticket : tickets) {
        write_alone(*ticket);
      }
    } else {
      fail(tickets, failure);
    }
  }
}

void Writer::answer(WriteLane::Ticket& ticket, WriteAnswer answer) {
  if (more_ && answer.has_value()) {
    written_.note(ticket.request.changes, *answer);
  }
  ticket.succeed(std::move(answer));
}

void Writer::fail(const Tickets& tickets, const Failure& failure) {
  const auto error = error_for(failure, true);
  for (auto* ticket : tickets) {
    ticket->fail(error);
  }
}

void Writer::write_together(const Tickets& tickets, const WriteBatch& batch, SteadyTime cut_at) {
  const int most = tickets.size() > 1 ? tries_together : tries_alone;
  const auto parameters = batch.parameters();
  for (int tried = 1;; ++tried) {
    try {
      const auto result = session_.execute(statements_.write, parameters, cut_at);
      ++counters_.write_batches;
      auto answers = batch.answers(result, receipts_of(tickets));
      for (std::size_t i = 0; i < tickets.size(); ++i) {
        answer(*tickets[i], std::move(answers[i]));
      }
      return;
    } catch (const Failure& failure) {
      if (failure.kind() != FailureKind::race || !wait_after_race(tried, most, cut_at)) {
        throw;
      }
    }
  }
}

void Writer::write_alone(WriteLane::Ticket& ticket) {
  const Tickets tickets{&ticket};
  const auto changes = changes_of(tickets);
  const WriteBatch batch(changes, max_batch_bytes);
  try {
    write_together(tickets, batch, cut_time(ticket.request.by, options_));
  } catch (const Failure& failure) {
    ticket.fail(error_for(failure, true));
  }
}

bool Writer::wait_after_race(int tried, int most, SteadyTime until) {
  if (tried >= most) {
    return false;
  }
  // Full jitter: two that collided do not meet again.
  const int longest_us = std::min(500 << tried, 50'000);
  // Made by the first race of a thread: in a virtual machine that may take longer than a batch.
  thread_local std::minstd_rand random(std::random_device{}());
  const std::chrono::microseconds pause(random() % static_cast<unsigned>(longest_us));
  if (std::chrono::steady_clock::now() + pause >= until) {
    return false;
  }
  ++counters_.retries;
  std::this_thread::sleep_for(pause);
  return true;
}

}  // namespace tern::detail::pg
