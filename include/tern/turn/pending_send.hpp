#pragma once

#include <tern/async/clock.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/conversation_reference.hpp>
#include <tern/storage/schedule_types.hpp>
#include <tern/turn/recurrence.hpp>
#include <tern/turn/send_options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tern {

/// A scheduled send as it was asked for, with what has become of it so far. It is a copy, which does not change when
/// the send does. Its members have the names that they have over HTTP (docs/proactive-http.md).
struct PendingSend {
  /// What happens when it is due.
  enum class Kind : std::uint8_t {
    activity,      ///< `activity` is sent
    continuation,  ///< the continuation runs with `value`
    broadcast      ///< the step by which a broadcast goes on; only a `DeadLetter` is one
  };
  SendHandle handle;                   ///< names it
  Kind kind = Kind::activity;          ///< what happens when it is due
  WallTime due{};                      ///< when it is due, by its options
  std::optional<WallTime> not_before;  ///< it is put off, or tried again, then
  std::optional<WallTime> expires;     ///< as `SendOptions::expires`
  std::uint32_t attempts = 0;          ///< the failures after which it was tried again
  ConversationReference reference;     ///< where it goes; the address is that of the time when it was asked for
  std::optional<Activity> activity;    ///< of the kind `activity`, as it is sent
  std::string continuation;            ///< of the kind `continuation`: its name
  json::value value;                   ///< of the kind `continuation`
  std::string broadcast;               ///< the id of the broadcast that it belongs to; "" for none
  std::string order_key;               ///< as `SendOptions::order_key`, or that of the conversation
  std::string key;  ///< as `SendOptions::key`, or the one that the framework gives the sends of turns
  KeyScope key_scope = KeyScope::bot;  ///< as `SendOptions::key`
  ///@{
  /// As the option of the same name.
  bool cancel_on_reply = false;
  bool at_most_once = false;
  bool strict = false;
  std::optional<Recurrence> every;
  std::optional<QuietHours> quiet_hours;
  std::string time_zone = "UTC";
  ///@}
  std::string scheduled_by;  ///< the id of the activity whose turn asked for it; "" when there is none

  /// When it is tried next: `due`, or `not_before`.
  WallTime next_try() const { return not_before.value_or(due); }
};

/// Asks for a page of pending sends, by due time.
struct PendingQuery {
  std::optional<std::string> order_key;  ///< sends with this key alone; see `Proactive::order_key`
  std::optional<SendHandle> handle;      ///< this send alone, if it is pending
  std::string after;                     ///< `next` of the page before
  std::size_t limit = 100;               ///< 1 to 1,000
};

/// A page of pending sends.
struct PendingPage {
  std::vector<PendingSend> sends;  ///< by due time; a page may have fewer than were asked for
  std::string next;                ///< pass as `after` for the page that follows; "" when this was the last
};

}  // namespace tern
