#pragma once

#include "schedule_keys.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tern::detail::rocks {

/// A pending send, and the place where it is stored.
struct StoredSend {
  ScheduledSend send;
  Place place;
};

/// A pending send as it is stored: a byte for the version of this format, then its fields. `place` is not among them:
/// it is the key.
std::string encode_send(const ScheduledSend& send);
/// nullopt when the bytes are no send that this version knows.
std::optional<ScheduledSend> decode_send(std::string_view bytes, const Place& place);

/// The entry of the near window for a send, and whether the send waits for a retry.
struct Waiting {
  DueEntry entry;
  bool is_retry = false;
};
/// Reads no more of the record than that takes. nullopt as for `decode_send`.
std::optional<Waiting> decode_waiting(std::string_view bytes, const Place& place);

/// A dead one.
std::string encode_dead(const DeadSend& dead);
std::optional<DeadSend> decode_dead(std::string_view bytes);

/// When the send is to be tried: a retry waits until its `not_before`.
inline bool is_retry(const ScheduledSend& send, const Place& place) noexcept {
  return send.not_before > place.due;
}

/// Its entry for the near window.
DueEntry entry_of(const ScheduledSend& send, const Place& place);

}  // namespace tern::detail::rocks
