#pragma once

#include "async/keyed_hash.hpp"

#include <cstdint>
#include <string_view>

namespace tern::runtime {

/// The key of a conversation: its channel and its id. The hash of both is computed once; it makes lookups fast and
/// decides which shard is the home of the conversation.
///
/// Lifetime: the key holds views into an activity.
struct ConversationKey {
  ConversationKey(std::string_view of_channel, std::string_view with_id) noexcept : channel(of_channel), id(with_id) {
    detail::KeyedHasher hasher;
    hasher.add({channel, id});
    hash = hasher.hash();
  }
  std::uint64_t hash = 0;
  std::string_view channel;
  std::string_view id;
  friend bool operator==(const ConversationKey& a, const ConversationKey& b) noexcept {
    return &a == &b || (a.hash == b.hash && a.id == b.id && a.channel == b.channel);
  }
};

}  // namespace tern::runtime
