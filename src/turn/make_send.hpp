#pragma once

#include <tern/turn/proactive.hpp>

#include <string>
#include <string_view>

namespace tern::detail {

/// The furthest a send may lie ahead.
inline constexpr std::chrono::hours send_horizon{24 * 366 * 5};

/// Checks that a time is one for which a send can be kept.
/// Errors: `errc::invalid_argument`.
void require_in_horizon(WallTime now, WallTime due);

/// Checks that a reference can be written to: serviceUrl and conversation id are there.
/// Errors: `errc::invalid_argument`.
void require_reachable(const ConversationReference& reference);

/// Addresses an activity to a conversation, as something said there of its own accord: it keeps a `replyToId` only
/// if it has one.
void address_proactive(Activity& activity, const ConversationReference& reference);

/// A record for the schedule, complete but for what the store gives it. `due` in the past means at once.
/// Errors: `errc::invalid_argument` for an unreachable reference, a key that is too long, a time beyond the horizon.
ScheduledSend make_activity_send(const std::string& bot_id, WallTime now, const ConversationReference& reference,
                                 WallTime due, Activity activity, const SendOptions& options);
ScheduledSend make_continuation_send(const std::string& bot_id, WallTime now, const ConversationReference& reference,
                                     WallTime due, const std::string& name, json::value value,
                                     const SendOptions& options);

/// The key as it is stored: no two of different conversations, scopes or callers meet, nor one of a caller and one that
/// the framework makes. "" when there is none. `conversation`: its `conversation_key`.
std::string stored_key(const SendOptions& options, const std::string& conversation);

/// A caller's key as it was given, of a stored one.
struct GivenKey {
  std::string key;
  KeyScope scope = KeyScope::bot;
};
GivenKey given_key(const std::string& stored);

/// What the send promises to whom, but for when it expires, which has no form that is the same at every delivery of a
/// turn. `what`: the activity before it is addressed, or the continuation's name and value; `rule`: by which it is due.
/// Of the reference only ids count: names and the address of the service may change between two deliveries.
SendDigest digest_of(const ScheduledSend& send, const ConversationReference& reference, std::string_view what,
                     std::string_view rule);

/// Says with a send which activity's turn scheduled it, for the logs. The first 128 bytes of its id.
void note_trace(ScheduledSend& send, const Activity& activity);
/// As above, for a turn that no activity with an id began.
void note_trace(ScheduledSend& send, std::string_view turn_id);

}  // namespace tern::detail
