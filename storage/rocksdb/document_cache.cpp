#include "document_cache.hpp"

#include "record.hpp"

#include <utility>

namespace tern::detail::rocks {

namespace {

// A map's node and the shared text besides the bytes themselves.
constexpr std::uint64_t entry_overhead = 160;

}  // namespace

DocumentCache::~DocumentCache() {
  in_order_.clear();
}

std::uint64_t DocumentCache::bytes_of(const Entry& entry) noexcept {
  return entry_overhead + entry.key.size() + (entry.text ? entry.text->size() : 0);
}

StoreItems DocumentCache::Look::items(const std::vector<std::string>& names, const StoreItems& found) const {
  StoreItems items;
  items.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!keys[i].known) {
      if (const auto* item = found.find(names[i]); item != nullptr) {
        items.add(*item);
      }
    } else if (keys[i].text) {
      items.add(StoreItem(names[i], *keys[i].text, etag_text(keys[i].etag)));
    }
  }
  return items;
}

// Texts are shared, so that under the lock none is copied.
DocumentCache::Look DocumentCache::look(const std::vector<std::string>& keys) {
  Look look;
  look.keys.resize(keys.size());
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto& key = look.keys[i];
    const auto& mark = mark_of(keys[i]);
    key.mark = mark.writes;
    look.in_doubt = look.in_doubt || mark.under_way != 0;
    const auto place = entries_.find(std::string_view(keys[i]));
    if (place == entries_.end()) {
      ++look.unknown;
      continue;
    }
    auto& entry = place->second;
    if (!entry.used) {
      entry.used = true;
    }
    key.known = true;
    key.text = entry.text;
    key.etag = entry.etag;
  }
  return look;
}

bool DocumentCache::keep(const std::vector<std::string>& keys, const Look& look, const StoreItems& found, From from) {
  bool holds = true;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& mark = mark_of(keys[i]);
    if (mark.under_way != 0 || mark.writes != look.keys[i].mark) {
      holds = false;
    } else if (!look.keys[i].known) {
      const auto* item = found.find(keys[i]);
      if (item == nullptr && from == From::memory) {
        continue;
      }
      put(keys[i], item != nullptr ? std::make_shared<const std::string>(item->document) : nullptr,
          item != nullptr ? etag_number(item->etag) : 0);
    }
  }
  shrink();
  return holds;
}

void DocumentCache::look_up(std::vector<Known>& keys) const {
  const std::lock_guard lock(mutex_);
  for (auto& known : keys) {
    if (const auto entry = entries_.find(std::string_view(*known.key)); entry != entries_.end()) {
      known.etag = entry->second.etag;
    }
  }
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
      // A text of its own, so that this thread frees what it has allocated.
      put(*change.key, change.text != nullptr ? std::make_shared<const std::string>(*change.text) : nullptr,
          change.etag);
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
    in_order_.push_front(entry);
  } else {
    bytes_ -= bytes_of(entry);
    entry.used = true;
  }
  entry.text = std::move(text);
  entry.etag = etag;
  bytes_ += bytes_of(entry);
}

void DocumentCache::forget(std::string_view key) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    bytes_ -= bytes_of(found->second);
    in_order_.erase(in_order_.iterator_to(found->second));
    entries_.erase(found);
  }
}

void DocumentCache::shrink() {
  while (bytes_ > max_bytes_ && !in_order_.empty()) {
    auto& last = in_order_.back();
    if (std::exchange(last.used, false)) {
      in_order_.splice(in_order_.begin(), in_order_, in_order_.iterator_to(last));
    } else {
      forget(last.key);
    }
  }
}

}  // namespace tern::detail::rocks
