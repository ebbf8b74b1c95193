#include "write_batch.hpp"

#include "binary_array.hpp"
#include "result_fields.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace tern::detail::pg {

namespace {

constexpr std::int64_t any = 0;
constexpr std::int64_t absent = -1;
constexpr std::int64_t no_etag_of_ours = -2;

constexpr std::int64_t not_as_expected = -1;
constexpr std::int64_t refused = -2;

std::size_t bytes_of(const StoreChanges& changes) noexcept {
  std::size_t bytes = 0;
  for (const auto& upsert : changes.upserts) {
    bytes += upsert.key.size() + upsert.document.size();
  }
  for (const auto& removal : changes.removals) {
    bytes += removal.key.size();
  }
  return bytes;
}

// An eTag is one of ours only as we write it: digits without a sign or leading zeros.
std::int64_t expectation(const Expect& expect) noexcept {
  if (expect.is_any()) {
    return any;
  }
  if (expect.is_absent()) {
    return absent;
  }
  const auto& text = expect.value();
  std::int64_t etag = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, etag);
  const bool ours = parsed.ec == std::errc() && parsed.ptr == end && etag > 0 && text[0] != '0';
  return ours ? etag : no_etag_of_ours;
}

}  // namespace

WriteBatch::WriteBatch(std::span<const StoreChanges* const> writes, std::size_t max_bytes) : writes_(writes) {
  std::size_t bytes = 0;
  std::uint32_t considered = 0;
  for (; considered < writes.size(); ++considered) {
    const auto& changes = *writes[considered];
    bytes += bytes_of(changes);
    if (considered > 0 && bytes > max_bytes) {
      break;
    }
    for (std::uint32_t i = 0; i < changes.upserts.size(); ++i) {
      const auto& upsert = changes.upserts[i];
      rows_.push_back({upsert.key, &upsert.document, &upsert.expect, considered, i});
    }
    for (const auto& removal : changes.removals) {
      rows_.push_back({removal.key, nullptr, &removal.expect, considered, 0});
    }
  }
  std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
    const int order = a.key.compare(b.key);
    return order != 0 ? order < 0 : a.write < b.write;
  });

  std::vector<bool> first(considered, true);
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    if (rows_[i].key == rows_[i - 1].key) {
      first[rows_[i].write] = false;
    }
  }
  taken_.resize(considered);
  std::iota(taken_.begin(), taken_.end(), 0);
  keep(first);
}

void WriteBatch::keep(const std::vector<bool>& kept) {
  std::vector<std::uint32_t> place_of(taken_.size());
  std::uint32_t places = 0;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    if (kept[i]) {
      place_of[i] = places;
      taken_[places++] = taken_[i];
    }
  }
  if (places == taken_.size()) {
    return;
  }
  taken_.resize(places);
  std::erase_if(rows_, [&](const Row& row) { return !kept[row.write]; });
  for (auto& row : rows_) {
    row.write = place_of[row.write];
  }
}

bool WriteBatch::is_update(const StoreChanges& changes) noexcept {
  return changes.removals.empty() && std::none_of(changes.upserts.begin(), changes.upserts.end(),
                                                  [](const StoreUpsert& upsert) { return upsert.expect.is_absent(); });
}

Session::Parameters WriteBatch::parameters() const {
  std::size_t key_bytes = 0;
  std::size_t document_bytes = 0;
  for (const auto& row : rows_) {
    key_bytes += row.key.size();
    document_bytes += row.document == nullptr ? 0 : row.document->size();
  }
  BinaryArray keys(ElementType::bytea, rows_.size(), key_bytes);
  BinaryArray documents(ElementType::text, rows_.size(), document_bytes);
  BinaryArray writes(ElementType::int4, rows_.size());
  BinaryArray expectations(ElementType::int8, rows_.size());
  for (const auto& row : rows_) {
    keys.add(row.key);
    if (row.document == nullptr) {
      documents.add_null();
    } else {
      documents.add(*row.document);
    }
    writes.add_integer(static_cast<std::int32_t>(row.write));
    expectations.add_integer(expectation(*row.expect));
  }
  return {keys.parameter(), documents.parameter(), writes.parameter(), expectations.parameter()};
}

Session::Parameters WriteBatch::update_parameters() const {
  auto given = parameters();
  BinaryArray sizes(ElementType::int4, rows_.size());
  for (const auto& row : rows_) {
    sizes.add_integer(static_cast<std::int32_t>(writes_[taken_[row.write]]->upserts.size()));
  }
  given.push_back(sizes.parameter());
  return given;
}

void WriteBatch::make_room(std::vector<StoreReceipt>& receipts) const {
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    receipts[i].etags.resize(writes_[taken_[i]]->upserts.size());
  }
}

const WriteBatch::Row& WriteBatch::row_of(const pqxx::field& position) const {
  return rows_.at(static_cast<std::size_t>(number_of(position) - 1));
}

std::vector<WriteAnswer> WriteBatch::answers(const pqxx::result& result, std::vector<StoreReceipt> receipts) const {
  make_room(receipts);
  std::vector<StoreConflict> conflicts(taken_.size());
  if (result.size() != rows_.size()) {
    throw Failure(FailureKind::outage, "the write statement told of " + std::to_string(result.size()) + " rows, not " +
                                           std::to_string(rows_.size()) + ". Is this PostgreSQL?");
  }
  const auto end = result.end();
  for (auto answer = result.begin(); answer != end; ++answer) {
    auto field = answer.begin();
    const auto& row = row_of(field);
    const auto& etag = ++field;
    const auto outcome = number_of(etag);
    if (outcome == not_as_expected) {
      conflicts[row.write].keys.emplace_back(row.key);
    } else if (outcome != refused && row.document != nullptr) {
      receipts[row.write].etags[row.place].assign(etag.c_str(), etag.size());
    }
  }
  std::vector<WriteAnswer> answers;
  answers.reserve(taken_.size());
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    if (conflicts[i].keys.empty()) {
      answers.emplace_back(std::move(receipts[i]));
    } else {
      answers.emplace_back(std::move(conflicts[i]));
    }
  }
  return answers;
}

std::vector<std::optional<WriteAnswer>> WriteBatch::update_answers(const pqxx::result& result,
                                                                   std::vector<StoreReceipt> receipts) const {
  make_room(receipts);
  const auto end = result.end();
  for (auto answer = result.begin(); answer != end; ++answer) {
    auto field = answer.begin();
    const auto& row = row_of(field);
    const auto& etag = ++field;
    receipts[row.write].etags[row.place].assign(etag.c_str(), etag.size());
  }
  std::vector<std::optional<WriteAnswer>> answers(taken_.size());
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    const auto& upserts = writes_[taken_[i]]->upserts;
    if (!receipts[i].etags.front().empty()) {
      answers[i].emplace(std::move(receipts[i]));  // one row for all: the statement sees to that
    } else if (std::all_of(upserts.begin(), upserts.end(),
                           [](const auto& upsert) { return upsert.expect.is_etag(); })) {
      StoreConflict conflict;
      for (const auto& upsert : upserts) {
        conflict.keys.push_back(upsert.key);
      }
      answers[i].emplace(std::move(conflict));
    }
  }
  return answers;
}

}  // namespace tern::detail::pg
