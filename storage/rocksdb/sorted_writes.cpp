#include "sorted_writes.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace tern::detail::rocks {

namespace {

// Big-endian and filled up with zeros, so that it is in the order of the bytes.
std::uint64_t prefix_of(std::string_view key) noexcept {
  constexpr std::size_t prefix_bytes = sizeof(std::uint64_t);
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < prefix_bytes; ++i) {
    prefix = prefix << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
  }
  return prefix;
}

}  // namespace

void SortedWrites::put(rocksdb::ColumnFamilyHandle* family, std::string_view key, std::string value) {
  add(family, key, std::move(value), false);
}

void SortedWrites::remove(rocksdb::ColumnFamilyHandle* family, std::string_view key) {
  add(family, key, {}, true);
}

void SortedWrites::add(rocksdb::ColumnFamilyHandle* family, std::string_view key, std::string value, bool removes) {
  writes_.push_back({prefix_of(key), family, family->GetID(), static_cast<std::uint32_t>(keys_.size()),
                     static_cast<std::uint32_t>(key.size()), removes, std::move(value)});
  keys_ += key;
}

bool SortedWrites::comes_before(std::uint32_t a, std::uint32_t b) const noexcept {
  const auto& left = writes_[a];
  const auto& right = writes_[b];
  if (left.family_id != right.family_id) {
    return left.family_id < right.family_id;
  }
  if (left.prefix != right.prefix) {
    return left.prefix < right.prefix;
  }
  const auto order = key_of(left).compare(key_of(right));
  return order != 0 ? order < 0 : a < b;
}

void SortedWrites::move_to(rocksdb::WriteBatch& batch) {
  order_.resize(writes_.size());
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(), [this](std::uint32_t a, std::uint32_t b) { return comes_before(a, b); });
  rocksdb::Status status;
  for (const auto i : order_) {
    const auto& write = writes_[i];
    const auto key = key_of(write);
    status = write.removes ? batch.Delete(write.family, rocksdb::Slice(key))
                           : batch.Put(write.family, rocksdb::Slice(key), rocksdb::Slice(write.value));
    if (!status.ok()) {
      break;
    }
  }
  clear();
  if (!status.ok()) {
    throw_error(errc::storage_unavailable, "RocksDB could not take a send into its batch: " + status.ToString());
  }
}

void SortedWrites::clear() noexcept {
  writes_.clear();
  keys_.clear();
  order_.clear();
}

}  // namespace tern::detail::rocks
