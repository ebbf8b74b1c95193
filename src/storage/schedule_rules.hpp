#pragma once

#include <tern/storage/schedule_types.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace tern::storage {

/// The part of a send that the rules of the schedule read and change. The rest of its record stays as it came.
struct SendState {
  WallTime due{};
  WallTime
      not_before{};  ///< a retry waits until then, which is after `due`; `WallTime{}` for a send that does not wait
  std::uint32_t generation = 0;
  std::uint32_t attempt = 0;
  std::uint16_t begun = 0;
  bool awaits_reply = false;  ///< a reply cancels it

  bool is_retry() const noexcept { return not_before > due; }
  /// When it is to be sent.
  WallTime effective_due() const noexcept { return std::max(due, not_before); }
  friend bool operator==(const SendState&, const SendState&) = default;
};

/// Changes of the counts of a store.
struct CountChanges {
  std::int64_t pending = 0;
  std::int64_t sent = 0;
  std::int64_t cancelled = 0;
  std::int64_t expired = 0;
  std::int64_t dead = 0;
  std::int64_t awaiting_reply = 0;
  std::int64_t kept_dead = 0;

  CountChanges& operator+=(const CountChanges& more) noexcept;
  void add_to(SendCounts& counts) const noexcept;
  friend bool operator==(const CountChanges&, const CountChanges&) = default;
};

/// The fate of the record of a send.
enum class Fate : std::uint8_t {
  stays,    ///< it stays as it is
  changes,  ///< it is pending as `Ruling::now` says
  ends,     ///< it is removed
  dies      ///< it is removed and kept as a dead send
};

/// The decision of the rules on one outcome or one edit.
struct Ruling {
  bool accepted = false;  ///< the outcome is not stale; the edit is done
  Fate fate = Fate::stays;
  SendState now{};            ///< the state of the send afterwards, if its fate is to change
  bool ends_sending = false;  ///< nobody is sending it any more: it may be handed out, or edited
  CountChanges counts{};
};

/// The rules of the schedule: what an outcome, an edit or a new send does to a record and to the counts. Every store
/// follows them; a store itself only looks records up and keeps them. What SQL has to say of them stands in
/// `schedule_statements.cpp` of the Postgres backend, with the name of the rule, and the conformance suite compares
/// each store with these functions.
///
/// Thread safety: pure functions.
class ScheduleRules {
 public:
  /// `SendState::begun` counts up to this and stays there: what every store can keep.
  static constexpr std::uint16_t most_begun = std::numeric_limits<std::int16_t>::max();

  /// The state that a record holds, in the form that the rules know.
  static SendState state_of(const ScheduledSend& send) noexcept;
  static void put(const SendState& state, ScheduledSend& send) noexcept;

  /// Whether only the owner of the slot may report the outcome. A send that went out is a fact, whoever reports it.
  /// What happens to a send that did not go out is for the present owner to decide.
  static bool needs_owner(const SendOutcome& outcome) noexcept { return outcome.kind != SendOutcome::Kind::sent; }

  /// `pending`: the send that the outcome names, nullptr when it is not pending. `owned`: the outcome's lease is that
  /// of the send's slot, and is held; not asked of an outcome that needs no owner.
  static Ruling outcome(const SendState* pending, const SendOutcome& outcome, bool owned) noexcept;

  /// A cancellation or a move. `pending`: as for `outcome`. `is_free`: nobody is sending it.
  static Ruling edit(const SendState* pending, const SendEdit& edit, bool is_free) noexcept;

  /// A cancellation, by an edit or by the reply that the send waits for.
  static Ruling cancel(const SendState& pending, bool is_free) noexcept;

  /// A dead send is to be sent again at `due`. `dead`: nullptr when it is not kept. It gets a new number in the order
  /// of commit.
  static Ruling redrive(const SendState* dead, WallTime due) noexcept;
  /// A dead send is to be forgotten.
  static Ruling discard(bool is_kept) noexcept;
  /// A new send, whose key, if it has one, is new.
  static Ruling add(const ScheduledSend& send) noexcept;
  /// A dead send that comes from another store.
  static CountChanges keep_dead() noexcept;

  /// The handle that an idempotency key stands for: the handle that is valid now while its send is pending, and the
  /// first handle otherwise. `due_now`: when the send is due, if it is pending.
  static KnownKey valid_now(const KnownKey& first, std::optional<WallTime> due_now) noexcept {
    return {{first.handle.slot, due_now.value_or(first.handle.due), first.handle.id}, first.digest};
  }

  /// An attempt as `DueEntry::attempt` has it.
  static std::uint16_t entry_attempt(std::uint32_t attempt) noexcept {
    constexpr std::uint32_t most = std::numeric_limits<std::uint16_t>::max();
    return static_cast<std::uint16_t>(std::min(attempt, most));
  }
  /// Whether an entry of the near window still names the send as it stands.
  static bool is_current(const DueEntry& entry, std::uint32_t generation, std::uint32_t attempt) noexcept {
    return entry.generation == generation && entry.attempt == entry_attempt(attempt);
  }
  /// Whether the owner of its slot has to be told of a send that is stored with this generation: it is new, or due at
  /// another time. Its owner knows of a retry, since it asked for it. `before`: the generation that was stored.
  static bool is_news(std::optional<std::uint32_t> before, std::uint32_t generation) noexcept {
    return before != generation;
  }

  /// Why it is misuse to store a new send whose id is pending already.
  static std::string pending_already(const SendHandle& handle);

 private:
  static SendState renewed(const SendState& send, WallTime due) noexcept;
  static Ruling settle(const SendState& pending, const SendOutcome& outcome) noexcept;
  static CountChanges removal_of(const SendState& pending) noexcept;
};

}  // namespace tern::storage
