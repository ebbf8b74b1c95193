#pragma once

#include <tern/async/clock.hpp>
#include <tern/schema/conversation_reference.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern {

/// The recipients of a broadcast: a list, or all conversations that were captured when users wrote. A captured
/// conversation that is gone (`Proactive::find_reference`) is left out. Each conversation gets the message once, even
/// when several users have written in it, or a list names it twice. A thread of a Teams channel is a conversation of
/// its own.
class Recipients {
 public:
  /// These conversations.
  static Recipients of(std::vector<ConversationReference> references) {
    Recipients made;
    made.references_ = std::move(references);
    return made;
  }
  /// All captured conversations of this channel.
  static Recipients channel(std::string channel_id) {
    Recipients made;
    made.channel_ = std::move(channel_id);
    return made;
  }
  /// The captured conversations of this channel whose `conversation.tenantId` is `tenant_id`.
  static Recipients tenant(std::string channel_id, std::string tenant_id) {
    auto made = channel(std::move(channel_id));
    made.tenant_ = std::move(tenant_id);
    return made;
  }

  /// The list; empty when there is none.
  const std::vector<ConversationReference>& references() const noexcept { return references_; }
  /// The channel; "" for a list.
  const std::string& channel_id() const noexcept { return channel_; }
  /// The tenant; absent for a list and for a whole channel.
  const std::optional<std::string>& tenant_id() const noexcept { return tenant_; }

 private:
  Recipients() = default;
  std::vector<ConversationReference> references_;
  std::string channel_;
  std::optional<std::string> tenant_;
};

/// Options of a broadcast.
class BroadcastOptions {
 public:
  /// Sends in a second, 1 to 1,000. The limits of the channel are kept as well. Default: 20.
  BroadcastOptions& rate(std::uint32_t value) { return rate_ = value, *this; }
  /// The id of the broadcast: 1 to 64 letters, digits, hyphens, underscores and dots. A second broadcast with the same
  /// id is not begun. Default: a new one.
  BroadcastOptions& id(std::string value) { return id_ = std::move(value), *this; }

  // The readers have other names than the setters.

  /// The rate that was set.
  std::uint32_t sends_a_second() const noexcept { return rate_; }
  /// The id that was set; "" for a new one.
  const std::string& given_id() const noexcept { return id_; }

 private:
  std::uint32_t rate_ = 20;
  std::string id_;
};

/// The state of a broadcast.
enum class BroadcastState : std::uint8_t {
  running,    ///< recipients are taken from the list or the store, a few seconds ahead of their sends
  paused,     ///< no more recipients are taken until it is resumed
  cancelled,  ///< no more recipients are taken
  done        ///< all recipients were taken; sends without an outcome are pending
};

/// The progress of a broadcast. In the end `sent`, `dead` and `expired` together are `scheduled`, but for sends that
/// were cancelled one by one (`Proactive::cancel`, `cancel_all`).
struct BroadcastProgress {
  BroadcastState state = BroadcastState::running;  ///< its state
  std::uint64_t scheduled = 0;                     ///< conversations taken so far
  std::uint64_t skipped =
      0;                   ///< references that are gone, of another tenant, or of a conversation that was taken before
  std::uint64_t sent = 0;  ///< of `scheduled`: the channel has it
  std::uint64_t dead = 0;  ///< of `scheduled`: given up
  std::uint64_t expired = 0;          ///< of `scheduled`: dropped
  WallTime begun{};                   ///< when it began
  std::optional<WallTime> all_taken;  ///< when it was done or cancelled
};

/// The outcome of the message to one conversation.
struct RecipientOutcome {
  /// Taken by the channel, given up, or dropped.
  enum class Kind : std::uint8_t { sent, dead, expired };
  Kind kind = Kind::sent;       ///< the outcome
  std::string user_id;          ///< the user to whom it was addressed; in a group one of several
  std::string conversation_id;  ///< the conversation
  std::string reason;           ///< why it was given up
  WallTime at{};                ///< when the outcome was known
};

/// A page of outcomes.
struct RecipientOutcomes {
  std::vector<RecipientOutcome> outcomes;  ///< one for each conversation
  std::string next;                        ///< pass as `after` for the page that follows; "" when this was the last
};

}  // namespace tern
