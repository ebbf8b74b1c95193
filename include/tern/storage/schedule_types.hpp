#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage/types.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tern {

/// How many slots the schedule is divided into. Stored with every send, so it never changes.
inline constexpr std::uint16_t slot_count = 64;

/// The frozen 64-bit hash behind slots and shards (FNV-1a with a final mix; test vectors in the schedule's tests).
std::uint64_t stable_hash(std::string_view bytes) noexcept;
/// The slot of an order key.
inline std::uint16_t slot_of(std::string_view order_key) noexcept {
  return static_cast<std::uint16_t>(stable_hash(order_key) % slot_count);
}

/// `DueEntry::order_hash` of an order key. The hash has a key that each process draws at random, because strangers
/// choose the ids that order keys are made of: nobody can make up an order key with the hash of another one, and so
/// hold up its sends. The hash is never stored.
std::uint64_t order_hash_of(std::string_view order_key) noexcept;

/// Names one scheduled send for good, by its slot and id. A bot keeps the text form.
struct SendHandle {
  std::uint16_t slot = 0;             ///< of its order key
  WallTime due{};                     ///< its due time when the handle was made; a store looks there first
  std::array<std::uint8_t, 16> id{};  ///< random

  /// The text form: letters, digits, `-` and `_`.
  std::string to_string() const;
  /// From the text form; nullopt for any other text.
  static std::optional<SendHandle> parse(std::string_view text);
  /// By slot, due time and id.
  friend auto operator<=>(const SendHandle&, const SendHandle&) = default;
};

/// A new random id for a send (UUID version 4).
std::array<std::uint8_t, 16> new_send_id();

/// A digest of the promise of a send, in 128 bits: equal promises have equal digests. All zero: no digest.
using SendDigest = std::array<std::uint8_t, 16>;

/// The send that an idempotency key stands for.
struct KnownKey {
  /// The handle that is valid now while the send is pending; the first one once it was sent, cancelled or given up.
  SendHandle handle;
  SendDigest digest{};  ///< that is kept with the key
};

/// The kind of a send: what happens when it is due.
enum class SendKind : std::uint8_t {
  activity,     ///< the payload is an activity, sent as it is
  continuation  ///< the payload is `{"name":...,"value":...}`: a registered handler runs in a turn
};

/// One scheduled send, whole.
struct ScheduledSend {
  SendHandle handle;                   ///< names it
  std::uint64_t seq = 0;               ///< given by the store: the order of sends that are due at the same time
  std::uint32_t generation = 0;        ///< grows with each edit; outcomes of an older one are refused
  std::uint32_t attempt = 0;           ///< how often it was tried
  SendKind kind = SendKind::activity;  ///< what `payload` is
  std::string order_key;               ///< sends with the same key go out one at a time, in (due, seq) order
  std::string reference;               ///< JSON of the conversation reference
  std::string payload;                 ///< JSON, see `kind`
  /// "" for none. For seven days a second send with the same key is not stored: the receipt has the handle of the send
  /// that the key stands for, whether that send is pending or not. A store has one set of keys. Of two sends with the
  /// same key in one write the first is stored.
  std::string idempotency_key;
  std::string client_request_id;  ///< `x-ms-client-request-id`, the same at each attempt
  /// The name of those whose next message cancels the send, as an edit of the kind `reply` has it: a conversation (any
  /// participant), or a user in a conversation. "" for nobody.
  std::string cancel_on_reply;
  std::string annotations;          ///< JSON that the layers above keep with it: recurrence, broadcast, trace; or ""
  WallTime not_before{};            ///< a retry waits until then; `handle.due` never changes
  std::optional<WallTime> expires;  ///< it is dropped when it is not sent by then
  std::uint16_t begun = 0;          ///< how often it was begun since its last outcome, for sends that are noted before
  bool at_most_once = false;        ///< it is not tried again when it may have arrived

  // Conditions on the key when the send is stored. They are not kept with the send.

  /// Kept with the key. A key that is known with another digest is a conflict (`StoreConflict::sends`). A digest of
  /// zeros is not compared, and neither is a key that was kept without a digest.
  SendDigest digest{};
  bool key_is_new = false;  ///< a known key is a conflict
  /// The send is copied from another store and kept as it is there. Its key is neither looked up nor taken, because
  /// `StoreChanges::keys` copies the keys.
  bool is_copy = false;
};

/// An idempotency key as a store keeps it.
struct KeptKey {
  std::string key;  ///< as `ScheduledSend::idempotency_key`
  KnownKey known;   ///< with the first handle
  WallTime came{};  ///< when the first send with this key was stored
};

/// Asks for a page of the keys that are not forgotten yet, in byte order.
struct KeyQuery {
  std::string after;         ///< `next` of the page before
  std::size_t limit = 1000;  ///< 1 to 1,000
};
/// A page of idempotency keys.
struct KeyPage {
  std::vector<KeptKey> keys;  ///< in byte order
  std::string next;           ///< pass as `after` for the page that follows; "" when this was the last
};

/// A send that was given up. It can be sent again (`SendEdit::Kind::redrive`) until it is discarded, or forgotten to
/// make room for later ones.
struct DeadSend {
  ScheduledSend send;  ///< as it was
  std::string reason;  ///< why it was given up, at most 512 bytes
  WallTime died{};     ///< when it was given up
};

/// A change of a stored send, or, for `reply`, of several.
struct SendEdit {
  /// What is done.
  enum class Kind : std::uint8_t {
    cancel,      ///< a pending send is never sent
    reschedule,  ///< a pending send is due at `new_due`, as if it had never been tried; too late once it has begun
    redrive,     ///< a dead send is pending again, due at `new_due`, as if it had never been tried
    discard,     ///< a dead send is forgotten
    reply        ///< cancels the pending sends whose `cancel_on_reply` is `conversation`
  };
  /// An edit of one send; `when` is its new due time.
  SendEdit(Kind k, SendHandle h, WallTime when = {}) : kind(k), handle(h), new_due(when) {}
  /// For `reply`: `conversation`, or a user in it, as in `ScheduledSend::cancel_on_reply`.
  static SendEdit on_reply(std::string conversation) {
    SendEdit edit(Kind::reply, {});
    edit.conversation = std::move(conversation);
    return edit;
  }
  Kind kind;                 ///< what is done
  SendHandle handle;         ///< to which send, but for `reply`
  WallTime new_due;          ///< for `reschedule` and `redrive`
  std::string conversation;  ///< for `reply`
};

/// The result of an edit.
enum class EditOutcome : std::uint8_t {
  done,     ///< a cancelled send is never sent; of a moved one the receipt has the new handle; a reply is always done
  too_late  ///< it is being sent, was sent, or never existed; a dead one is not kept any more
};

/// The right of an owner to a slot, for a while.
struct SlotLease {
  std::uint16_t slot = 0;         ///< below `slot_count`
  std::uint64_t epoch = 0;        ///< the fencing token: grows with every change of owner
  SteadyTime until{};             ///< counted from before the lease was asked for
  SteadyTime::duration asleep{};  ///< `Clock::asleep` at that moment
};

/// The slots that an owner holds.
struct HeldSlots {
  std::vector<SlotLease> leases;  ///< one for each slot
  std::uint16_t owners = 1;       ///< how many live owners there are, with or without slots, this one included
  /// By how much the store's clock is ahead of this machine's; absent for a store without a clock of its own. Sends are
  /// due by the clock of the machine.
  std::optional<WallTime::duration> clock_ahead;
};

/// The result of an attempt to send. It is fenced by lease and generation: a stale `sent` is accepted, because it is a
/// fact; any other stale outcome is refused.
struct SendOutcome {
  /// What came of the attempt.
  enum class Kind : std::uint8_t {
    sent,     ///< the channel has it
    retry,    ///< it is tried again at `not_before`
    dead,     ///< given up for `reason`, and kept as a dead send
    expired,  ///< dropped, because it would have come too late
    begin     ///< nothing yet: written before the attempt, so that the next owner knows that it may have been made
  };
  /// With these members.
  SendOutcome(Kind k, SendHandle h, std::uint32_t g, SlotLease l) : kind(k), handle(h), generation(g), lease(l) {}
  Kind kind;                  ///< what came of the attempt
  SendHandle handle;          ///< of which send
  std::uint32_t generation;   ///< of the record that was handed out
  SlotLease lease;            ///< under which it was handed out
  std::uint32_t attempt = 0;  ///< how often it was tried
  WallTime not_before{};      ///< for `retry`: when it is tried again
  /// For `retry`: how often earlier owners had begun the send, when this owner only puts it off and has not begun it. 0
  /// when an attempt has ended.
  std::uint16_t begun = 0;
  std::string reason;  ///< for `dead`: why
  /// For `sent`, `dead` and `expired` of a recurring send: when it is due next. It stays pending under its id, as if
  /// new. A dead occurrence is counted, and not kept.
  std::optional<WallTime> next;
};

/// Asks for the sends of one slot that are due before `until`, the earliest first.
struct DueQuery {
  SlotLease lease;              ///< of the slot
  WallTime until{};             ///< an upper bound, exclusive
  WallTime from{};              ///< a lower bound; an optimisation only
  std::uint64_t after_seq = 0;  ///< continue a page: entries after (`from`, `after_seq`)
  std::size_t limit = 1000;     ///< entries of a page
};

/// An entry of the near window in memory, for one send. 56 bytes.
struct DueEntry {
  WallTime due{};                     ///< when to send: the due time, or the `not_before` of a retry
  std::uint64_t seq = 0;              ///< as `ScheduledSend::seq`
  std::uint64_t order_hash = 0;       ///< `order_hash_of` its order key
  std::array<std::uint8_t, 16> id{};  ///< as `SendHandle::id`
  std::uint32_t generation = 0;       ///< as `ScheduledSend::generation`
  std::uint16_t slot = 0;             ///< as `SendHandle::slot`
  std::uint16_t attempt = 0;          ///< as `ScheduledSend::attempt`
  /// The epoch of the lease under which the record is asked for. Under another lease it is not handed out. 0: under
  /// any.
  std::uint64_t epoch = 0;
};

/// A page of sends that are due.
struct DuePage {
  std::vector<DueEntry> entries;  ///< in the order of sending
  bool more = false;              ///< whether there are more before `until`
};

/// News of other processes since the last call.
struct LateSends {
  std::vector<DueEntry> entries;  ///< committed into a window that was loaded before, in held slots
  bool free_slots = false;        ///< an owner has released slots, which can be taken at once
  bool more = false;              ///< there may be more entries, to be asked for at once
};

/// Asks for a page of pending sends, by due time.
struct SendQuery {
  std::optional<std::string> order_key;  ///< sends of one conversation
  std::optional<SendHandle> handle;      ///< this send alone, if it is pending
  /// The send that this idempotency key stands for, if it is pending. The other members are ignored.
  std::optional<std::string> idempotency_key;
  std::string after;        ///< `next` of the page before
  std::size_t limit = 100;  ///< 1 to 1,000
};

/// A page of pending sends.
struct SendPage {
  std::vector<ScheduledSend> sends;  ///< by due time
  std::string next;                  ///< pass as `after` for the page that follows; "" when this was the last
  std::optional<KnownKey> known;     ///< for a query by idempotency key: the send it stands for, pending or not
};

/// Asks for a page of dead sends, the oldest death first.
struct DeadQuery {
  std::optional<std::string> order_key;  ///< sends of one conversation
  std::string after;                     ///< `next` of the page before
  std::size_t limit = 100;               ///< 1 to 1,000
};

/// A page of dead sends.
struct DeadPage {
  std::vector<DeadSend> sends;  ///< the oldest death first
  std::string next;             ///< pass as `after` for the page that follows; "" when this was the last
};

/// How many sends there are; the store knows it without counting. On a shared store it may be a moment behind.
struct SendCounts {
  std::uint64_t pending = 0;         ///< not sent yet
  std::uint64_t sent = 0;            ///< taken by their channels
  std::uint64_t cancelled = 0;       ///< cancelled
  std::uint64_t expired = 0;         ///< dropped, because they would have come too late
  std::uint64_t dead = 0;            ///< given up, whether they are kept or not
  std::uint64_t awaiting_reply = 0;  ///< of `pending`: cancelled by a reply
  std::uint64_t kept_dead = 0;       ///< of `dead`: kept, and can be sent again
  std::optional<WallTime> oldest;    ///< the earliest due time of a pending send
};

}  // namespace tern
