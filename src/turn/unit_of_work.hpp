#pragma once

#include "pools/block_pool.hpp"
#include "turn/environment.hpp"
#include "turn/turn_sends.hpp"

#include <tern/schema/activity.hpp>
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

/// Everything that a turn reads and changes: state documents, scheduled sends, the reference of the conversation. It is
/// read once and written once, all or nothing, with the eTags that were read.
///
/// Keys and texts are moved into the write, and keys are made anew when the turn goes on afterwards. Very many turns
/// may wait for a write at the same time, so each of them must keep little memory while it waits.
class UnitOfWork : public Pooled<UnitOfWork> {
 public:
  UnitOfWork(TurnEnvironment& environment, const Activity& activity);

  /// The member `name` of a scope's document; nullptr when absent.
  awaitable<const json::value*> get(StateScope scope, std::string name);
  awaitable<void> set(StateScope scope, std::string name, json::value value, KeepUnknown keep);
  awaitable<void> erase(StateScope scope, std::string name);
  /// Applies `change` now. The commit applies it again if another writer has changed the document meanwhile.
  awaitable<void> update(StateScope scope, std::function<void(json::object&)> change);
  awaitable<void> clear(StateScope scope);
  awaitable<void> remove(StateScope scope);
  /// Throws `errc::state_mismatch`; the message names the document.
  [[noreturn]] void throw_state_mismatch(StateScope scope, const StateMismatch& mismatch) const;

  /// Sets the id that the keys of the turn's sends are made from. For a scheduled continuation, whose activity has no
  /// id, and which runs again after a crash.
  void name_turn(std::string id) { sends_.name_turn(std::move(id)); }

  /// Adds a send. A send without a key gets one from the activity's id and its position in the turn, or from the turn's
  /// id and the content. See `TurnSends`.
  SendHandle schedule(ScheduledSend send) { return sends_.add(std::move(send)); }
  /// The handle of the send that a caller's key stands for, in this turn or in the store. `key`: in its stored form.
  awaitable<std::optional<SendHandle>> find_known(std::string key) { return sends_.find_known(std::move(key)); }
  /// Removes a send that is not committed yet; false when there is none with this handle.
  bool unschedule(const SendHandle& handle) noexcept { return sends_.drop(handle); }
  /// Moves a send that is not committed yet; nullopt when there is none with this handle.
  std::optional<SendHandle> reschedule(const SendHandle& handle, WallTime when) { return sends_.move(handle, when); }

  /// Writes a reference with the next commit, also when the turn fails. A reference that cannot be stored does not fail
  /// the turn: it is left out and counted.
  void capture_reference(std::string key, std::string document);
  /// True when a reference was not stored.
  bool reference_lost() const noexcept { return reference_lost_; }
  /// Deletes references with the next commit.
  void forget_reference(std::string key);
  bool references_pending() const noexcept { return !reference_upserts_.empty() || !reference_removals_.empty(); }

  bool has_changes() const noexcept;
  /// Whether the turn goes on after the commit. At the end of the turn the stored texts of documents are not kept.
  enum class After : std::uint8_t { turn_goes_on, turn_ends };
  /// Errors: `errc::conflict`; those of the storage.
  awaitable<void> commit(After after);
  /// True while a commit is under way.
  bool is_committing() const noexcept { return committing_; }
  /// The turn has ended. Later changes throw `errc::turn_ended`, because nothing would write them.
  void close() noexcept { closed_ = true; }
  void require_open() const;
  /// Forgets all changes that are not committed, except references. Documents are read anew on their next use.
  void discard() noexcept;

 private:
  struct Document {
    bool exists = false;                 // the activity has all ids that the key needs
    std::string key;                     // "" after it was moved into a write
    json::object content{json_pool()};   // uses the memory resource of the parser, so that parsed objects can be moved
    std::optional<std::string> stored;   // the stored text, "" when there is no document; nullopt when it is not kept
    std::string next_text;               // the text that a commit is writing, if the turn goes on
    std::string etag;                    // "" when there is no document
    std::optional<std::size_t> written;  // the index among the upserts of the commit that is under way
    bool stale = false;                  // it must be read, or read again
    bool touched = false;
    bool removed = false;
    bool replayable = true;  // all changes came through `update`
    boost::container::small_vector<std::function<void(json::object&)>, 1> replays;
  };

  bool is_loaded(StateScope scope) const noexcept {
    const auto& entry = documents_[static_cast<std::size_t>(scope)];
    return loaded_ && (scope != StateScope::private_conversation || (entry.exists && !entry.stale) || !user_);
  }
  awaitable<void> ensure_loaded(StateScope scope);
  awaitable<void> read_stale();
  std::string key_of(StateScope scope) const;
  /// Makes the keys anew that were moved into a write.
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
  // Views into the activity, which is searched once. The keys of documents are made of them.
  const std::string_view channel_;
  const std::string_view conversation_;
  const std::optional<std::string_view> user_;
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
