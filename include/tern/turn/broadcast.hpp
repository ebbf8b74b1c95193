#pragma once

#include <tern/async/clock.hpp>
#include <tern/schema/conversation_reference.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern {

/// To whom a broadcast goes: a list, or every conversation that was captured when users wrote. Those that are gone
/// (`Proactive::find_reference`) are left out of the latter. Each conversation gets it once, also one that several
/// users have written in, or that a list names again; a thread of a Teams channel is a conversation of its own.
class Recipients {
 public:
  static Recipients of(std::vector<ConversationReference> references) {
    Recipients made;
    made.references_ = std::move(references);
    return made;
  }
  static Recipients channel(std::string channel_id) {
    Recipients made;
    made.channel_ = std::move(channel_id);
    return made;
  }
  /// Those whose `conversation.tenantId` is this.
  static Recipients tenant(std::string channel_id, std::string tenant_id) {
    auto made = channel(std::move(channel_id));
    made.tenant_ = std::move(tenant_id);
    return made;
  }

  const std::vector<ConversationReference>& references() const noexcept { return references_; }
  /// "" for a list.
  const std::string& channel_id() const noexcept { return channel_; }
  const std::optional<std::string>& tenant_id() const noexcept { return tenant_; }

 private:
  Recipients() = default;
  std::vector<ConversationReference> references_;
  std::string channel_;
  std::optional<std::string> tenant_;
};

/// How a broadcast is to go.
class BroadcastOptions {
 public:
  /// Sends a second, 1 to 1,000. The channel's limits are kept besides. Default: 20.
  BroadcastOptions& rate(std::uint32_t value) { return rate_ = value, *this; }
  /// The broadcast's id, 1 to 64 letters, digits, `-`, `_` and `.`: a second broadcast with the same id is not begun.
  /// Default: a new one.
  BroadcastOptions& id(std::string value) { return id_ = std::move(value), *this; }

  // What was set, by other names than those of the setters.

  std::uint32_t sends_a_second() const noexcept { return rate_; }
  /// "" for a new one.
  const std::string& given_id() const noexcept { return id_; }

 private:
  std::uint32_t rate_ = 20;
  std::string id_;
};

enum class BroadcastState : std::uint8_t {
  running,    ///< recipients are taken from the list or the store, a few seconds ahead of their sends
  paused,     ///< no more are taken until it is resumed
  cancelled,  ///< no more are taken
  done        ///< all were taken; those whose outcome is not known yet are pending
};

/// How far a broadcast is. `sent`, `dead` and `expired` are all of `scheduled` in the end, but for sends that were
/// cancelled one by one (`Proactive::cancel`, `cancel_all`).
struct BroadcastProgress {
  BroadcastState state = BroadcastState::running;
  std::uint64_t scheduled = 0;  ///< conversations taken so far
  std::uint64_t skipped = 0;    ///< references that are gone, of another tenant, or of a conversation that was taken
  std::uint64_t sent = 0;       ///< of `scheduled`: the channel has it
  std::uint64_t dead = 0;       ///< of `scheduled`: given up
  std::uint64_t expired = 0;    ///< of `scheduled`: dropped
  WallTime begun{};
  std::optional<WallTime> all_taken;  ///< when it was done or cancelled
};

/// What became of one conversation's message.
struct RecipientOutcome {
  enum class Kind : std::uint8_t { sent, dead, expired };
  Kind kind = Kind::sent;
  std::string user_id;  ///< to whom it was addressed; one of several in a group
  std::string conversation_id;
  std::string reason;  ///< of a dead one
  WallTime at{};
};

struct RecipientOutcomes {
  std::vector<RecipientOutcome> outcomes;
  std::string next;  ///< pass as `after` for the page that follows; "" when this was the last
};

}  // namespace tern
