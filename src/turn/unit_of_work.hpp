#pragma once

#include "turn/environment.hpp"
#include "turn/turn_sends.hpp"

#include <tern/schema/activity.hpp>
#include <tern/schema/block_pool.hpp>
#include <tern/schema/json_pool.hpp>
#include <tern/storage.hpp>
#include <tern/turn/state.hpp>

#include <boost/container/small_vector.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::detail {

/// What a turn reads and changes: state documents, scheduled sends, the conversation's reference. Read once, written
/// once, all or nothing, with the eTags that were read.
///
/// Keys and texts move into what is written, keys are made anew for a turn that goes on after it: very many turns wait
/// for a write, and what each of them holds meanwhile is memory that others find cold.
class UnitOfWork : public Pooled<UnitOfWork> {
 public:
  UnitOfWork(TurnEnvironment& environment, const Activity& activity);

  /// The member `name` of a scope's document; nullptr when absent.
  awaitable<const json::value*> get(StateScope scope, std::string name);
  awaitable<void> set(StateScope scope, std::string name, json::value value, KeepUnknown keep);
  awaitable<void> erase(StateScope scope, std::string name);
  /// Applies `change` now, and again by itself if another writer came between.
  awaitable<void> update(StateScope scope, std::function<void(json::object&)> change);
  awaitable<void> clear(StateScope scope);
  awaitable<void> remove(StateScope scope);
  /// Errors: `errc::state_mismatch`, which names the document.
  [[noreturn]] void throw_state_mismatch(StateScope scope, const StateMismatch& mismatch) const;

  /// For a turn whose activity has no id, and that runs again after a crash: what its sends have their keys from
  /// instead.
  void name_turn(std::string id) { sends_.name_turn(std::move(id)); }

  /// Adds a send. One made without a key gets one from the activity's id and its place in the turn, or from the turn's
  /// name and what is sent, and has a digest of what it promises.
  SendHandle schedule(ScheduledSend send) { return sends_.add(std::move(send)); }
  /// The handle of the send that a caller's key stands for, as it is stored: one of this turn, or of the store.
  awaitable<std::optional<SendHandle>> find_known(std::string key) { return sends_.find_known(std::move(key)); }
  /// Takes back a send that is not committed yet; false when there is none with this handle.
  bool unschedule(const SendHandle& handle) noexcept { return sends_.drop(handle); }
  /// Moves a send that is not committed yet; nullopt when there is none with this handle.
  std::optional<SendHandle> reschedule(const SendHandle& handle, WallTime when) { return sends_.move(handle, when); }

  /// Writes the reference with the next commit, also when the turn fails. One that cannot be stored fails no turn: it
  /// is left out, and counted.
  void capture_reference(std::string key, std::string document);
  /// A reference was not stored.
  bool reference_lost() const noexcept { return reference_lost_; }
  /// Deletes references with the next commit.
  void forget_reference(std::string key);
  bool references_pending() const noexcept { return !reference_upserts_.empty() || !reference_removals_.empty(); }

  bool has_changes() const noexcept;
  /// At the end of a turn what its documents were like is not kept any longer.
  enum class After : std::uint8_t { turn_goes_on, turn_ends };
  /// Errors: `errc::conflict`; the storage's own.
  awaitable<void> commit(After after);
  /// A commit is under way.
  bool is_committing() const noexcept { return committing_; }
  /// The turn has ended, and what is changed from now on would be written by nobody: it throws `errc::turn_ended`.
  void close() noexcept { closed_ = true; }
  void require_open() const;
  /// Forgets what is not committed, but for references. Documents are read anew on their next use.
  void discard() noexcept;

 private:
  struct Document {
    bool exists = false;                 // the activity has all that its key is made of
    std::string key;                     // "" once it has gone with a write
    json::object content{json_pool()};   // where what is parsed comes from, so that it is moved, not copied
    std::optional<std::string> stored;   // its text, "" when absent; nullopt when it is not kept
    std::string next_text;               // what a commit is writing, if that is kept
    std::string etag;                    // "" when absent
    std::optional<std::size_t> written;  // which of the upserts that a commit is writing
    bool stale = false;                  // is to be read, or read again
    bool touched = false;
    bool removed = false;
    bool replayable = true;  // all changes came through `update`
    boost::container::small_vector<std::function<void(json::object&)>, 1> replays;
  };

  bool is_loaded(StateScope scope) const noexcept {
    const auto& entry = documents_[static_cast<std::size_t>(scope)];
    return loaded_ &&
           (scope != StateScope::private_conversation || (entry.exists && !entry.stale) || !activity_.from_id());
  }
  awaitable<void> ensure_loaded(StateScope scope);
  awaitable<void> read_stale();
  std::string key_of(StateScope scope) const;
  /// Gives back the keys that have gone.
  void name_documents();
  Document& document(StateScope scope);
  static void take(Document& document, StoreItem* item);
  StoreChanges collect_changes(After after);
  bool can_replay(const std::vector<std::string>& keys) const noexcept;
  void settle(const StoreReceipt& receipt);
  bool is_only_reference(const StoreChanges& changes) const noexcept;
  void lose_reference(std::string_view why);
  awaitable<void> resolve(std::vector<std::string> keys, int attempt);
  void apply(StateScope scope, const std::function<void(json::object&)>& change);
  void replay(const std::vector<std::string>& keys);

  TurnEnvironment& environment_;
  const Activity& activity_;
  std::array<Document, 3> documents_;
  bool loaded_ = false;
  bool committing_ = false;
  bool reference_lost_ = false;
  bool closed_ = false;
  TurnSends sends_;
  std::vector<StoreUpsert> reference_upserts_;
  std::vector<StoreRemoval> reference_removals_;
};

}  // namespace tern::detail
