#include "schedule_reader.hpp"

#include "binary_array.hpp"
#include "storage/estimate_over_slots.hpp"
#include "storage/idempotency_age.hpp"
#include "storage/process_name.hpp"
#include "storage/validate.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <tuple>

namespace tern::detail::pg {

namespace {

// The most entries that one page takes, whatever was asked for.
constexpr std::size_t most_in_page = 4096;
constexpr std::size_t most_late = 1'000;  // some 25 ms of the server's time

constexpr std::int64_t most_dead = 100'000;

/// A value as a parameter in the binary format; libpqxx keeps a copy.
template <class Integer>
pqxx::binarystring scalar(Integer value) {
  std::string bytes;
  append_binary(bytes, value);
  return {bytes.data(), bytes.size()};
}

pqxx::binarystring scalar(const std::string& text) {
  return {text.data(), text.size()};
}

std::int64_t limited(std::uint64_t number) noexcept {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

struct LeaseArrays {
  explicit LeaseArrays(const std::vector<SlotLease>& leases)
      : slots(ElementType::int4, leases.size()), epochs(ElementType::int8, leases.size()) {
    for (const auto& lease : leases) {
      slots.add_integer(static_cast<std::int32_t>(lease.slot));
      epochs.add_integer(to_signed(lease.epoch));
    }
  }
  Session::Parameters parameters() const { return {slots.parameter(), epochs.parameter()}; }

  BinaryArray slots;
  BinaryArray epochs;
};

// Reads seq, order key, id, generation and attempt, which follow the time in a row of the window.
DueEntry entry_of(const pqxx::row& row, WallTime due, std::uint16_t slot) {
  DueEntry entry;
  entry.due = due;
  entry.slot = slot;
  entry.seq = static_cast<std::uint64_t>(number_of(row[1]));
  entry.order_hash = order_hash_of(text_of(row[2]));
  entry.id = id_of(row[3]);
  entry.generation = static_cast<std::uint32_t>(number_of(row[4]));
  entry.attempt = storage::ScheduleRules::entry_attempt(static_cast<std::uint32_t>(number_of(row[5])));
  return entry;
}

SendPage page_of(const pqxx::result& rows, std::size_t limit) {
  SendPage page;
  const auto count = std::min<std::size_t>(rows.size(), limit);
  page.sends.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    page.sends.push_back(send_of(rows[static_cast<pqxx::result::size_type>(i)]));
  }
  if (rows.size() > count) {
    const auto& last = page.sends.back();
    page.next = SendPlace{last.handle.due, last.seq}.to_string();
  }
  return page;
}

}  // namespace

// A process that is started again after `kill -9` need not wait for the lease of the one before it.
void ScheduleReader::end_leases_of_the_dead() {
  std::vector<std::string> ended;
  for (const auto& row : run(statements().owners_of_slots, {})) {
    auto owner = text_of(row[0]);
    if (storage::is_ended_neighbour(owner)) {
      ended.push_back(std::move(owner));
    }
  }
  if (ended.empty()) {
    return;
  }
  BinaryArray names(ElementType::text, ended.size());
  for (const auto& name : ended) {
    names.add(name);
  }
  run(statements().end_leases, {names.parameter()});
}

HeldSlots ScheduleReader::hold(const std::string& owner, std::uint16_t want, std::chrono::milliseconds lease,
                               SteadyTime asked_at) {
  const auto length = scalar(static_cast<std::int64_t>(lease.count()));
  end_leases_of_the_dead();
  HeldSlots held;
  std::vector<std::uint16_t> taken;
  for (const auto& row : run(statements().hold, {scalar(owner), scalar(static_cast<std::int32_t>(want)), length})) {
    SlotLease slot;
    slot.slot = slot_of(row[0]);
    slot.epoch = static_cast<std::uint64_t>(number_of(row[1]));
    slot.until = asked_at + lease;
    if (!state_.claims.is_held_by(slot)) {
      state_.retries.forget_slot(slot.slot);
      taken.push_back(slot.slot);
    }
    held.leases.push_back(slot);
  }
  drop_inbox(taken);
  state_.claims.set(owner, held.leases);
  const auto before = state_.clock.wall_now();
  const auto counted = run(statements().count_owners, {scalar(owner), length});
  const auto between = before + (state_.clock.wall_now() - before) / 2;
  held.clock_ahead = WallTime(std::chrono::microseconds(number_of(counted[0][1]))) - between;
  const auto others = number_of(counted[0][0]);
  held.owners = static_cast<std::uint16_t>(std::min<std::int64_t>(others, slot_count) + 1);
  return held;
}

// A new owner loads all that is committed by now, so it need not be told of that as well.
void ScheduleReader::drop_inbox(const std::vector<std::uint16_t>& slots) {
  if (slots.empty()) {
    return;
  }
  BinaryArray ids(ElementType::int4, slots.size());
  for (const auto slot : slots) {
    ids.add_integer(static_cast<std::int32_t>(slot));
  }
  run(statements().drop_inbox, {ids.parameter()});
}

void ScheduleReader::release(const std::vector<SlotLease>& leases) {
  state_.claims.release(leases);
  if (!leases.empty()) {
    run(statements().release, LeaseArrays(leases).parameters());
  }
}

void ScheduleReader::note_place(const DueEntry& entry, WallTime due) {
  if (due != entry.due) {
    state_.retries.note(entry.slot, entry.id, entry.generation, due);
  }
}

DuePage ScheduleReader::load_due(const DueQuery& query) {
  DuePage page;
  const auto slot = query.lease.slot;
  if (!state_.claims.is_held_by(query.lease)) {
    return page;
  }
  // Before the rows are read: what is committed here from now on is told.
  state_.claims.note_loaded(query.lease, query.until);
  if (query.until <= query.from) {
    return page;
  }
  const auto limit = std::min(query.limit, most_in_page);
  const auto rows =
      run(statements().load,
          {scalar(static_cast<std::int32_t>(slot)), scalar(to_signed(query.lease.epoch)), scalar(to_ns(query.from)),
           scalar(limited(query.after_seq)), scalar(to_ns(query.until)), scalar(static_cast<std::int64_t>(limit + 1))});
  const auto count = std::min<std::size_t>(rows.size(), limit);
  page.entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = rows[static_cast<pqxx::result::size_type>(i)];
    page.entries.push_back(entry_of(row, from_ns(number_of(row[0])), slot));
    note_place(page.entries.back(), from_ns(number_of(row[6])));
  }
  page.more = rows.size() > count;
  return page;
}

// Rows that were taken stay in the index until a vacuum. So the slots of which all is taken are not asked again until
// the rest has been taken. Should the server take them in another order, what it left comes with the next call for all
// slots.
LateSends ScheduleReader::load_late(const std::vector<SlotLease>& held) {
  auto& from = state_.inbox_from;
  std::vector<SlotLease> asked;
  std::copy_if(held.begin(), held.end(), std::back_inserter(asked),
               [from](const SlotLease& lease) { return lease.slot >= from; });
  auto late = take_inbox(asked);
  from = 0;
  for (const auto& entry : late.entries) {
    from = late.more ? std::max(from, entry.slot) : 0;
  }
  auto told = state_.claims.take_late(held);
  late.entries.insert(late.entries.end(), told.begin(), told.end());
  return late;
}

LateSends ScheduleReader::take_inbox(const std::vector<SlotLease>& from) {
  LateSends late;
  auto parameters = LeaseArrays(from).parameters();
  parameters.push_back(scalar(static_cast<std::int64_t>(most_late)));
  for (const auto& row : run(statements().take_inbox, parameters)) {
    if (row[3].is_null()) {
      (number_of(row[1]) == 0 ? late.free_slots : late.more) = true;
      continue;
    }
    late.entries.push_back(entry_of(row, from_ns(number_of(row[0])), slot_of(row[6])));
  }
  return late;
}

// The entries that the caller may send now. Their rows are locked in the order in which writers lock them.
std::vector<ScheduleReader::Claimed> ScheduleReader::claim(const std::vector<DueEntry>& entries) {
  const auto ours = state_.claims.claim(entries);
  std::vector<Claimed> claimed;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (ours[i]) {
      claimed.push_back({i, state_.retries.due_of(entries[i])});
    }
  }
  std::sort(claimed.begin(), claimed.end(), [&](const Claimed& a, const Claimed& b) {
    const auto& one = entries[a.place];
    const auto& other = entries[b.place];
    return std::tie(one.slot, a.due, one.id) < std::tie(other.slot, b.due, other.id);
  });
  return claimed;
}

pqxx::result ScheduleReader::rows_of(const std::vector<Claimed>& claimed, const std::vector<DueEntry>& entries) {
  BinaryArray slots(ElementType::int4, claimed.size());
  BinaryArray dues(ElementType::int8, claimed.size());
  BinaryArray ids(ElementType::uuid, claimed.size());
  BinaryArray generations(ElementType::int4, claimed.size());
  BinaryArray attempts(ElementType::int4, claimed.size());
  for (const auto& [place, due] : claimed) {
    const auto& entry = entries[place];
    slots.add_integer(static_cast<std::int32_t>(entry.slot));
    dues.add_integer(to_ns(due));
    ids.add(bytes_of(entry.id));
    generations.add_integer(static_cast<std::int32_t>(entry.generation));
    attempts.add_integer(static_cast<std::int32_t>(entry.attempt));
  }
  return run(statements().fetch,
             {slots.parameter(), dues.parameter(), ids.parameter(), generations.parameter(), attempts.parameter()});
}

std::vector<ScheduledSend> ScheduleReader::fetch(const std::vector<DueEntry>& entries) {
  const auto claimed = claim(entries);
  if (claimed.empty()) {
    return {};
  }
  std::vector<std::optional<ScheduledSend>> found(entries.size());
  std::exception_ptr error;
  try {
    for (const auto& row : rows_of(claimed, entries)) {
      found[claimed.at(static_cast<std::size_t>(number_of(row[send_columns]) - 1)).place] = send_of(row);
    }
  } catch (...) {
    error = std::current_exception();
    found.assign(entries.size(), std::nullopt);
  }
  for (const auto& [place, due] : claimed) {
    if (!found[place]) {
      state_.claims.unclaim(entries[place].slot, entries[place].id, entries[place].generation);
    }
  }
  if (error) {
    std::rethrow_exception(error);
  }
  // In the order asked for.
  std::vector<ScheduledSend> sends;
  sends.reserve(claimed.size());
  for (auto& send : found) {
    if (send) {
      sends.push_back(std::move(*send));
    }
  }
  return sends;
}

pqxx::result ScheduleReader::find(const SendHandle& handle) {
  return run(statements().send_of, {scalar(static_cast<std::int32_t>(handle.slot)), scalar(to_ns(handle.due)),
                                    scalar(std::string(bytes_of(handle.id)))});
}

SendPage ScheduleReader::find(const std::string& idempotency_key) {
  BinaryArray key(ElementType::bytea, 1, idempotency_key.size());
  key.add(idempotency_key);
  const auto rows = run(statements().known_keys, {key.parameter()});
  const auto stored = rows.empty() ? std::nullopt : std::optional(stored_key_of(rows[0]));
  if (!stored || is_key_forgotten(stored->came, state_.clock.wall_now())) {
    return {};
  }
  auto page = page_of(find(stored->key.handle), 1);
  page.known = stored->key;
  if (!page.sends.empty()) {
    page.known = storage::ScheduleRules::valid_now(*page.known, page.sends.front().handle.due);
  }
  return page;
}

SendPage ScheduleReader::list(const SendQuery& query) {
  if (query.idempotency_key) {
    return find(*query.idempotency_key);
  }
  const auto after = query.after.empty() ? SendPlace{from_ns(std::numeric_limits<std::int64_t>::min()), 0}
                                         : SendPlace::parse(query.after);
  const auto due = scalar(to_ns(after.due));
  const auto seq = scalar(limited(after.seq));
  const auto limit = scalar(static_cast<std::int64_t>(query.limit + 1));
  if (query.handle) {
    if (query.handle->slot >= slot_count) {
      return {};
    }
    auto page = page_of(find(*query.handle), query.limit);
    std::erase_if(page.sends, [&](const ScheduledSend& send) {
      return (query.order_key && send.order_key != *query.order_key) ||
             std::pair(send.handle.due, send.seq) <= std::pair(after.due, after.seq);
    });
    return page;
  }
  if (query.order_key) {
    return page_of(run(statements().list_conversation,
                       {scalar(to_signed(stable_hash(*query.order_key))), scalar(*query.order_key), due, seq, limit}),
                   query.limit);
  }
  return page_of(run(statements().list_all, {due, seq, limit}), query.limit);
}

DeadPage ScheduleReader::list_dead(const DeadQuery& query) {
  const auto after = scalar(limited(place_of_page(query.after)));
  const auto limit = scalar(static_cast<std::int64_t>(query.limit + 1));
  const auto rows = query.order_key ? run(statements().list_dead_of, {scalar(to_signed(stable_hash(*query.order_key))),
                                                                      scalar(*query.order_key), after, limit})
                                    : run(statements().list_dead, {after, limit});
  DeadPage page;
  const auto count = std::min<std::size_t>(rows.size(), query.limit);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = rows[static_cast<pqxx::result::size_type>(i)];
    page.sends.push_back({send_of(row), text_of(row[send_columns + 2]), from_ns(number_of(row[send_columns + 1]))});
    if (i + 1 == count && rows.size() > count) {
      page.next = text_of(row[send_columns]);
    }
  }
  return page;
}

KeyPage ScheduleReader::list_keys(const KeyQuery& query) {
  const auto rows =
      run(statements().list_keys, {scalar(query.after), scalar(to_ns(state_.clock.wall_now() - idempotency_kept)),
                                   scalar(static_cast<std::int64_t>(query.limit + 1))});
  KeyPage page;
  const auto count = std::min<std::size_t>(rows.size(), query.limit);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = rows[static_cast<pqxx::result::size_type>(i)];
    const auto stored = stored_key_of(row);
    page.keys.push_back({from_hex(row[7]), stored.key, stored.came});
  }
  if (rows.size() > count) {
    page.next = page.keys.back().key;
  }
  return page;
}

SendCounts ScheduleReader::counts() {
  const auto sums = run(statements().counts, {})[0];
  const auto sum = [&](pqxx::row::size_type column) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_of(sums[column])));
  };
  SendCounts counts;
  counts.pending = sum(0);
  counts.sent = sum(1);
  counts.cancelled = sum(2);
  counts.expired = sum(3);
  counts.dead = sum(4);
  counts.awaiting_reply = sum(5);
  counts.kept_dead = sum(6);
  counts.oldest = oldest();
  return counts;
}

std::optional<WallTime> ScheduleReader::oldest() {
  const auto search = state_.first_due.begin(state_.clock.wall_now(), std::chrono::steady_clock::now());
  const auto found = run(statements().oldest, {scalar(to_ns(search.from))})[0][0];
  const auto first = found.is_null() ? std::nullopt : std::optional(from_ns(number_of(found)));
  state_.first_due.end(search, first);
  return first;
}

std::uint64_t ScheduleReader::estimate_due(WallTime from, WallTime until) {
  from = std::max(from, state_.first_due.bound());
  return estimate_over_slots(from, until, [&](std::uint16_t first, std::uint16_t end) {
    const auto rows =
        run(statements().count_due, {scalar(std::int32_t{first}), scalar(std::int32_t{end}), scalar(to_ns(from)),
                                     scalar(to_ns(until)), scalar(std::int64_t{most_counted_in_slot})});
    return static_cast<std::uint64_t>(number_of(rows[0][0]));
  });
}

void ScheduleReader::tidy(std::int32_t lane) {
  constexpr std::int32_t weeks_kept = 2;
  const auto now = state_.clock.wall_now();
  run(statements().forget_owners, {});
  run(statements().forget_keys, {scalar(to_ns(now - idempotency_kept))});
  run(statements().forget_dead, {scalar(lane), scalar(most_dead)});
  run(statements().drop_weeks, {scalar(week_of(now) - weeks_kept)});
}

}  // namespace tern::detail::pg
