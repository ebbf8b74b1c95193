#pragma once

#include <tern/storage/schedule_types.hpp>

#include <string>

namespace tern::detail {

/// Whether a send with a known idempotency key is refused; otherwise it is taken for the send that the key stands for.
/// `promised`: the send's digest. `kept`: the digest that was kept with the key. All stores have this rule.
inline bool is_refused(bool key_is_new, const SendDigest& promised, const SendDigest& kept) noexcept {
  constexpr SendDigest none{};
  return key_is_new || (promised != none && kept != none && promised != kept);
}

/// The key under which a send is looked up, and which it takes; "" for none.
inline const std::string& key_to_take(const ScheduledSend& send) noexcept {
  static const std::string none;
  return send.is_copy ? none : send.idempotency_key;
}

}  // namespace tern::detail
