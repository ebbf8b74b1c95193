#pragma once

#include "runtime/conversation_key.hpp"
#include "runtime/delivery.hpp"
#include "turn/same_activity.hpp"

#include <tern/turn/identity.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace tern::runtime {

/// Tells whether an activity is a repetition. The key is made of the bot, the channel, the conversation, the sender,
/// the members that make two activities the same (`SameActivity`), the delivery, and the caller if there is an
/// authenticator: no caller gets an answer that was made for another. Activities with equal keys get one answer.
///
/// Lifetime: the key holds views into the activity, and refers to the caller.
struct ActivityKey {
  /// `from`: the caller; nullptr without an authenticator.
  ActivityKey(const ConversationKey& in, const detail::SameActivity& what, Delivery how,
              const Identity* from = nullptr) noexcept;

  /// The key as bytes, which may outlive the activity. Two keys are equal when their bytes are equal.
  std::string text() const;
  std::size_t text_size() const noexcept;
  /// Writes `text_size()` bytes.
  void write_text(char* into) const noexcept;

  ConversationKey conversation;
  detail::SameActivity same;
  Delivery delivery;
  const Identity* caller;
  std::uint64_t hash = 0;

  friend bool operator==(const ActivityKey& a, const ActivityKey& b) noexcept {
    return a.hash == b.hash && a.delivery == b.delivery && a.conversation == b.conversation && a.same == b.same &&
           (a.caller == b.caller ||
            (a.caller != nullptr && b.caller != nullptr && a.caller->is_same_caller(*b.caller)));
  }
};

}  // namespace tern::runtime
