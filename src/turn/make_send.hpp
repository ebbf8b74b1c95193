#pragma once

#include <tern/turn/proactive.hpp>

#include <string>
#include <string_view>

namespace tern::detail {

/// How far ahead a send may be scheduled.
inline constexpr std::chrono::hours send_horizon{24 * 366 * 5};

/// Checks that a send can be scheduled for this time.
/// Errors: `errc::invalid_argument`.
void require_in_horizon(WallTime now, WallTime due);

/// Checks that messages can be sent to a reference: it has a serviceUrl and a conversation id.
/// Errors: `errc::invalid_argument`.
void require_reachable(const ConversationReference& reference);

/// Addresses an activity to a conversation, not as a reply: it has a `replyToId` only if it had one before.
void address_proactive(Activity& activity, const ConversationReference& reference);

/// Notes which bot vouches for the reference (trust.hpp), on an activity that a sender is about to get.
void note_caller(Activity& activity, const ConversationReference& reference);

/// Makes a record for the schedule. The store adds the other members. `due` in the past means at once.
/// Errors: `errc::invalid_argument` for an unreachable reference, a key that is too long, a time beyond the horizon.
ScheduledSend make_activity_send(const std::string& bot_id, WallTime now, const ConversationReference& reference,
                                 WallTime due, Activity activity, const SendOptions& options);
ScheduledSend make_continuation_send(const std::string& bot_id, WallTime now, const ConversationReference& reference,
                                     WallTime due, const std::string& name, json::value value,
                                     const SendOptions& options);

/// The stored form of a caller's key; "" without a key. Keys of different conversations or scopes are never equal, and
/// no key of a caller is equal to a key that the framework makes. `conversation`: the `conversation_key`.
std::string stored_key(const SendOptions& options, const std::string& conversation);

/// A key as the caller gave it.
struct GivenKey {
  std::string key;
  KeyScope scope = KeyScope::bot;
};
GivenKey given_key(const std::string& stored);

/// The digest of a send's promise: its content, its recipient and its rule. The time of expiry is left out, because it
/// may differ at each delivery of the same activity. `what`: the activity before it is addressed, or the name and value
/// of the continuation. `rule`: the rule for the due time. Only the ids of the reference count: names and the service
/// URL may change between two deliveries.
SendDigest digest_of(const ScheduledSend& send, const ConversationReference& reference, std::string_view what,
                     std::string_view rule);

/// Notes in a send which activity's turn has scheduled it, for the logs: the first 128 bytes of the activity's id.
void note_trace(ScheduledSend& send, const Activity& activity);
/// The same, for a turn whose activity has no id.
void note_trace(ScheduledSend& send, std::string_view turn_id);

}  // namespace tern::detail
