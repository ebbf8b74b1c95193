#include "lane_work.hpp"

#include <algorithm>
#include <thread>

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
  Tickets tickets;
  tickets.reserve(batch.size());
  for (auto& ticket : batch) {
    tickets.push_back(&ticket);
  }
  written_ = WrittenKeys();
  while (!tickets.empty()) {
    tickets = write_some(tickets);
    std::erase_if(tickets, [this](auto* ticket) { return answer_from_written(*ticket); });
  }
}

bool Writer::answer_from_written(WriteLane::Ticket& ticket) {
  auto conflict = written_.conflict_of(ticket.request.changes);
  if (conflict) {
    ticket.succeed(std::move(*conflict));
  }
  return conflict.has_value();
}

Writer::Tickets Writer::write_some(const Tickets& tickets) {
  const auto changes = changes_of(tickets);
  const WriteBatch batch(changes, max_batch_bytes);
  Tickets together;
  Tickets left;
  together.reserve(batch.taken().size());
  auto by = SteadyTime::max();
  auto taken = batch.taken().begin();
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    if (taken != batch.taken().end() && *taken == i) {
      ++taken;
      together.push_back(tickets[i]);
      by = std::min(by, tickets[i]->request.by);
    } else {
      left.push_back(tickets[i]);
    }
  }
  const auto cut_at = cut_time(by, options_);
  try {
    write_together(together, batch, cut_at, !left.empty());
  } catch (const Failure& failure) {
    if (together.size() > 1 && may_be_one_write_alone(failure.kind())) {
      for (auto* ticket : together) {
        write_alone(*ticket);
      }
    } else {
      const auto error = error_for(failure, true);
      for (auto* ticket : together) {
        ticket->fail(error);
      }
    }
  }
  return left;
}

void Writer::write_together(const Tickets& tickets, const WriteBatch& batch, SteadyTime cut_at, bool more) {
  const int most = tickets.size() > 1 ? tries_together : tries_alone;
  const auto parameters = batch.parameters();
  for (int tried = 1;; ++tried) {
    try {
      const auto result = session_.execute(statements_.write, parameters, cut_at);
      ++counters_.write_batches;
      auto answers = batch.answers(result);
      for (std::size_t i = 0; i < tickets.size(); ++i) {
        if (more && answers[i].has_value()) {
          written_.note(tickets[i]->request.changes, *answers[i]);
        }
        tickets[i]->succeed(std::move(answers[i]));
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
    write_together(tickets, batch, cut_time(ticket.request.by, options_), false);
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
  const std::chrono::microseconds pause(random_() % static_cast<unsigned>(longest_us));
  if (std::chrono::steady_clock::now() + pause >= until) {
    return false;
  }
  ++counters_.retries;
  std::this_thread::sleep_for(pause);
  return true;
}

}  // namespace tern::detail::pg
