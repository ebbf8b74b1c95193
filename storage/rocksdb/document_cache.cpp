#include "document_cache.hpp"

#include "record.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace tern::detail::rocks {

namespace {

// An entry and the shared text besides the bytes themselves.
constexpr std::uint64_t entry_overhead = 192;
// Changes under one lock, for which every shard may wait.
constexpr std::size_t changes_at_once = 16;
// The longest text that is copied under the lock.
constexpr std::size_t most_copied = 4096;

// A text goes into the room of the one before it, so that a busy key takes no memory anew; not into one far too large.
bool fits(const std::string& room, const std::string& text) noexcept {
  constexpr std::size_t slack = 64;
  return text.size() <= room.capacity() && room.capacity() <= 2 * text.size() + slack;
}

}  // namespace

DocumentCache::~DocumentCache() {
  in_order_.clear();
}

std::uint64_t DocumentCache::bytes_of(const Entry& entry) noexcept {
  return entry_overhead + entry.key.size() + (entry.text ? entry.text->bytes.capacity() : 0);
}

StoreItems DocumentCache::Look::items(std::vector<std::string>&& names, const StoreItems& found) const {
  StoreItems items;
  items.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!keys[i].known) {
      if (const auto* item = found.find(names[i]); item != nullptr) {
        items.add(*item);
      }
    } else if (keys[i].text) {
      items.add(StoreItem(std::move(names[i]), keys[i].text->bytes, etag_text(keys[i].etag)));
    }
  }
  return items;
}

// Texts are shared, so that a look copies none under the lock.
DocumentCache::Look DocumentCache::look(const std::vector<std::string>& keys) {
  Look look;
  look.keys.resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    look.keys[i].hash = Name(keys[i]).hash;
  }
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto& key = look.keys[i];
    const auto& mark = mark_of(key.hash);
    key.mark = mark.writes;
    look.in_doubt = look.in_doubt || mark.under_way != 0;
    const auto place = entries_.find(Name(keys[i], key.hash));
    if (place == entries_.end()) {
      ++look.unknown;
      continue;
    }
    auto& entry = *place->second;
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
    const auto& key = look.keys[i];
    const auto& mark = mark_of(key.hash);
    if (mark.under_way != 0 || mark.writes != key.mark) {
      holds = false;
    } else if (!key.known) {
      const auto* item = found.find(keys[i]);
      if (item == nullptr && from == From::memory) {
        continue;
      }
      TextPtr ready(item != nullptr ? new Text(item->document) : nullptr);
      put(Name(keys[i], key.hash), item != nullptr ? &item->document : nullptr, ready,
          item != nullptr ? etag_number(item->etag) : 0);
    }
  }
  shrink();
  return holds;
}

void DocumentCache::look_up(std::vector<Known>& keys) const {
  const std::lock_guard lock(mutex_);
  for (auto& known : keys) {
    if (const auto entry = entries_.find(known.name); entry != entries_.end()) {
      known.etag = entry->second->etag;
    }
  }
}

void DocumentCache::begin_write(const std::vector<Change>& changes) {
  ready_.assign(changes.size(), nullptr);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].text != nullptr && changes[i].text->size() > most_copied) {
      ready_[i] = new Text(*changes[i].text);
    }
  }
  const std::lock_guard lock(mutex_);
  for (const auto& change : changes) {
    auto& mark = mark_of(change.name.hash);
    ++mark.under_way;
    ++mark.writes;
  }
}

// A key whose turn has not come yet is still in doubt, so that nobody sees half of a write.
void DocumentCache::end_write(const std::vector<Change>& changes, bool written) noexcept {
  for (std::size_t begin = 0; begin < changes.size(); begin += changes_at_once) {
    const auto end = std::min(begin + changes_at_once, changes.size());
    const std::lock_guard lock(mutex_);
    for (std::size_t i = begin; i < end; ++i) {
      const auto& change = changes[i];
      auto& mark = mark_of(change.name.hash);
      --mark.under_way;
      ++mark.writes;  // also for those who looked while it was under way, and may have read what was before
      if (written) {
        put(change.name, change.text, ready_[i], change.etag);
      } else {
        forget(change.name);
      }
    }
    shrink();
  }
  ready_.clear();  // not under the lock: it frees what was there before
}

DocumentCache::Entry& DocumentCache::entry_of(const Name& name) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) {
    found->second->used = true;
    return *found->second;
  }
  auto made = std::make_unique<Entry>(name);
  auto& entry = *made;
  entries_.emplace(entry.name(), std::move(made));
  in_order_.push_front(entry);
  bytes_ += bytes_of(entry);
  return entry;
}

void DocumentCache::put(const Name& name, const std::string* text, TextPtr& ready, std::uint64_t etag) noexcept {
  try {
    auto& entry = entry_of(name);
    const auto before = bytes_of(entry);
    if (text == nullptr || ready) {
      entry.text.swap(ready);
    } else if (entry.text && entry.text->use_count() == 1 && fits(entry.text->bytes, *text)) {
      entry.text->bytes = *text;
    } else {
      entry.text = new Text(*text);
    }
    entry.etag = etag;
    bytes_ += bytes_of(entry) - before;
  } catch (const std::bad_alloc&) {
    forget(name);
  }
}

void DocumentCache::forget(const Name& name) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) {
    const auto& entry = *found->second;
    bytes_ -= bytes_of(entry);
    in_order_.erase(in_order_.iterator_to(entry));
    entries_.erase(found);
  }
}

void DocumentCache::shrink() {
  while (bytes_ > max_bytes_ && !in_order_.empty()) {
    auto& last = in_order_.back();
    if (std::exchange(last.used, false)) {
      in_order_.splice(in_order_.begin(), in_order_, in_order_.iterator_to(last));
    } else {
      forget(last.name());
    }
  }
}

}  // namespace tern::detail::rocks
