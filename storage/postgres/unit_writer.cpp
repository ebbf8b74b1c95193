#include "lane_work.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <optional>

namespace tern::detail::pg {

namespace {

constexpr std::size_t max_batch_bytes = 4U << 20;
constexpr int tries_together = 4;
constexpr int tries_alone = 12;

std::size_t bytes_of(const StoreChanges& changes) noexcept {
  std::size_t bytes = 0;
  for (const auto& send : changes.sends) {
    bytes += send.payload.size() + send.reference.size() + send.annotations.size();
  }
  return bytes;
}

// As many as go into one transaction: the first, and those after it whose documents' keys are not taken yet.
std::vector<WriteLane::Ticket*> first_of(const std::vector<WriteLane::Ticket*>& tickets) {
  std::vector<const StoreChanges*> changes;
  std::size_t bytes = 0;
  for (const auto* ticket : tickets) {
    bytes += bytes_of(ticket->request.changes);
    if (!changes.empty() && bytes > max_batch_bytes) {
      break;
    }
    changes.push_back(&ticket->request.changes);
  }
  std::vector<WriteLane::Ticket*> together;
  const WriteBatch documents(changes, max_batch_bytes);
  for (const auto i : documents.taken()) {
    together.push_back(tickets[i]);
  }
  return together;
}

SteadyTime earliest_of(const std::vector<WriteLane::Ticket*>& tickets) {
  auto by = SteadyTime::max();
  for (const auto* ticket : tickets) {
    by = std::min(by, ticket->request.by);
  }
  return by;
}

// The write that is misuse fails alone; the others come again.
void fail_misuse(const std::vector<WriteLane::Ticket*>& tickets, const Misuse& misuse) {
  for (auto* ticket : tickets) {
    if (&ticket->request.changes == misuse.changes()) {
      ticket->fail(std::make_exception_ptr(Error(errc::invalid_argument, misuse.what())));
    }
  }
}

// Likewise, all that are refused at once.
void answer_refused(const std::vector<WriteLane::Ticket*>& tickets, const Refused& refused) {
  for (auto* ticket : tickets) {
    if (const auto write = refused.writes().find(&ticket->request.changes); write != refused.writes().end()) {
      ticket->succeed(StoreConflict{{}, write->second});
    }
  }
}

// Of writes that met no conflict.
std::vector<std::string> topics_of(const std::vector<ScheduleBatch::Part>& parts) {
  std::vector<std::string> topics;
  for (const auto& part : parts) {
    topics.insert(topics.end(), part.changes->hints.begin(), part.changes->hints.end());
  }
  return topics;
}

}  // namespace

void Writer::serve_schedule(Tickets tickets) {
  while (!tickets.empty()) {
    write_units(first_of(tickets));
    std::erase_if(tickets, [](const auto* ticket) { return ticket->answered(); });
  }
}

void Writer::write_units(const Tickets& tickets) {
  const auto cut_at = cut_time(earliest_of(tickets), options_);
  const int most = tickets.size() > 1 ? tries_together : tries_alone;
  for (int tried = 1;; ++tried) {
    try {
      write_units_once(tickets, cut_at);
      return;
    } catch (const Misuse& misuse) {
      return fail_misuse(tickets, misuse);
    } catch (const Refused& refused) {
      return answer_refused(tickets, refused);
    } catch (const Failure& failure) {
      if (failure.kind() == FailureKind::race) {
        schedule_.weeks.forget_all();
        if (wait_after_race(tried, most, cut_at)) {
          continue;
        }
      }
      const bool may_be_one = failure.kind() == FailureKind::race || failure.kind() == FailureKind::input;
      if (tickets.size() == 1 || !may_be_one) {
        return fail(tickets, failure);
      }
      for (auto* ticket : tickets) {
        write_units({ticket});
      }
      return;
    }
  }
}

// The documents of a transaction. A write whose documents met a conflict does nothing else either.
std::vector<WriteAnswer> Writer::write_documents_of(const std::vector<const StoreChanges*>& changes,
                                                    SteadyTime cut_at) {
  const bool with_documents = std::any_of(changes.begin(), changes.end(), [](const StoreChanges* write) {
    return !write->upserts.empty() || !write->removals.empty();
  });
  if (!with_documents) {
    return std::vector<WriteAnswer>(changes.size(), StoreReceipt());
  }
  const WriteBatch documents(changes, max_batch_bytes);
  const auto result = session_.execute(statements_.write, documents.parameters(), cut_at);
  return documents.answers(result, std::vector<StoreReceipt>(changes.size()));
}

void Writer::write_units_once(const Tickets& tickets, SteadyTime cut_at) {
  std::vector<const StoreChanges*> changes;
  for (const auto* ticket : tickets) {
    changes.push_back(&ticket->request.changes);
  }
  const bool notifies =
      std::any_of(changes.begin(), changes.end(), [](const StoreChanges* write) { return !write->hints.empty(); }) &&
      hints_.works(session_, cut_at);
  ScheduleBatch schedule(session_, schedule_, lane_, cut_at);
  schedule.prepare(changes);
  session_.begin(cut_at);
  std::vector<WriteAnswer> answers;
  try {
    answers = write_documents_of(changes, cut_at);
    std::vector<ScheduleBatch::Part> parts;
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      if (answers[i].has_value()) {
        parts.push_back({changes[i], &*answers[i]});
      }
    }
    schedule.look_up(parts);
    for (const auto& part : parts) {
      schedule.apply(part);
    }
    schedule.store();
    if (notifies) {
      hints_.notify(session_, topics_of(parts), cut_at);
    }
    session_.commit(cut_at);
  } catch (...) {
    session_.rollback(cut_at);
    throw;
  }
  ++counters_.write_batches;
  schedule.finish();
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    tickets[i]->succeed(std::move(answers[i]));
  }
}

}  // namespace tern::detail::pg
