#pragma once

#include <tern/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

namespace detail {
/// Memory for a list that each turn makes: the next turn of the thread is given it again.
void* take_block(std::size_t bytes);
/// `bytes`: what it was taken with. Any thread may give it back.
void give_block(void* memory, std::size_t bytes) noexcept;

template <class T>
struct BlockAllocator {
  using value_type = T;
  BlockAllocator() = default;
  template <class U>
  BlockAllocator(const BlockAllocator<U>&) noexcept {}
  T* allocate(std::size_t count) { return static_cast<T*>(take_block(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { give_block(memory, count * sizeof(T)); }
  friend bool operator==(const BlockAllocator&, const BlockAllocator&) noexcept { return true; }
};
}  // namespace detail

/// A list that each turn makes, such as the documents that it writes. It is a `std::vector` in all but its memory,
/// which the next turn uses again.
template <class T>
class StoreList {
 public:
  /// For the standard library, such as `std::back_inserter`.
  using value_type = T;

  ///@{
  /// As `std::vector` has them.
  void reserve(std::size_t count) { items_.reserve(count); }
  void push_back(T item) { items_.push_back(std::move(item)); }
  template <class... Args>
  T& emplace_back(Args&&... args) {
    return items_.emplace_back(std::forward<Args>(args)...);
  }
  void clear() noexcept { items_.clear(); }
  std::size_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return items_.empty(); }
  T& operator[](std::size_t index) noexcept { return items_[index]; }
  const T& operator[](std::size_t index) const noexcept { return items_[index]; }
  T& front() noexcept { return items_.front(); }
  const T& front() const noexcept { return items_.front(); }
  T& back() noexcept { return items_.back(); }
  const T& back() const noexcept { return items_.back(); }
  auto begin() noexcept { return items_.begin(); }
  auto end() noexcept { return items_.end(); }
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }
  ///@}

 private:
  std::vector<T, detail::BlockAllocator<T>> items_;
};

/// The promises of a backend.
struct StoreTraits {
  std::string_view name;  ///< "memory", "rocksdb", "postgres"
  bool durable = false;   ///< a confirmed `write` survives the process
  bool shared = false;    ///< several processes may use it at once
};

/// One stored document: JSON text and the eTag of this version of it.
/// eTags come from one sequence for the whole store and are never used twice.
struct StoreItem {
  /// Empty.
  StoreItem() = default;
  /// With these members.
  StoreItem(std::string k, std::string d, std::string e)
      : key(std::move(k)), document(std::move(d)), etag(std::move(e)) {}
  std::string key;       ///< at most `max_key_bytes`
  std::string document;  ///< JSON text
  std::string etag;      ///< of this version
};

/// The outcome of a read: the keys that exist, in the order they were asked for. Absent keys are absent.
class StoreItems {
 public:
  /// Makes room for `count` items.
  void reserve(std::size_t count) { items_.reserve(count); }
  /// Adds an item at the end.
  void add(StoreItem item) { items_.push_back(std::move(item)); }
  /// The item of this key; nullptr when the key is absent.
  const StoreItem* find(std::string_view key) const noexcept {
    for (const auto& item : items_) {
      if (item.key == key) {
        return &item;
      }
    }
    return nullptr;
  }
  /// The same, so that its members can be moved out.
  StoreItem* find(std::string_view key) noexcept { return const_cast<StoreItem*>(std::as_const(*this).find(key)); }
  /// How many keys exist.
  std::size_t size() const noexcept { return items_.size(); }
  /// Whether no key exists.
  bool empty() const noexcept { return items_.empty(); }
  ///@{
  /// For loops over the items.
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }
  ///@}

 private:
  StoreList<StoreItem> items_;
};

/// The condition under which a change to a key is made.
class Expect {
 public:
  /// No condition: a stored document is overwritten.
  static Expect any() { return Expect(Kind::any, {}); }
  /// The key must not exist.
  static Expect absent() { return Expect(Kind::absent, {}); }
  /// The key must exist with this eTag. `"*"` means `any`. An empty eTag is refused by `write` (`invalid_argument`).
  static Expect etag(std::string value) { return value == "*" ? any() : Expect(Kind::etag, std::move(value)); }

  ///@{
  /// Which condition it is.
  bool is_any() const noexcept { return kind_ == Kind::any; }
  bool is_absent() const noexcept { return kind_ == Kind::absent; }
  bool is_etag() const noexcept { return kind_ == Kind::etag; }
  ///@}
  /// The eTag; "" for the other conditions.
  const std::string& value() const noexcept { return etag_; }

 private:
  enum class Kind : std::uint8_t { any, absent, etag };
  Expect(Kind kind, std::string etag) : kind_(kind), etag_(std::move(etag)) {}
  Kind kind_;
  std::string etag_;
};

/// A document to write, new or in place of an older version.
struct StoreUpsert {
  /// With these members.
  StoreUpsert(std::string k, std::string d, Expect e = Expect::any())
      : key(std::move(k)), document(std::move(d)), expect(std::move(e)) {}
  std::string key;       ///< at most `max_key_bytes`
  std::string document;  ///< JSON text
  Expect expect;         ///< the condition; when it does not hold, nothing of the write is done
  /// A store that is nearly full may leave this document out and write the rest. Its eTag in the receipt is then "".
  bool spare = false;
};

/// A document to remove. Removing an absent key is no error, unless an eTag was expected.
struct StoreRemoval {
  /// With these members.
  explicit StoreRemoval(std::string k, Expect e = Expect::any()) : key(std::move(k)), expect(std::move(e)) {}
  std::string key;  ///< at most `max_key_bytes`
  Expect expect;    ///< the condition
};

/// A page of a scan: keys that begin with `prefix`, after `after`, in byte order.
struct StoreScan {
  /// With these members.
  explicit StoreScan(std::string p, std::size_t page_limit = 100, std::string start_after = {})
      : prefix(std::move(p)), after(std::move(start_after)), limit(page_limit) {}
  std::string prefix;  ///< "": all keys
  std::string after;   ///< "" from the beginning; otherwise `next` of the page before
  std::size_t limit;   ///< 1 to 1,000
};

/// A page of documents.
struct StorePage {
  std::vector<StoreItem> items;  ///< in byte order of their keys
  std::string next;              ///< pass as `after` for the page that follows; "" when this was the last
};

/// The longest key, in bytes; a longer one is cut by `bounded_key`.
inline constexpr std::size_t max_key_bytes = 1024;

/// The key as every backend stores it. A key of up to `max_key_bytes` is unchanged. A longer key is cut at a character
/// and ends in `~` and the SHA-256 of the whole key in hex; it is then `max_key_bytes` long, or a few bytes shorter. A
/// short key that looks like a cut key is treated like a long one, so that different keys stay different and nobody can
/// name the document of another key. For the same reason a key is passed through this function once.
std::string bounded_key(std::string key);

/// One part of a key, with `/`, `%` and control characters percent-encoded.
std::string key_part(std::string_view part);
/// Adds `key_part(part)` to `key`.
void append_key_part(std::string& key, std::string_view part);

}  // namespace tern
