#include "document_cache.hpp"

#include "record.hpp"

#include <utility>

namespace tern::detail::rocks {

namespace {

// A map's node and the shared text besides the bytes themselves.
constexpr std::uint64_t entry_overhead = 160;

}  // namespace

DocumentCache::~DocumentCache() {
  used_.clear();
}

std::uint64_t DocumentCache::bytes_of(const Entry& entry) noexcept {
  return entry_overhead + entry.key.size() + (entry.text ? entry.text->size() : 0);
}

std::optional<StoreItems> DocumentCache::read(const std::vector<std::string>& keys) {
  const auto found = find_all(keys);
  if (!found) {
    return std::nullopt;
  }
  StoreItems items;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (const auto& [text, etag] = (*found)[i]; text) {
      items.add(StoreItem(keys[i], *text, etag_text(etag)));
    }
  }
  return items;
}

// Texts are shared, so that under the lock none is copied.
std::optional<std::vector<DocumentCache::Version>> DocumentCache::find_all(const std::vector<std::string>& keys) {
  std::vector<Version> found;
  found.reserve(keys.size());
  const std::lock_guard lock(mutex_);
  for (const auto& key : keys) {
    const auto place = entries_.find(std::string_view(key));
    if (place == entries_.end() || mark_of(key).under_way != 0) {
      return std::nullopt;
    }
    auto& entry = place->second;
    used_.splice(used_.begin(), used_, used_.iterator_to(entry));
    found.emplace_back(entry.text, entry.etag);
  }
  return found;
}

DocumentCache::Marks DocumentCache::marks(const std::vector<std::string>& keys) const {
  Marks marks;
  marks.reserve(keys.size());
  const std::lock_guard lock(mutex_);
  for (const auto& key : keys) {
    marks.push_back(mark_of(key).writes);
  }
  return marks;
}

void DocumentCache::keep(const std::vector<std::string>& keys, const Marks& marks, const StoreItems& found) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& mark = mark_of(keys[i]);
    if (mark.under_way != 0 || mark.writes != marks[i]) {
      continue;
    }
    const auto* item = found.find(keys[i]);
    put(keys[i], item != nullptr ? std::make_shared<const std::string>(item->document) : nullptr,
        item != nullptr ? std::stoull(item->etag) : 0);
  }
  shrink();
}

std::optional<std::uint64_t> DocumentCache::etag(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(key);
  return entry != entries_.end() ? std::optional(entry->second.etag) : std::nullopt;
}

void DocumentCache::begin_write(const std::vector<Change>& changes) {
  const std::lock_guard lock(mutex_);
  for (const auto& change : changes) {
    auto& mark = mark_of(*change.key);
    ++mark.under_way;
    ++mark.writes;
  }
}

void DocumentCache::end_write(const std::vector<Change>& changes, bool written) {
  const std::lock_guard lock(mutex_);
  for (const auto& change : changes) {
    auto& mark = mark_of(*change.key);
    --mark.under_way;
    ++mark.writes;  // also for those who looked while it was under way, and may have read what was before
    if (written) {
      put(*change.key, change.text, change.etag);
    } else {
      forget(*change.key);
    }
  }
  shrink();
}

void DocumentCache::put(const std::string& key, std::shared_ptr<const std::string> text, std::uint64_t etag) {
  const auto [place, is_new] = entries_.try_emplace(key);
  auto& entry = place->second;
  if (is_new) {
    entry.key = place->first;
    used_.push_front(entry);
  } else {
    bytes_ -= bytes_of(entry);
    used_.splice(used_.begin(), used_, used_.iterator_to(entry));
  }
  entry.text = std::move(text);
  entry.etag = etag;
  bytes_ += bytes_of(entry);
}

void DocumentCache::forget(std::string_view key) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    bytes_ -= bytes_of(found->second);
    used_.erase(used_.iterator_to(found->second));
    entries_.erase(found);
  }
}

void DocumentCache::shrink() {
  while (bytes_ > max_bytes_ && !used_.empty()) {
    forget(used_.back().key);
  }
}

}  // namespace tern::detail::rocks
