#pragma once

#include <tern/storage.hpp>

#include <boost/intrusive/list.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tern::detail::rocks {

/// The documents that were read or written last, and the keys that were found absent: bounded, the least recently used
/// go first. This process alone writes the folder, so what is here is true, and neither a turn's read nor what a write
/// expects needs RocksDB, whose newest writes are a sorted list that is searched from its beginning.
///
/// A read must be of one moment. So while a write is on its way to the disk its keys are *in doubt*: who reads one of
/// them asks RocksDB, for all its keys. And what was read from RocksDB is kept only if no write of the same keys has
/// begun or ended since: keys share `marks`, each counting the writes that touched it.
///
/// Thread safety: any thread.
class DocumentCache {
 public:
  explicit DocumentCache(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}
  ~DocumentCache();
  DocumentCache(const DocumentCache&) = delete;
  DocumentCache& operator=(const DocumentCache&) = delete;

  /// The documents of all keys at one moment; nullopt when one of them is not known.
  std::optional<StoreItems> read(const std::vector<std::string>& keys);

  /// Taken before RocksDB is asked.
  using Marks = std::vector<std::uint64_t>;
  Marks marks(const std::vector<std::string>& keys) const;
  /// Keeps what RocksDB said, if it still holds.
  void keep(const std::vector<std::string>& keys, const Marks& marks, const StoreItems& found);

  /// The eTag of a document, 0 when it is known to be absent; nullopt when it is not known. For the one writer.
  std::optional<std::uint64_t> etag(std::string_view key) const;

  /// One document as a write leaves it; a null text when it is removed. The key is the caller's.
  struct Change {
    const std::string* key;
    std::shared_ptr<const std::string> text;
    std::uint64_t etag;
  };
  /// Puts the keys in doubt, until `end_write`.
  void begin_write(const std::vector<Change>& changes);
  /// `written`: it is on the disk. Otherwise its keys are forgotten.
  void end_write(const std::vector<Change>& changes, bool written);

 private:
  struct Entry : boost::intrusive::list_base_hook<> {
    std::string_view key;  // of the map's own
    std::shared_ptr<const std::string> text;
    std::uint64_t etag = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>()(key); }
  };
  struct Mark {
    std::uint64_t writes = 0;
    std::uint32_t under_way = 0;
  };
  using Map = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  using Version = std::pair<std::shared_ptr<const std::string>, std::uint64_t>;

  static constexpr std::size_t mark_count = 4096;
  static std::uint64_t bytes_of(const Entry& entry) noexcept;
  Mark& mark_of(std::string_view key) { return marks_[Hash()(key) % mark_count]; }
  const Mark& mark_of(std::string_view key) const { return marks_[Hash()(key) % mark_count]; }
  std::optional<std::vector<Version>> find_all(const std::vector<std::string>& keys);
  void put(const std::string& key, std::shared_ptr<const std::string> text, std::uint64_t etag);
  void forget(std::string_view key);
  void shrink();

  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::array<Mark, mark_count> marks_{};
  Map entries_;
  boost::intrusive::list<Entry> used_;  // the most recently used first
  std::uint64_t bytes_ = 0;
};

}  // namespace tern::detail::rocks
