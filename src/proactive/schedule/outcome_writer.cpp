#include "proactive/schedule/outcome_writer.hpp"

#include "proactive/schedule/storage_failure.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <exception>
#include <set>
#include <string_view>
#include <utility>

namespace tern::proactive {

OutcomeWriter::OutcomeWriter(executor ex, AnyStorage storage, Clock& clock, const Options& options, Counter refused,
                             Listener& listener)
    : ex_(std::move(ex)),
      storage_(std::move(storage)),
      clock_(clock),
      options_(options),
      refused_(refused),
      listener_(listener) {}

void OutcomeWriter::add(Unrecorded one) {
  outcomes_.push_back(std::move(one));
  flush();
}

void OutcomeWriter::flush() {
  if (writing_ || outcomes_.empty()) {
    return;
  }
  writing_ = true;
  asio::co_spawn(ex_, write_all(), [this](std::exception_ptr error) {
    writing_ = false;
    if (error) {
      log::error("outcomes could not be written", {{"error", detail::describe(error)}});
    } else {
      flush();  // one may have come between the writer's last look and its end
    }
    listener_.on_rest();
  });
}

OutcomeWriter::Batch OutcomeWriter::first_batch() const {
  Batch batch;
  std::set<std::string_view> noted;  // a key stands once in a write: a second note of it begins the next
  const auto most = std::min(outcomes_.size(), options_.batch);
  for (; batch.count < most; ++batch.count) {
    const auto& one = outcomes_[batch.count];
    if (one.note && !noted.insert(one.note->key).second) {
      break;
    }
    batch.changes.outcomes.push_back(one.outcome);
    if (one.note) {
      batch.changes.upserts.push_back(*one.note);
    }
  }
  return batch;
}

awaitable<void> OutcomeWriter::write_all() {
  while (!outcomes_.empty()) {
    auto batch = first_batch();
    const auto by = Deadline::after(options_.storage_timeout, clock_);
    std::exception_ptr error;
    std::vector<std::size_t> refused;
    try {
      auto written = co_await storage_.write(std::move(batch.changes), by);
      if (written.has_value()) {
        refused = std::move(written->refused);
      }
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted) {
        throw;
      }
      error = std::current_exception();
      if (e.code() == errc::invalid_argument) {
        // The store takes no such document, now or later: the outcomes go without.
        std::for_each(outcomes_.begin(), outcomes_.end(), [](Unrecorded& one) { one.note.reset(); });
      }
    }
    if (error) {
      log::warn("outcomes could not be written; it is tried again", {{"error", detail::describe(error)}});
      Timer timer(clock_, ex_);
      co_await timer.wait_for(storage_pause);
      continue;
    }
    refused_.inc(static_cast<double>(refused.size()));
    recorded(batch.count, refused);
  }
}

void OutcomeWriter::recorded(std::size_t count, const std::vector<std::size_t>& refused) {
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_refused = std::find(refused.begin(), refused.end(), i) != refused.end();
    listener_.on_recorded(outcomes_[i], is_refused);
  }
  outcomes_.erase(outcomes_.begin(), outcomes_.begin() + static_cast<std::ptrdiff_t>(count));
  listener_.on_batch_recorded();
}

SlotSet OutcomeWriter::slots() const noexcept {
  SlotSet slots;
  for (const auto& one : outcomes_) {
    slots.set(one.outcome.handle.slot);
  }
  return slots;
}

}  // namespace tern::proactive
