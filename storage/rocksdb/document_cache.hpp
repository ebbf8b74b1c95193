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

/// The documents that were read or written last, and keys that the disk does not have. It is bounded; documents that
/// were not used for long are removed first. Only this process writes the folder, so the cache is always right, and
/// neither a turn's read nor the condition of a write has to ask RocksDB, whose newest writes are a sorted list that
/// is searched from its beginning.
///
/// A read must be of one moment. So while a write is on its way to the disk, its keys are *in doubt*: a reader of one
/// of them asks RocksDB for all its keys. An answer of RocksDB may be put into the cache, and combined with the
/// content of the cache, only if no write of the same keys has begun or ended meanwhile: keys share `marks`, each of
/// which counts the writes that touched it.
///
/// Thread safety: any thread.
class DocumentCache {
 public:
  explicit DocumentCache(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}
  ~DocumentCache();
  DocumentCache(const DocumentCache&) = delete;
  DocumentCache& operator=(const DocumentCache&) = delete;

  /// A key with its hash, which is computed once. The text is the caller's.
  struct Name {
    explicit Name(std::string_view key) noexcept : Name(key, keyed_hash(key)) {}
    Name(std::string_view key, std::size_t its_hash) noexcept : text(key), hash(its_hash) {}
    std::string_view text;
    std::size_t hash;
  };

  /// A document of the cache, shared with its readers; the writer changes it in place when it has no other reader.
  struct Text : boost::intrusive_ref_counter<Text, boost::thread_safe_counter> {
    explicit Text(std::string_view document) : bytes(document) {}
    std::string bytes;
  };
  using TextPtr = boost::intrusive_ptr<Text>;

  /// The content of the cache for some keys at one moment.
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

    /// The items of all keys, once `found` has RocksDB's answers for the keys that the cache did not have.
    StoreItems items(std::vector<std::string>&& names, const StoreItems& found) const;
  };
  Look look(const std::vector<std::string>& keys);
  /// Where RocksDB found the key. Filters tell quickly that a key is not in memory, so such an absence is not kept
  /// here.
  enum class From : std::uint8_t { memory, disk };
  /// Keeps RocksDB's answers for the keys that the cache did not have, as far as they are still valid. Returns whether
  /// all of them are, so that the content of the cache and the answers are of one moment.
  bool keep(const std::vector<std::string>& keys, const Look& look, const StoreItems& found, From from);

  /// The eTag of a document; 0 when the cache knows that it is absent; nullopt when the cache does not know it.
  struct Known {
    Name name;
    std::optional<std::uint64_t> etag;
  };
  /// For the one writer.
  void look_up(std::vector<Known>& keys) const;

  /// One document after a write; a null text when the document is removed. Both are the caller's.
  struct Change {
    Name name;
    const std::string* text;
    std::uint64_t etag;
  };
  /// Puts the keys in doubt, until `end_write`. If it throws, none of them is in doubt.
  void begin_write(const std::vector<Change>& changes);
  /// `written`: the write is on the disk. Otherwise its keys are forgotten.
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

  // Enough marks that few keys share one with a write under way.
  static constexpr std::size_t mark_count = 65'536;
  static std::uint64_t bytes_of(const Entry& entry) noexcept;
  Mark& mark_of(std::size_t hash) noexcept { return marks_[hash % mark_count]; }
  Entry& entry_of(const Name& name);
  /// `text`: null when the document is absent. `ready`: a copy of it, if there is one already; the old text is left in
  /// it. A document for which there is no memory is forgotten.
  void put(const Name& name, const std::string* text, TextPtr& ready, std::uint64_t etag) noexcept;
  void forget(const Name& name);
  void shrink();

  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::vector<Mark> marks_ = std::vector<Mark>(mark_count);
  Map entries_;
  // Documents that are removed next are at the end. A use does not change the order, and only marks the entry: readers
  // and the writer are on different cores, and each would wait for the neighbours of the other's entry.
  boost::intrusive::list<Entry> in_order_;
  std::uint64_t bytes_ = 0;
  std::vector<TextPtr> ready_;  // of the writer alone; kept for its memory
};

}  // namespace tern::detail::rocks
