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
inline std::uint16_t slot_of(std::string_view order_key) noexcept {
  return static_cast<std::uint16_t>(stable_hash(order_key) % slot_count);
}

/// `DueEntry::order_hash` of an order key. Keyed, and other in each process: strangers choose what order keys are made
/// of, and must not be able to make up one whose sends another one's wait for. It is never stored.
std::uint64_t order_hash_of(std::string_view order_key) noexcept;

/// Names one scheduled send for good: by its slot and id. Its text form is what a bot keeps.
struct SendHandle {
  std::uint16_t slot = 0;
  WallTime due{};  ///< when it was due when the handle was made: where a store looks first. It may have moved since
  std::array<std::uint8_t, 16> id{};

  std::string to_string() const;
  static std::optional<SendHandle> parse(std::string_view text);
  friend auto operator<=>(const SendHandle&, const SendHandle&) = default;
};

/// A new random id for a send (UUID version 4).
std::array<std::uint8_t, 16> new_send_id();

/// What a send promises, in 128 bits: equal for equal promises. All zero for none.
using SendDigest = std::array<std::uint8_t, 16>;

/// What an idempotency key stands for.
struct KnownKey {
  /// The handle that is valid now while the send is pending; the first one once it was sent, cancelled or given up.
  SendHandle handle;
  SendDigest digest{};  ///< what was kept with the key
};

/// What a send does when it is due.
enum class SendKind : std::uint8_t {
  activity,     ///< the payload is an activity, sent as it is
  continuation  ///< the payload is `{"name":...,"value":...}`: a registered handler runs in a turn
};

/// One scheduled send, whole.
struct ScheduledSend {
  SendHandle handle;
  std::uint64_t seq = 0;         ///< given by the store: the order of sends that are due at the same time
  std::uint32_t generation = 0;  ///< grows with each edit; outcomes of an older one are refused
  std::uint32_t attempt = 0;     ///< how often it was tried
  SendKind kind = SendKind::activity;
  std::string order_key;  ///< sends with the same key go out one at a time, in (due, seq) order
  std::string reference;  ///< JSON of the conversation reference
  std::string payload;    ///< JSON, see `kind`
  /// "" for none. A second send with the same key is not stored: the receipt has the handle of the one that the key
  /// stands for, whether that is pending or not, for seven days. A store has one set of keys. In one write with two
  /// sends of the same key the first stands.
  std::string idempotency_key;
  std::string client_request_id;
  /// Whose next message drops the send, as an edit of kind `reply` names them: a conversation for anybody in it, or a
  /// user in a conversation; "" for none.
  std::string cancel_on_reply;
  std::string annotations;  ///< JSON of what the layers above keep with it: recurrence, campaign, trace; or ""
  WallTime not_before{};    ///< a retry waits until then; `handle.due` never changes
  std::optional<WallTime> expires;
  std::uint16_t begun = 0;    ///< how often it was begun since its last outcome, if that is noted of it
  bool at_most_once = false;  ///< what may have arrived is not tried again

  // What is asked of the key when the send is stored. None is kept with the send.

  /// Kept with the key. A key that is known with another digest is a conflict (`StoreConflict::sends`). All zero: not
  /// compared, as with a key that was kept without one.
  SendDigest digest{};
  bool key_is_new = false;  ///< a key that is known is a conflict
  /// It comes from another store, and is kept as it is there: its key is neither looked up nor taken, since
  /// `StoreChanges::keys` brings that.
  bool is_copy = false;
};

/// An idempotency key as a store keeps it.
struct KeptKey {
  std::string key;
  KnownKey known;   ///< with the first handle
  WallTime came{};  ///< when the first send with this key was stored
};

/// A page of the keys that are not forgotten yet, in byte order.
struct KeyQuery {
  std::string after;         ///< `next` of the page before
  std::size_t limit = 1000;  ///< 1 to 1,000
};
struct KeyPage {
  std::vector<KeptKey> keys;
  std::string next;
};

/// A send that was given up. It can be sent again (`SendEdit::Kind::redrive`) until it is discarded, or makes room for
/// later ones.
struct DeadSend {
  ScheduledSend send;
  std::string reason;  ///< at most 512 bytes
  WallTime died{};
};

/// An edit of sends.
struct SendEdit {
  enum class Kind : std::uint8_t {
    cancel,      ///< a pending send is never sent
    reschedule,  ///< a pending send is due at `new_due`, as if it had never been tried; too late once it had begun
    redrive,     ///< a dead send is pending again, due at `new_due`, as if it had never been tried
    discard,     ///< a dead send is forgotten
    reply        ///< cancels the pending sends whose `cancel_on_reply` is `conversation`
  };
  SendEdit(Kind k, SendHandle h, WallTime when = {}) : kind(k), handle(h), new_due(when) {}
  /// For `reply`: `conversation`, or a user in it, as in `ScheduledSend::cancel_on_reply`.
  static SendEdit on_reply(std::string conversation) {
    SendEdit edit(Kind::reply, {});
    edit.conversation = std::move(conversation);
    return edit;
  }
  Kind kind;
  SendHandle handle;
  WallTime new_due;
  std::string conversation;
};

/// What became of an edit.
enum class EditOutcome : std::uint8_t {
  done,     ///< cancelled: it is never sent; moved: the receipt has the new handle; a reply: always
  too_late  ///< it is being sent, or was, or never existed; of a dead one: it is not kept any more
};

struct SlotLease {
  std::uint16_t slot = 0;
  std::uint64_t epoch = 0;        ///< the fencing token: grows with every change of owner
  SteadyTime until{};             ///< counted from before the lease was asked for
  SteadyTime::duration asleep{};  ///< `Clock::asleep` at that moment
};

/// The slots that an owner holds.
struct HeldSlots {
  std::vector<SlotLease> leases;
  std::uint16_t owners = 1;  ///< how many live owners there are, this one among them, whether they hold slots or not
  /// By how much the store's clock is ahead of this machine's, for a store that has one of its own. Sends are due by
  /// the machine's.
  std::optional<WallTime::duration> clock_ahead;
};

/// What became of a send that was due. Fenced: a stale `sent` is accepted, anything else that is stale is refused.
struct SendOutcome {
  enum class Kind : std::uint8_t {
    sent,     ///< the channel has it
    retry,    ///< it is tried again at `not_before`
    dead,     ///< given up for `reason`, and kept as a dead send
    expired,  ///< dropped, because it would have come too late
    begin     ///< none yet: noted before it is done, so that the next owner knows that it may have been done
  };
  SendOutcome(Kind k, SendHandle h, std::uint32_t g, SlotLease l) : kind(k), handle(h), generation(g), lease(l) {}
  Kind kind;
  SendHandle handle;
  std::uint32_t generation;
  SlotLease lease;
  std::uint32_t attempt = 0;
  WallTime not_before{};  ///< for `retry`
  /// For `retry`: how often it had been begun before this owner had it, when this one did not begin it and only puts it
  /// off. 0 when an attempt has ended.
  std::uint16_t begun = 0;
  std::string reason;  ///< for `dead`
  /// For `sent`, `dead` and `expired` of a recurring send: it stays pending under its id, as if new, and is due then.
  /// A dead occurrence is counted; it is not kept.
  std::optional<WallTime> next;
};

/// The sends of one slot due before `until`, oldest first.
struct DueQuery {
  SlotLease lease;
  WallTime until{};
  WallTime from{};              ///< a lower bound that is only an optimisation
  std::uint64_t after_seq = 0;  ///< continue a page: entries after (`from`, `after_seq`)
  std::size_t limit = 1000;
};

/// What the near window keeps in memory for one send. 56 bytes.
struct DueEntry {
  WallTime due{};  ///< when to send: the due time, or the `not_before` of a retry
  std::uint64_t seq = 0;
  std::uint64_t order_hash = 0;  ///< `order_hash_of` its order key
  std::array<std::uint8_t, 16> id{};
  std::uint32_t generation = 0;
  std::uint16_t slot = 0;
  std::uint16_t attempt = 0;
  /// Of the lease under which its record is fetched: under another one it is not handed out. 0: under any.
  std::uint64_t epoch = 0;
};

struct DuePage {
  std::vector<DueEntry> entries;
  bool more = false;
};

/// What came since it was last asked for.
struct LateSends {
  std::vector<DueEntry> entries;  ///< committed into a window that had been loaded before, of slots that are held
  bool free_slots = false;        ///< an owner has given slots back: they can be had before its lease would have ended
};

struct SendQuery {
  std::optional<std::string> order_key;  ///< sends of one conversation
  std::optional<SendHandle> handle;      ///< this one alone, if it is pending
  /// The one that this idempotency key stands for, if it is pending; the other members are not looked at.
  std::optional<std::string> idempotency_key;
  std::string after;        ///< `next` of the page before
  std::size_t limit = 100;  ///< 1 to 1,000
};

struct SendPage {
  std::vector<ScheduledSend> sends;
  std::string next;
  std::optional<KnownKey> known;  ///< of a query by idempotency key: what it stands for, pending or not
};

/// A page of dead sends, those that died first first.
struct DeadQuery {
  std::optional<std::string> order_key;  ///< sends of one conversation
  std::string after;                     ///< `next` of the page before
  std::size_t limit = 100;               ///< 1 to 1,000
};

struct DeadPage {
  std::vector<DeadSend> sends;
  std::string next;
};

/// How many sends there are, known without counting them. What several processes share may be a moment behind.
struct SendCounts {
  std::uint64_t pending = 0;
  std::uint64_t sent = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t expired = 0;
  std::uint64_t dead = 0;            ///< given up, whether they are kept or not
  std::uint64_t awaiting_reply = 0;  ///< of `pending`: those that a reply cancels
  std::uint64_t kept_dead = 0;       ///< of `dead`: those that can be sent again
  std::optional<WallTime> oldest;    ///< when the pending send that is due first is due
};

}  // namespace tern
