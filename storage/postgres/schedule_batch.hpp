#pragma once

#include "async/keyed_hash.hpp"
#include "schedule_state.hpp"
#include "storage/schedule_rules.hpp"

#include <tern/storage.hpp>

#include <array>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tern::detail::pg {

/// A write that is misuse: which one, and why. Nothing of its transaction may be committed.
class Misuse : public std::runtime_error {
 public:
  Misuse(const StoreChanges& changes, const std::string& message) : std::runtime_error(message), changes_(&changes) {}
  const StoreChanges* changes() const noexcept { return changes_; }

 private:
  const StoreChanges* changes_;
};

/// Writes with sends whose keys are known although they must be new: the writes, and their sends. Nothing of their
/// transaction may be committed.
class Refused : public std::exception {
 public:
  using Writes = std::map<const StoreChanges*, std::vector<KnownSend>>;
  explicit Refused(Writes writes) : writes_(std::move(writes)) {}
  const Writes& writes() const noexcept { return writes_; }
  const char* what() const noexcept override { return "an idempotency key is known"; }

 private:
  Writes writes_;
};

/// The schedule's part of one transaction. It applies the sends, edits and outcomes of each write, in the order of
/// arrival, to the pending sends. The server is told only the final state of each send.
///
/// `look_up`, then `apply` for each write, then `store`, all inside the transaction; and `finish` after it.
/// Lifetime: the writes outlive it.
/// Errors: `Failure`, `Misuse`, `Refused`.
class ScheduleBatch {
 public:
  struct Part {
    const StoreChanges* changes = nullptr;
    StoreReceipt* receipt = nullptr;
  };

  /// `lane`: whose counts are added to.
  ScheduleBatch(Session& session, ScheduleState& state, std::int32_t lane, SteadyTime cut_at);
  ~ScheduleBatch();
  ScheduleBatch(const ScheduleBatch&) = delete;
  ScheduleBatch& operator=(const ScheduleBatch&) = delete;

  static bool concerns(const StoreChanges& changes) noexcept {
    return !changes.sends.empty() || !changes.edits.empty() || !changes.outcomes.empty() || !changes.keys.empty() ||
           !changes.dead.empty();
  }

  /// Makes the partitions that the writes need. Called before the transaction, which must not hold locks that this
  /// waits for.
  void prepare(const std::vector<const StoreChanges*>& writes);

  /// Throws `Refused` with all writes that the store's keys refuse: they come back together, not one by one.
  void look_up(const std::vector<Part>& parts);
  /// As the rules of the schedule say (`storage::ScheduleWrite`).
  void apply(const Part& part);
  void store();
  /// The transaction is committed. Without this call it was undone, or nobody knows.
  void finish();

 private:
  class Book;
  using ScheduleRules = storage::ScheduleRules;
  using SendState = storage::SendState;

  /// The state of a pending send.
  struct Pending {
    SendState state;
    std::uint64_t seq = 0;
    std::uint64_t order_hash = 0;  ///< as it is stored: `stable_hash` of the order key
    std::uint64_t order = 0;       ///< `order_hash_of` it
    std::string cancel_on_reply;
  };
  struct Item {
    SendId id{};
    std::uint16_t slot = 0;
    std::optional<Pending> before;  ///< as it is stored
    std::optional<Pending> now;
    const ScheduledSend* fresh = nullptr;  ///< a new one: its record
    const StoreChanges* from = nullptr;    ///< of a new one
    bool redriven = false;                 ///< its record is among the dead
    bool ended = false;                    ///< an outcome ended its sending
    bool edited = false;                   ///< kept from being claimed until the end of the transaction
  };
  struct Dead {
    SendId id{};
    std::uint16_t slot = 0;
    Pending send;  ///< as it died, but for what a send that is pending again does not keep
    bool gone = false;
  };
  /// The send that an idempotency key stands for: a stored one, or one of this transaction.
  struct First {
    KnownKey key;
    std::optional<WallTime> moved_to;
  };
  struct Slot {
    std::uint64_t epoch = 0;
    bool owned = false;
    bool expired = true;
  };
  using Wanted = std::set<std::tuple<std::uint16_t, std::int64_t, SendId>>;

  const ScheduleStatements& statements() const noexcept { return state_.statements; }
  pqxx::result run(const Statement& statement, const Session::Parameters& parameters);

  void look_up_slots(const std::set<std::uint16_t>& slots);
  void look_up_replied(const std::vector<Part>& parts, Wanted& wanted);
  void look_up_pending(const Wanted& wanted);
  void look_up_missing(const std::vector<Part>& parts);
  void look_up_dead(const std::vector<Part>& parts);
  void look_up_keys(const std::vector<Part>& parts);
  std::set<SendId> claim_keys(const std::map<std::string, const ScheduledSend*>& first);
  void look_up_known(const std::map<std::string, const ScheduledSend*>& first);
  void store_kept_keys();
  void store_kept_dead();

  Item* find(const SendHandle& handle);
  /// The send that a key stands for, with the handle that is valid now.
  std::optional<KnownKey> known_by(const std::string& key) const;
  std::vector<KnownSend> refused_sends(const StoreChanges& changes) const;
  void note_ends(const Part& part, std::size_t refused_before);
  void end_sendings();
  void tell_of_new();
  bool may_edit(Item& item);
  bool may_edit_from_afar(const Item& item) const;
  bool is_held_here(std::uint16_t slot) const;
  Pending& insert(Item made, Pending pending);

  void store_new();
  void store_redriven();
  void store_buried();
  void store_changed();
  void store_gone();
  void store_gone_dead();
  void store_places();
  void store_inbox();
  void store_counts();
  /// Whether the owner of a pending send has to be told of it.
  static bool is_news(const Item& item) noexcept {
    const auto before = item.before ? std::optional(item.before->state.generation) : std::nullopt;
    return ScheduleRules::is_news(before, item.now->state.generation);
  }
  static DueEntry entry_of(const Item& item, const Pending& pending);

  Session& session_;
  ScheduleState& state_;
  const std::int32_t lane_;
  const SteadyTime cut_at_;
  const WallTime now_;
  std::map<std::uint16_t, Slot> slots_;
  std::map<SendId, Item> items_;
  std::map<SendId, Dead> dead_;
  std::unordered_map<std::string, First, KeyedHash> firsts_;
  std::map<std::string_view, const KeptKey*> kept_keys_;            // from another store
  std::vector<std::pair<const DeadSend*, std::string>> kept_dead_;  // likewise, and the reason that is kept
  std::map<std::string, std::vector<SendId>> replied_;
  std::vector<std::pair<const SendOutcome*, bool>> ends_;  ///< all outcomes but of a beginning; whether accepted
  bool stored_ = false;                                    ///< and not finished
  std::vector<SendId> edits_;
  std::vector<std::pair<SendId, std::string>> buried_;  ///< and the reason, in the order in which they died
  storage::CountChanges added_;
  std::vector<std::pair<StoreReceipt*, std::pair<std::size_t, SendId>>> seqs_;
};

}  // namespace tern::detail::pg
