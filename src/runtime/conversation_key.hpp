#pragma once

#include "async/keyed_hash.hpp"

#include <cstdint>
#include <string_view>

namespace tern::runtime {

/// Names a conversation among all. Two are one when channel and id are equal; the hash of both, which is reckoned once,
/// finds them sooner and says where a conversation is at home.
///
/// Lifetime: views into an activity.
struct ConversationKey {
  ConversationKey(std::string_view of_channel, std::string_view with_id) noexcept : channel(of_channel), id(with_id) {
    detail::KeyedHasher hasher;
    hasher.add(channel);
    hasher.add(id);
    hash = hasher.hash();
  }
  std::uint64_t hash = 0;
  std::string_view channel;
  std::string_view id;
  friend bool operator==(const ConversationKey& a, const ConversationKey& b) noexcept {
    return a.hash == b.hash && a.id == b.id && a.channel == b.channel;
  }
};

}  // namespace tern::runtime
