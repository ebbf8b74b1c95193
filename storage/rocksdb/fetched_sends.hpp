#pragma once

#include "schedule_record.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace tern::detail::rocks {

/// What the store needs of a send's record to remove it, for sends that were handed out to be sent. So the disk is not
/// read again when such a send has gone: at most of the sends, that is the next that happens to them.
///
/// What is kept is as the record is stored. Two rules see to that:
/// - Every write that may change a stored send takes or forgets it here, before the write, and if somebody else can
///   have read it meanwhile, also after the write.
/// - `keep` keeps nothing when something was forgotten since its `begin`: the record may have been read before the
///   write that changed it.
///
/// Thread safety: any thread.
class FetchedSends {
 public:
  /// How many bytes are kept, about. When there are more, all are forgotten.
  static constexpr std::size_t most_bytes = 16UL * 1024 * 1024;

  /// The send without the texts that its removal does not need.
  static StoredSend part_of(const StoredSend& stored);

  /// A number for `keep`. Called before the sends are claimed and read.
  std::uint64_t begin() const;
  /// Keeps parts of sends that are claimed.
  void keep(std::uint64_t begun, std::vector<StoredSend> parts);

  /// The part of a send; nullopt when it is not kept. It is not kept afterwards.
  std::optional<StoredSend> take(const SendId& id);
  /// The records of these sends may change, or have just changed.
  void forget(std::span<const SendId> ids);

 private:
  static std::size_t bytes_of(const ScheduledSend& send) noexcept;
  std::optional<StoredSend> remove(const SendId& id);

  mutable std::mutex mutex_;
  boost::unordered_flat_map<SendId, StoredSend, SendIdHash> parts_;
  std::size_t bytes_ = 0;
  std::uint64_t forgotten_ = 0;  // how often something was
};

}  // namespace tern::detail::rocks
