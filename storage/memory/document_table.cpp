#include "document_table.hpp"

#include "async/keyed_hash.hpp"

#include <algorithm>
#include <charconv>

namespace tern::detail {

namespace {

std::uint64_t hash_of(std::string_view key) noexcept {
  return keyed_hash(key);
}

struct EtagText {
  explicit EtagText(std::uint64_t etag) noexcept : end(std::to_chars(begin, begin + sizeof begin, etag).ptr) {}
  EtagText(const EtagText&) = delete;
  EtagText& operator=(const EtagText&) = delete;
  std::string_view view() const noexcept { return {begin, static_cast<std::size_t>(end - begin)}; }

  char begin[20];  // the digits of 2^64
  char* end;
};

}  // namespace

std::string etag_text(std::uint64_t etag) {
  return std::string(EtagText(etag).view());
}

DocumentTable::Change::Change(StoreUpsert& upsert)
    : key_(&upsert.key),
      expect_(&upsert.expect),
      text_(std::make_shared<const std::string>(std::move(upsert.document))),
      hash_(hash_of(upsert.key)),
      spare_(upsert.spare) {}

DocumentTable::Change::Change(StoreRemoval& removal)
    : key_(&removal.key), expect_(&removal.expect), hash_(hash_of(removal.key)) {}

DocumentTable::~DocumentTable() {
  ordered_.clear_and_dispose(std::default_delete<Document>());
}

DocumentTable::Document* DocumentTable::lookup(std::string_view key, std::uint64_t hash) const {
  return index_.find(hash, [&](const Document& document) { return document.key == key; });
}

std::pair<DocumentTable::Text, std::uint64_t> DocumentTable::find(std::string_view key) const {
  const auto* document = lookup(key, hash_of(key));
  if (document == nullptr) {
    return {};
  }
  return {document->text, document->etag};
}

bool DocumentTable::as_expected(const Change& change) const noexcept {
  if (change.expect_->is_any()) {
    return true;
  }
  if (change.expect_->is_absent()) {
    return change.found_ == nullptr;
  }
  return change.found_ != nullptr && EtagText(change.found_->etag).view() == change.expect_->value();
}

std::vector<std::string> DocumentTable::conflicts(std::vector<Change>& changes) const {
  std::vector<std::string> keys;
  for (auto& change : changes) {
    change.found_ = lookup(*change.key_, change.hash_);
    if (!as_expected(change)) {
      keys.push_back(*change.key_);
    }
  }
  return keys;
}

void DocumentTable::leave_out_spare(std::vector<Change>& changes) const noexcept {
  if (std::none_of(changes.begin(), changes.end(), [](const Change& change) { return change.spare_; }) ||
      fits(changes, max_bytes_ - max_bytes_ / 8)) {
    return;
  }
  for (auto& change : changes) {
    const auto grows = [&] { return change.found_ == nullptr || change.text_->size() > change.found_->text->size(); };
    change.left_out_ = change.spare_ && grows();
  }
}

bool DocumentTable::fits(const std::vector<Change>& changes) const noexcept {
  return fits(changes, max_bytes_);
}

bool DocumentTable::fits(const std::vector<Change>& changes, std::uint64_t most) const noexcept {
  std::uint64_t added = 0;
  std::uint64_t freed = 0;
  for (const auto& change : changes) {
    if (change.left_out_) {
      continue;
    }
    added += change.text_ ? change.key_->size() + change.text_->size() : 0;
    freed += change.found_ != nullptr ? change.found_->bytes() : 0;
  }
  return added <= freed || bytes_ + (added - freed) <= most;
}

void DocumentTable::apply(std::vector<Change>& changes, std::vector<std::string>& etags) noexcept {
  for (auto& change : changes) {
    if (change.left_out_) {
      etags.emplace_back();
    } else if (change.text_) {
      upsert(change);
      etags.push_back(etag_text(last_etag_));
    } else if (change.found_ != nullptr) {
      remove(change);
    }
  }
}

void DocumentTable::upsert(Change& change) noexcept {
  auto* document = change.found_;
  if (document == nullptr) {
    document = new Document;  // NOLINT(bugprone-unhandled-exception-at-new): see `apply`
    document->key = std::move(*change.key_);
    document->hash = change.hash_;
    document->text.swap(change.text_);
    ordered_.insert(*document);
    index_.insert(document->hash, *document);
  } else {
    bytes_ -= document->bytes();
    document->text.swap(change.text_);
  }
  bytes_ += document->bytes();
  document->etag = ++last_etag_;
}

void DocumentTable::remove(Change& change) noexcept {
  auto& document = *change.found_;
  bytes_ -= document.bytes();
  index_.erase(document.hash, document);
  ordered_.erase(ordered_.iterator_to(document));
  change.removed_.reset(&document);
}

bool DocumentTable::scan(const StoreScan& scan, std::vector<Row>& rows) const {
  const std::string_view after = scan.after;
  auto row = !after.empty() && after >= scan.prefix ? ordered_.upper_bound(after, ByKey())
                                                    : ordered_.lower_bound(std::string_view(scan.prefix), ByKey());
  for (; row != ordered_.end() && row->key.starts_with(scan.prefix); ++row) {
    if (rows.size() == scan.limit) {
      return true;
    }
    rows.push_back(Row{row->key, row->text, row->etag});
  }
  return false;
}

}  // namespace tern::detail
