#pragma once

#include "async/keyed_hash.hpp"
#include "database.hpp"
#include "fetched_sends.hpp"
#include "low_bounds.hpp"
#include "schedule_record.hpp"
#include "sorted_writes.hpp"
#include "storage/schedule_rules.hpp"
#include "storage/send_claims.hpp"

#include <tern/async/clock.hpp>

#include <rocksdb/write_batch.h>

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace tern::detail::rocks {

/// The counts and numbers of the schedule, stored with each batch that changes them.
struct ScheduleState {
  SendCounts counts;  ///< but for `oldest`
  std::uint64_t last_seq = 0;
  std::uint64_t last_dead = 0;   ///< number of the dead send that died last
  std::uint64_t first_dead = 1;  ///< no dead send that is kept has a lower one

  std::string encode() const;
  static std::optional<ScheduleState> decode(std::string_view bytes);
};

/// The schedule's part of a batch of writes, for the one thread that commits. It applies the sends, edits and outcomes
/// of each write, in the order of arrival, to the pending sends. As with documents, RocksDB is given only the final
/// state of each send.
///
/// For each batch: `look_up`, then `require` and `apply` for each write that goes through, `fill`, and `finish`.
/// Lifetime: the writes outlive `finish`.
class ScheduleWriter {
 public:
  ScheduleWriter(Database& database, storage::SendClaims& claims, LowBounds& bounds, FetchedSends& fetched,
                 Clock& clock, ScheduleState state)
      : database_(database),
        claims_(claims),
        bounds_(bounds),
        fetched_(fetched),
        clock_(clock),
        state_(std::move(state)),
        counts_(state_.counts) {}

  static bool concerns(const StoreChanges& changes) noexcept {
    return !changes.sends.empty() || !changes.edits.empty() || !changes.outcomes.empty() || !changes.keys.empty() ||
           !changes.dead.empty();
  }

  /// Finds the stored records of all sends in the writes.
  void look_up(std::span<const StoreChanges* const> writes);
  /// The sends whose keys are known although they must be new. Called before `require`, which such a write does not
  /// reach.
  std::vector<KnownSend> refused(const StoreChanges& changes) const;
  /// Throws `invalid_argument` for a send that is pending already, `storage_unavailable` for one that cannot be read.
  void require(const StoreChanges& changes) const;
  /// As the rules of the schedule say (`storage::ScheduleWrite`).
  void apply(const StoreChanges& changes, StoreReceipt& receipt);
  /// Whether the batch has anything for the disk.
  bool fill(rocksdb::WriteBatch& batch);
  /// The batch is on the disk, or nothing of it is.
  void finish(bool written);

  /// Callable from any thread.
  SendCounts counts() const;

 private:
  using Pending = StoredSend;
  /// One send that the batch concerns.
  struct Item {
    std::optional<Pending> before;  ///< as it is stored
    std::optional<Pending> now;
    std::exception_ptr error;  ///< the stored record cannot be read
    bool ended = false;        ///< an outcome ended its sending: it may be claimed again, or edited in this batch
    bool edited = false;       ///< kept from being claimed until `finish`
    bool changed = false;
  };
  struct Dead {
    std::uint64_t number = 0;
    DeadSend dead;
    bool is_stored = false;
    bool gone = false;
  };
  /// A sending that an outcome of the batch has ended.
  struct Ended {
    std::uint16_t slot = 0;
    SendId id{};
    std::uint32_t generation = 0;
  };
  class Book;
  using ScheduleRules = storage::ScheduleRules;
  using SendState = storage::SendState;
  using Items = std::unordered_map<SendId, Item, SendIdHash>;

  void begin_batch();
  void look_up_outcomes(const StoreChanges& changes, std::vector<SendId>& pending);
  void look_up_edits(const StoreChanges& changes, std::vector<SendId>& pending, std::vector<SendId>& dead);
  void look_up_pending(const std::vector<SendId>& ids);
  void look_up_dead(const std::vector<SendId>& ids);
  /// And the ids of the sends that they stand for.
  void look_up_first(const std::vector<const std::string*>& keys, std::vector<SendId>& pending);
  std::vector<SendId> find_replied(const std::string& conversation) const;

  /// The send that a key stands for, with the handle that is valid now.
  std::optional<KnownKey> known_by(const std::string& key) const;
  Item* find(const SendHandle& handle);
  void keep_dead(DeadSend send);
  std::uint64_t insert(ScheduledSend send, const SendState& state);

  void forget_changed();
  void fill_item(const SendId& id, const Item& item);
  void remove_before(const SendId& id, const Item& item);
  void fill_dead();
  void forget_oldest_dead();

  Database& database_;
  storage::SendClaims& claims_;
  LowBounds& bounds_;
  FetchedSends& fetched_;
  Clock& clock_;
  ScheduleState state_;
  mutable std::mutex counts_mutex_;
  SendCounts counts_;  ///< of what is on the disk

  // Of the batch under way.
  ScheduleState state_before_;
  WallTime now_{};
  Items items_;
  std::vector<Ended> ended_;
  std::vector<std::pair<SendId, SlotLease>> taken_;  ///< sends with outcomes of the owners of their slots
  std::vector<SendId> unkept_;                       ///< other sends whose records may change
  std::unordered_map<SendId, Dead, SendIdHash> dead_;
  std::unordered_map<std::string, KnownKey, KeyedHash> firsts_;
  std::vector<std::pair<std::string, FirstSend>> new_firsts_;
  std::unordered_map<std::string, std::vector<SendId>, KeyedHash> replied_;
  bool concerned_ = false;
  SortedWrites writes_;
};

}  // namespace tern::detail::rocks
