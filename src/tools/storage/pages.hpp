#pragma once

#include <tern/storage/any_storage.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tern::tools {

/// Keys with this beginning are the tool's own. No bot has such a key: the parts of a bot's key have no `/`, and its
/// first part is not empty.
inline constexpr std::string_view reserved_prefix = "/tern-storage/";

/// For one operation of a store, which may move megabytes.
inline constexpr std::chrono::seconds patience{120};

/// Reads all documents of a store in the order of their keys, a few megabytes at a time, the tool's own left out.
///
/// Thread safety: none. Errors: those of the store.
class PageReader {
 public:
  /// `after`: the last key that is not wanted; "" begins with the first.
  explicit PageReader(AnyStorage store, std::string after = {}) : store_(std::move(store)), after_(std::move(after)) {}

  /// Empty at the end.
  awaitable<std::vector<StoreItem>> next();

 private:
  AnyStorage store_;
  std::string after_;
  std::size_t limit_ = 64;
  bool ended_ = false;
};

/// Collects documents and writes them in bounded batches, all or nothing each.
class BatchWriter {
 public:
  explicit BatchWriter(AnyStorage store) : store_(std::move(store)) {}

  /// False when the batch is full, or has this key already: call `flush` first.
  bool add(const std::string& key, const std::string& document, Expect expect);
  /// Writes the added documents. Returns the keys that were not as expected; then nothing was written. `along`:
  /// upserts that are written with them.
  awaitable<std::vector<std::string>> flush(std::vector<StoreUpsert> along = {});
  bool empty() const noexcept { return changes_.upserts.empty(); }

 private:
  AnyStorage store_;
  StoreChanges changes_;
  std::vector<std::string> sorted_;  ///< the keys
  std::size_t bytes_ = 0;
};

}  // namespace tern::tools
