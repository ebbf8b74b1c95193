#include "tools/storage/pages.hpp"

#include <algorithm>
#include <utility>

namespace tern::tools {

namespace {

constexpr std::size_t page_bytes = 4 << 20;
constexpr std::size_t most_documents = 1000;

}  // namespace

awaitable<std::vector<StoreItem>> PageReader::next() {
  std::vector<StoreItem> items;
  while (!ended_ && items.empty()) {
    auto page = co_await store_.scan(StoreScan("", limit_, after_), Deadline::after(patience));
    ended_ = page.next.empty();
    after_ = std::move(page.next);
    std::size_t bytes = 1;
    for (const auto& item : page.items) {
      bytes += item.key.size() + item.document.size();
    }
    // As many as would have made the wanted size, and no more than twice as many as before.
    const auto fitting = std::max<std::size_t>(1, page.items.size()) * page_bytes / bytes;
    limit_ = std::clamp<std::size_t>(fitting, 1, std::min(limit_ * 2, most_documents));
    items = std::move(page.items);
    std::erase_if(items, [](const StoreItem& item) { return item.key.starts_with(reserved_prefix); });
  }
  co_return items;
}

bool BatchWriter::add(const std::string& key, const std::string& document, Expect expect) {
  const auto place = std::lower_bound(sorted_.begin(), sorted_.end(), key);
  if (place != sorted_.end() && *place == key) {
    return false;
  }
  const auto size = key.size() + document.size();
  if (!empty() && (sorted_.size() == most_documents || bytes_ + size > page_bytes)) {
    return false;
  }
  sorted_.insert(place, key);
  bytes_ += size;
  changes_.upserts.emplace_back(key, document, std::move(expect));
  return true;
}

awaitable<std::vector<std::string>> BatchWriter::flush(std::vector<StoreUpsert> along) {
  auto changes = std::exchange(changes_, {});
  sorted_.clear();
  bytes_ = 0;
  std::move(along.begin(), along.end(), std::back_inserter(changes.upserts));
  if (changes.upserts.empty()) {
    co_return std::vector<std::string>();
  }
  auto written = co_await store_.write(std::move(changes), Deadline::after(patience));
  if (!written) {
    co_return std::move(written.error().keys);
  }
  co_return std::vector<std::string>();
}

}  // namespace tern::tools
