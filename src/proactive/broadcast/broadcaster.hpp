#pragma once

#include "proactive/broadcast/broadcast_campaign.hpp"

#include <tern/storage/any_storage.hpp>
#include <tern/turn/broadcast.hpp>
#include <tern/turn/proactive.hpp>

#include <boost/json/object.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tern::proactive {

/// Messages to very many conversations. A broadcast is a document that has its progress. A send of its own, the
/// *step*, comes again every two seconds, takes the next recipients, and writes their sends and the document as one
/// unit. So a crash repeats nothing and leaves nothing out, and the process that owns the slot of the step goes on
/// with it. The same unit has a document for each conversation that was taken. Because of it a conversation gets the
/// message once, even if many users have written in it or a list names it twice.
///
/// Thread safety: all functions from any shard.
class Broadcaster {
 public:
  /// Hears of sends that were committed.
  using Told = std::function<void(const std::vector<ScheduledSend>& sends, const std::vector<std::uint64_t>& seqs)>;

  Broadcaster(AnyStorage store, Clock& clock, std::string bot_id, std::chrono::milliseconds storage_timeout, Told told);

  /// Begins a broadcast and returns its id. If it is interrupted, nothing is left: its list is removed an hour later.
  /// Errors: `errc::invalid_argument`; `errc::conflict` when writing the list took longer than that hour; those of the
  /// storage.
  awaitable<std::string> begin(Recipients recipients, Activity activity, BroadcastOptions options);
  /// nullopt when there is no such broadcast.
  awaitable<std::optional<BroadcastProgress>> progress(std::string id) const;
  /// False when there is no broadcast with this id, or it is done or cancelled.
  awaitable<bool> change(std::string id, BroadcastState to);
  awaitable<RecipientOutcomes> outcomes(std::string id, std::string after, std::size_t limit) const;
  /// Removes the broadcast with all its documents. False, and nothing is removed, when there is no broadcast with this
  /// id, when it is neither done nor cancelled, or when one of its sends is pending. If it is interrupted, it can be
  /// called again.
  awaitable<bool> forget(std::string id);

  /// Whether a send is a step, which goes to no channel.
  static bool is_step(const ScheduledSend& send) noexcept;
  /// The id of the broadcast that a send, or a step, belongs to; "" for any other send.
  static std::string id_of(const ScheduledSend& send);
  /// Takes the next recipients. Returns the time of the next step; nullopt when there is none.
  /// Errors: those of the storage.
  awaitable<std::optional<WallTime>> step(ScheduledSend send);
  /// The document to write beside the outcome of a send; nullopt for a send that belongs to no broadcast.
  std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const;

 private:
  struct Batch;
  struct OpenList;

  std::string key_of(const std::string& id) const;
  Deadline deadline() const noexcept;
  awaitable<std::optional<Campaign>> load(std::string id) const;

  // broadcast_lists.cpp
  std::string list_prefix(const std::string& id, const std::string& run) const;
  std::string open_list_key(const std::string& id, const std::string& run) const;
  awaitable<OpenList> write_list(std::string id, std::string run, std::vector<ConversationReference> references,
                                 std::size_t in_step) const;
  awaitable<std::optional<WallTime>> sweep_list(std::string id, std::string run) const;

  // broadcast_batches.cpp
  awaitable<Batch> next_batch(const Campaign& campaign) const;
  awaitable<Batch> next_of_list(const Campaign& campaign) const;
  awaitable<Batch> next_of_channel(const Campaign& campaign) const;
  awaitable<void> add_new(const Campaign& campaign, std::vector<ConversationReference> found, Batch& batch) const;
  void add_sends(const Campaign& campaign, const Batch& batch, WallTime now, StoreChanges& changes) const;

  // broadcast_reports.cpp
  awaitable<bool> has_pending(const Campaign& campaign) const;
  /// How many documents of a list are held in memory at once: each may have 2,000 references.
  static constexpr std::size_t lists_in_page = 20;
  awaitable<bool> remove_pages(std::string prefix, std::size_t in_page, std::size_t most_pages) const;

  ScheduledSend step_send(const Campaign& campaign) const;
  ScheduledSend own_send(const std::string& id, WallTime due, json::object what) const;

  mutable AnyStorage store_;
  Clock& clock_;
  const std::string bot_id_;
  const std::chrono::milliseconds storage_timeout_;
  const Told told_;
};

/// The next recipients.
struct Broadcaster::Batch {
  struct Taken {
    ConversationReference reference;
    std::string key;  ///< of its `RecipientRecord`
  };
  std::vector<Taken> taken;
  std::uint64_t skipped = 0;
  std::string cursor;
  std::string used_up;  ///< a document of the list that is not needed any more; "" for none
  bool last = false;
};

/// A stored list, and the changes of it that the write that begins its broadcast makes.
struct Broadcaster::OpenList {
  std::string mark_etag;
  SendHandle sweep;
};

}  // namespace tern::proactive
