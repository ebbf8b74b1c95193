#pragma once

#include "schedule_record.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace tern::detail::rocks {

/// The records of sends that were handed out to be sent, until their outcomes come. An outcome needs the record, and
/// the disk need not be read again for it.
///
/// A record that is kept is the record that is stored. Two rules see to that:
/// - Every write that may change a stored send takes its record, or forgets it, before and after the write.
/// - `keep` keeps nothing when something was forgotten since its `begin`: the record may have been read before the
///   write that changed it.
///
/// Thread safety: any thread.
class FetchedSends {
 public:
  /// How many bytes of records are kept, about. When there are more, all are forgotten.
  static constexpr std::size_t most_bytes = 16UL * 1024 * 1024;

  /// A number for `keep`. Called before the sends are claimed and read.
  std::uint64_t begin() const;
  /// Keeps the records of sends that are claimed.
  void keep(std::uint64_t begun, std::vector<StoredSend> sends);

  /// The record of a send whose claim ends; nullopt when it is not kept. It is not kept afterwards.
  std::optional<StoredSend> take(const SendId& id);
  /// The records of these sends may change, or have just changed.
  void forget(std::span<const SendId> ids);

 private:
  static std::size_t bytes_of(const ScheduledSend& send) noexcept;
  std::optional<StoredSend> remove(const SendId& id);

  mutable std::mutex mutex_;
  std::unordered_map<SendId, StoredSend, SendIdHash> sends_;
  std::size_t bytes_ = 0;
  std::uint64_t forgotten_ = 0;  // how often something was
};

}  // namespace tern::detail::rocks
