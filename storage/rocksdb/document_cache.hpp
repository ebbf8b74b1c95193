#pragma once

#include "async/keyed_hash.hpp"

#include <tern/storage.hpp>

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::detail::rocks {

/// The documents that were read or written last, and keys that the disk was asked for in vain: bounded, those that were
/// not used for long go first. This process alone writes the folder, so what is here is true, and neither a turn's read
/// nor what a write expects needs RocksDB, whose newest writes are a sorted list that is searched from its beginning.
///
/// A read must be of one moment. So while a write is on its way to the disk its keys are *in doubt*: who reads one of
/// them asks RocksDB, for all its keys. And what was read from RocksDB holds, for the cache and beside what the cache
/// knew, only if no write of the same keys has begun or ended since: keys share `marks`, each counting the writes that
/// touched it.
///
/// Thread safety: any thread.
class DocumentCache {
 public:
  explicit DocumentCache(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}
  ~DocumentCache();
  DocumentCache(const DocumentCache&) = delete;
  DocumentCache& operator=(const DocumentCache&) = delete;

  /// A key with its hash, which is reckoned once for all that is done with it. The text is the caller's.
  struct Name {
    explicit Name(std::string_view key) noexcept : Name(key, keyed_hash(key)) {}
    Name(std::string_view key, std::size_t its_hash) noexcept : text(key), hash(its_hash) {}
    std::string_view text;
    std::size_t hash;
  };

  /// A document as the cache has it, for all who hold it; the writer changes it in place when nobody else does.
  struct Text : boost::intrusive_ref_counter<Text, boost::thread_safe_counter> {
    explicit Text(std::string_view document) : bytes(document) {}
    std::string bytes;
  };
  using TextPtr = boost::intrusive_ptr<Text>;

  /// What is known of some keys at one moment.
  struct Look {
    struct Key {
      std::size_t hash = 0;
      bool known = false;
      std::uint32_t mark = 0;
      boost::intrusive_ptr<const Text> text;  ///< null: absent
      std::uint64_t etag = 0;
    };
    boost::container::small_vector<Key, 4> keys;  ///< a turn reads three
    std::size_t unknown = 0;
    bool in_doubt = false;  ///< a write of one of them is under way: RocksDB is asked for all

    /// Of all keys, once `found` has what RocksDB said of those that are not known.
    StoreItems items(std::vector<std::string> names, const StoreItems& found) const;
  };
  Look look(const std::vector<std::string>& keys);
  /// Where RocksDB found it. In memory that a key is absent is told by filters, which is cheaper than keeping it here.
  enum class From : std::uint8_t { memory, disk };
  /// Keeps what RocksDB said of the keys that were not known, as far as it still holds. Whether all of it does, so that
  /// what was known and what was found are of one moment.
  bool keep(const std::vector<std::string>& keys, const Look& look, const StoreItems& found, From from);

  /// The eTag of a document, 0 when it is known to be absent; nullopt when it is not known.
  struct Known {
    Name name;
    std::optional<std::uint64_t> etag;
  };
  /// For the one writer.
  void look_up(std::vector<Known>& keys) const;

  /// One document as a write leaves it; a null text when it is removed. Both are the caller's.
  struct Change {
    Name name;
    const std::string* text;
    std::uint64_t etag;
  };
  /// Puts the keys in doubt, until `end_write`. When it throws, none is.
  void begin_write(const std::vector<Change>& changes);
  /// `written`: it is on the disk. Otherwise its keys are forgotten.
  void end_write(const std::vector<Change>& changes, bool written) noexcept;

 private:
  struct Entry : boost::intrusive::list_base_hook<> {
    explicit Entry(const Name& name) : key(name.text), hash(name.hash) {}
    Name name() const noexcept { return Name(key, hash); }

    const std::string key;
    const std::size_t hash;
    bool used = false;  // since it was last considered for going
    TextPtr text;
    std::uint64_t etag = 0;
  };
  struct Hash {
    using is_avalanching = void;
    std::size_t operator()(const Name& name) const noexcept { return name.hash; }
  };
  struct Equal {
    bool operator()(const Name& a, const Name& b) const noexcept { return a.hash == b.hash && a.text == b.text; }
  };
  struct Mark {
    std::uint32_t writes = 0;
    std::uint32_t under_way = 0;
  };
  using Map = boost::unordered_flat_map<Name, std::unique_ptr<Entry>, Hash, Equal>;  // the names are of the entries

  // So many that few keys share one with a write that is under way.
  static constexpr std::size_t mark_count = 65'536;
  static std::uint64_t bytes_of(const Entry& entry) noexcept;
  Mark& mark_of(std::size_t hash) noexcept { return marks_[hash % mark_count]; }
  Entry& entry_of(const Name& name);
  /// `text`: null when the document is absent. `ready`: its copy, if there is one already; what was there is left in
  /// it. What there is no memory for is forgotten.
  void put(const Name& name, const std::string* text, TextPtr& ready, std::uint64_t etag) noexcept;
  void forget(const Name& name);
  void shrink();

  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::vector<Mark> marks_ = std::vector<Mark>(mark_count);
  Map entries_;
  // Those to go are at the end. Its order is left alone by a use, which only marks the entry: readers and the writer
  // are on different cores, and each would wait for the other's neighbours.
  boost::intrusive::list<Entry> in_order_;
  std::uint64_t bytes_ = 0;
  std::vector<TextPtr> ready_;  // of the writer alone; kept for its memory
};

}  // namespace tern::detail::rocks
