#pragma once

#include "runtime/conversation_key.hpp"
#include "runtime/delivery.hpp"
#include "turn/same_activity.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace tern::runtime {

/// Names an activity among all, as it asks for its answer: bot, channel, conversation, sender, what makes it the same
/// activity (`SameActivity`), and the delivery. Two are one when all of it is equal.
///
/// Lifetime: views into the activity.
struct ActivityKey {
  ActivityKey(const ConversationKey& in, const detail::SameActivity& what, Delivery how) noexcept;

  /// All of it as bytes, for what outlives the activity: of two keys they are equal when the keys are.
  std::string text() const;
  std::size_t text_size() const noexcept;
  /// Writes `text_size()` bytes.
  void write_text(char* into) const noexcept;

  ConversationKey conversation;
  detail::SameActivity same;
  Delivery delivery;
  std::uint64_t hash = 0;

  friend bool operator==(const ActivityKey& a, const ActivityKey& b) noexcept {
    return a.hash == b.hash && a.delivery == b.delivery && a.conversation == b.conversation && a.same == b.same;
  }
};

}  // namespace tern::runtime
