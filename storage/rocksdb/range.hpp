#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tern::detail::rocks {

inline std::string_view view(const rocksdb::Slice& slice) noexcept {
  return {slice.data(), slice.size()};
}

/// An iterator and the bound that it keeps to.
class Range {
 public:
  /// From `begin` on and before `end`; "" for the end of the column family.
  Range(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::string& begin, std::string end)
      : end_(std::move(end)), upper_(end_) {
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = end_.empty() ? nullptr : &upper_;
    rows_.reset(db.NewIterator(options, family));
    rows_->Seek(begin);
  }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;

  rocksdb::Iterator& rows() noexcept { return *rows_; }

 private:
  const std::string end_;
  const rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> rows_;
};

}  // namespace tern::detail::rocks
