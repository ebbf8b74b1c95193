#pragma once

#include <tern/error.hpp>
#include <tern/schema/block_pool.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

/// What a backend promises.
struct StoreTraits {
  std::string_view name;  ///< "memory", "rocksdb", "postgres"
  bool durable = false;   ///< what `write` confirmed survives the process
  bool shared = false;    ///< several processes may use it at once
};

/// One stored document: JSON text and the eTag of this version of it.
/// eTags come from one sequence for the whole store and are never used twice.
struct StoreItem {
  StoreItem() = default;
  StoreItem(std::string k, std::string d, std::string e)
      : key(std::move(k)), document(std::move(d)), etag(std::move(e)) {}
  std::string key;
  std::string document;
  std::string etag;
};

/// The outcome of a read: the keys that exist, in the order they were asked for. Absent keys are absent.
class StoreItems {
 public:
  StoreItems() = default;
  void reserve(std::size_t count) { items_.reserve(count); }
  void add(StoreItem item) { items_.push_back(std::move(item)); }
  /// nullptr when the key is absent.
  const StoreItem* find(std::string_view key) const noexcept {
    for (const auto& item : items_) {
      if (item.key == key) {
        return &item;
      }
    }
    return nullptr;
  }
  /// The same, for one who wants to move its parts out.
  StoreItem* find(std::string_view key) noexcept { return const_cast<StoreItem*>(std::as_const(*this).find(key)); }
  std::size_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return items_.empty(); }
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }

 private:
  std::vector<StoreItem, detail::PoolAllocator<StoreItem>> items_;
};

/// What must hold of a key for a change to it to go through.
class Expect {
 public:
  /// Whatever is there is overwritten.
  static Expect any() { return Expect(Kind::any, {}); }
  /// The key must not exist.
  static Expect absent() { return Expect(Kind::absent, {}); }
  /// The key must exist with this eTag. `"*"` means `any`. An empty eTag is refused by `write` (`invalid_argument`).
  static Expect etag(std::string value) { return value == "*" ? any() : Expect(Kind::etag, std::move(value)); }

  bool is_any() const noexcept { return kind_ == Kind::any; }
  bool is_absent() const noexcept { return kind_ == Kind::absent; }
  bool is_etag() const noexcept { return kind_ == Kind::etag; }
  const std::string& value() const noexcept { return etag_; }

 private:
  enum class Kind : std::uint8_t { any, absent, etag };
  Expect(Kind kind, std::string etag) : kind_(kind), etag_(std::move(etag)) {}
  Kind kind_;
  std::string etag_;
};

struct StoreUpsert {
  StoreUpsert(std::string k, std::string d, Expect e = Expect::any())
      : key(std::move(k)), document(std::move(d)), expect(std::move(e)) {}
  std::string key;
  std::string document;
  Expect expect;
  /// A store that is nearly full may leave it out and write the rest; the eTag in the receipt is then "".
  bool spare = false;
};

/// Like any other vector; its memory is kept for the next turn's.
using StoreUpserts = std::vector<StoreUpsert, detail::PoolAllocator<StoreUpsert>>;

/// Removing an absent key is no error, unless an eTag was expected of it.
struct StoreRemoval {
  explicit StoreRemoval(std::string k, Expect e = Expect::any()) : key(std::move(k)), expect(std::move(e)) {}
  std::string key;
  Expect expect;
};

/// A page of a scan: keys that begin with `prefix`, after `after`, in byte order.
struct StoreScan {
  explicit StoreScan(std::string p, std::size_t page_limit = 100, std::string start_after = {})
      : prefix(std::move(p)), after(std::move(start_after)), limit(page_limit) {}
  std::string prefix;
  std::string after;  ///< "" from the beginning; otherwise `next` of the page before
  std::size_t limit;  ///< 1 to 1,000
};

struct StorePage {
  std::vector<StoreItem> items;
  std::string next;  ///< pass as `after` for the page that follows; "" when this was the last
};

/// The longest key, in bytes; a longer one is cut by `bounded_key`.
inline constexpr std::size_t max_key_bytes = 1024;

/// The key as every backend stores it: unchanged up to `max_key_bytes`; a longer one is cut at a character and
/// ends in `~` and the SHA-256 of the whole in hex, so that it is exactly as long or a few bytes shorter. A key that
/// looks like one that was cut is treated as a longer one is, so that nobody can name the document of another key:
/// different keys stay different. For the same reason a key is passed through this once.
std::string bounded_key(std::string key);

/// One part of a key, with `/`, `%` and control characters percent-encoded.
std::string key_part(std::string_view part);
/// Adds `key_part(part)` to `key`.
void append_key_part(std::string& key, std::string_view part);

}  // namespace tern
