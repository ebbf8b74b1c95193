#pragma once

#include "send_record.hpp"

#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace tern::detail {

/// A send that was given up, packed as it was.
struct DeadRecord {
  PackedSend send;
  std::string reason;
  WallTime died;
};

/// The dead sends, in the order in which they died. It keeps a bounded number and forgets the oldest.
///
/// Thread safety: none; the owner's mutex guards it.
class DeadTable {
 public:
  explicit DeadTable(std::uint64_t most) : most_(most) {}

  /// Instead of one with the same id, if there is one.
  void add(const PackedSend& send, std::string reason, WallTime now);
  /// nullptr when it is not kept.
  DeadRecord* find(const SendHandle& handle);
  /// Preconditions: it is kept.
  void erase(const DeadRecord& dead);
  /// Up to `query.limit` after the place `after`, and the place of the last; whether there are more.
  bool list(const DeadQuery& query, std::uint64_t after, std::vector<DeadRecord>& found, std::uint64_t& last) const;
  std::uint64_t size() const noexcept { return in_order_.size(); }

 private:
  static std::string key_of(const SendHandle& handle) { return {handle.id.begin(), handle.id.end()}; }
  using InOrder = std::map<std::uint64_t, DeadRecord>;

  std::uint64_t most_;
  std::uint64_t last_ = 0;
  InOrder in_order_;
  std::unordered_map<std::string, InOrder::iterator> by_id_;
};

}  // namespace tern::detail
