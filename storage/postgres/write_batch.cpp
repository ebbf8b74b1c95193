#include "write_batch.hpp"

#include "binary_array.hpp"

#include <algorithm>
#include <charconv>

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

std::int64_t integer_of(const pqxx::field& field) {
  std::int64_t value = 0;
  std::from_chars(field.c_str(), field.c_str() + field.size(), value);
  return value;
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

  std::vector<bool> left(considered, false);
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    if (rows_[i].key == rows_[i - 1].key) {
      left[rows_[i].write] = true;
    }
  }
  std::vector<std::uint32_t> place_of(considered);
  for (std::uint32_t i = 0; i < considered; ++i) {
    if (!left[i]) {
      place_of[i] = static_cast<std::uint32_t>(taken_.size());
      taken_.push_back(i);
    }
  }
  std::erase_if(rows_, [&](const Row& row) { return left[row.write]; });
  for (auto& row : rows_) {
    row.write = place_of[row.write];
  }
}

Session::Parameters WriteBatch::parameters() const {
  BinaryArray keys(ElementType::bytea, rows_.size());
  BinaryArray documents(ElementType::text, rows_.size());
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

std::vector<WriteAnswer> WriteBatch::answers(const pqxx::result& result) const {
  std::vector<StoreReceipt> receipts(taken_.size());
  std::vector<StoreConflict> conflicts(taken_.size());
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    receipts[i].etags.resize(writes_[taken_[i]]->upserts.size());
  }
  if (result.size() != rows_.size()) {
    throw Failure(FailureKind::outage, "the write statement told of " + std::to_string(result.size()) + " rows, not " +
                                           std::to_string(rows_.size()) + ". Is this PostgreSQL?");
  }
  for (pqxx::result::size_type i = 0; i < result.size(); ++i) {
    const auto answer = result[i];
    const auto& row = rows_.at(static_cast<std::size_t>(integer_of(answer[0]) - 1));
    const auto outcome = integer_of(answer[1]);
    if (outcome == not_as_expected) {
      conflicts[row.write].keys.emplace_back(row.key);
    } else if (outcome != refused && row.document != nullptr) {
      receipts[row.write].etags[row.place].assign(answer[1].c_str(), answer[1].size());
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

}  // namespace tern::detail::pg
