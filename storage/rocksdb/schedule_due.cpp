#include "range.hpp"
#include "schedule_reader.hpp"

#include <algorithm>
#include <utility>

// The due sends of a slot.

namespace tern::detail::rocks {

namespace {

// Deleted records lie before the lower bound of their slot. The bound stays this far behind the clock, so that no new
// send comes before it unless the clock is set back.
constexpr std::chrono::seconds bound_behind{60};

// The most entries that one page takes, whatever was asked for.
constexpr std::size_t most_in_page = 4096;

Place place_of(const DueEntry& entry) noexcept {
  return {entry.due, entry.seq};
}

}  // namespace

/// The entries of a slot after a place and before a time, in order: those that wait for a retry, and the rest.
class ScheduleReader::DueRows {
 public:
  DueRows(const ScheduleReader& reader, const DueQuery& query)
      : reader_(reader),
        slot_(query.lease.slot),
        after_{query.from, query.after_seq},
        // Rounded up: a send that is due in the microsecond in which the query ends is before its end.
        until_(due_key(slot_, Place{std::chrono::ceil<std::chrono::microseconds>(query.until), 0})),
        fresh_(reader.database_.db(), reader.database_.schedule().due,
               due_key(slot_, std::max(after_, reader.bounds_.low(slot_))), until_),
        retries_(reader.database_.db(), reader.database_.schedule().retry, due_key(slot_, after_), until_) {
    find_fresh();
    find_retry();
  }

  bool has_next() const noexcept { return next_fresh_ || next_retry_; }

  /// Preconditions: `has_next`.
  DueEntry next() {
    const bool takes_retry = !next_fresh_ || (next_retry_ && place_of(*next_retry_) < place_of(*next_fresh_));
    if (takes_retry) {
      const auto entry = *std::exchange(next_retry_, std::nullopt);
      find_retry();
      return entry;
    }
    const auto entry = *std::exchange(next_fresh_, std::nullopt);
    find_fresh();
    return entry;
  }

  void require_read() {
    for (auto* range : {&fresh_, &retries_}) {
      if (!range->rows().status().ok()) {
        reader_.fail(range->rows().status());
      }
    }
  }

 private:
  // The next that does not wait for a retry.
  void find_fresh() {
    auto& rows = fresh_.rows();
    for (; rows.Valid() && !next_fresh_; rows.Next()) {
      const auto place = place_of_due_key(view(rows.key()));
      const auto found = decode_waiting(view(rows.value()), place.value_or(Place{}));
      if (!found) {
        reader_.fail_unknown();
      }
      if (!found->is_retry && place_of(found->entry) > after_) {
        next_fresh_ = found->entry;
      }
    }
  }

  // The record is of now and the key of when the page was begun. One that has changed since has no place in the page,
  // whose last entry says how far its owner has got; whoever has changed it knows, or is told.
  void find_retry() {
    auto& rows = retries_.rows();
    for (; rows.Valid() && !next_retry_; rows.Next()) {
      const auto place = decode_place(view(rows.value()));
      const auto row = place ? reader_.row_at(slot_, *place) : std::nullopt;
      const auto entry = row ? entry_of(row->send, row->place) : DueEntry();
      const bool as_its_key =
          row && is_retry(row->send, row->place) && retry_key(slot_, entry.due, entry.seq) == view(rows.key());
      if (as_its_key && place_of(entry) > after_) {
        next_retry_ = entry;
      }
    }
  }

  const ScheduleReader& reader_;
  const std::uint16_t slot_;
  const Place after_;
  const std::string until_;
  Range fresh_;
  Range retries_;
  std::optional<DueEntry> next_fresh_;
  std::optional<DueEntry> next_retry_;
};

// A search from the bound meets only what was deleted since the last one, which is what keeps it short.
void ScheduleReader::move_low(std::uint16_t slot) {
  bounds_.begin_search(slot);
  Range range(database_.db(), database_.schedule().due, due_key(slot, bounds_.low(slot)), due_begin(slot + 1));
  auto& rows = range.rows();
  Place first{clock_.wall_now() - bound_behind, 0};
  if (rows.Valid()) {
    const auto place = place_of_due_key(view(rows.key()));
    if (place) {
      first = std::min(first, *place);
    }
  } else if (!rows.status().ok()) {
    fail(rows.status());
  }
  bounds_.end_search(slot, first);
}

DuePage ScheduleReader::load_due(const DueQuery& query) {
  DuePage page;
  if (!claims_.is_held_by(query.lease)) {
    return page;
  }
  move_low(query.lease.slot);
  // Before the bound and the rows are read: what is committed from now on is told, wherever it stands.
  claims_.note_loaded(query.lease, query.until);
  if (query.until <= query.from) {
    return page;
  }
  DueRows rows(*this, query);
  const auto limit = std::min(query.limit, most_in_page);
  while (rows.has_next() && page.entries.size() < limit) {
    page.entries.push_back(rows.next());
  }
  page.more = rows.has_next();
  rows.require_read();
  return page;
}

}  // namespace tern::detail::rocks
