#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tern::detail::rocks {

/// Writes that go into a batch family by family and in the order of their keys, which RocksDB's sorted lists take at
/// half the price: each key is then looked for from where the one before it went. Of two writes of one key the later
/// one stays the later one.
class SortedWrites {
 public:
  /// `family`, `key` and `value` are copied or moved in.
  void put(rocksdb::ColumnFamilyHandle* family, std::string_view key, std::string value = {});
  void remove(rocksdb::ColumnFamilyHandle* family, std::string_view key);
  /// Puts all into `batch` and forgets them.
  /// Errors: `errc::storage_unavailable`; then they are forgotten as well.
  void move_to(rocksdb::WriteBatch& batch);
  void clear() noexcept;
  bool empty() const noexcept { return writes_.empty(); }

 private:
  struct Write {
    std::uint64_t prefix;  ///< the first bytes of the key, which mostly tell two apart
    rocksdb::ColumnFamilyHandle* family;
    std::uint32_t family_id;
    std::uint32_t key_begin;
    std::uint32_t key_bytes;
    bool removes;
    std::string value;
  };
  void add(rocksdb::ColumnFamilyHandle* family, std::string_view key, std::string value, bool removes);
  std::string_view key_of(const Write& write) const noexcept {
    return std::string_view(keys_).substr(write.key_begin, write.key_bytes);
  }
  bool comes_before(std::uint32_t a, std::uint32_t b) const noexcept;

  std::vector<Write> writes_;
  std::string keys_;  ///< of all, one after the other
  std::vector<std::uint32_t> order_;
};

}  // namespace tern::detail::rocks
