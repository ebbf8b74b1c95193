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

/// Messages to very many conversations. A broadcast is a document that says how far it is; a send of its own, the
/// *step*, comes again every two seconds, takes the next recipients, and writes their sends and the document as one
/// unit: so a crash repeats nothing and leaves nothing out, and the process that owns the step's slot goes on with it.
/// In the same unit stands a document for each conversation that was taken, which is how one that many users have
/// written in, or that a list names twice, gets it once.
///
/// Thread safety: all functions from any shard.
class Broadcaster {
 public:
  /// Hears of sends that were committed.
  using Told = std::function<void(const std::vector<ScheduledSend>& sends, const std::vector<std::uint64_t>& seqs)>;

  Broadcaster(AnyStorage store, Clock& clock, std::string bot_id, std::chrono::milliseconds storage_timeout, Told told);

  /// Its id. One that is interrupted leaves nothing: its list is removed an hour later.
  /// Errors: `errc::invalid_argument`; `errc::conflict` when writing the list took longer than that hour; those of the
  /// storage.
  awaitable<std::string> begin(Recipients recipients, Activity activity, BroadcastOptions options);
  /// nullopt when there is no such broadcast.
  awaitable<std::optional<BroadcastProgress>> progress(std::string id) const;
  /// False when there is none of this id, or it is done or cancelled.
  awaitable<bool> change(std::string id, BroadcastState to);
  awaitable<RecipientOutcomes> outcomes(std::string id, std::string after, std::size_t limit) const;
  /// Removes all that is stored of it. False, and nothing is removed, when there is none of this id, or it is neither
  /// done nor cancelled, or one of its sends is pending. Interrupted, it can be done again.
  awaitable<bool> forget(std::string id);

  /// Whether a send is a step, which goes to no channel.
  static bool is_step(const ScheduledSend& send) noexcept;
  /// The id of the broadcast that a step belongs to, or any send; "" when it is none of a broadcast's.
  static std::string id_of(const ScheduledSend& send);
  /// Takes the next recipients; when to come again, nullopt for not at all.
  /// Errors: those of the storage.
  awaitable<std::optional<WallTime>> step(ScheduledSend send);
  /// What is to be written beside the outcome of a send; nullopt when it is none of a broadcast's.
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
  /// As many documents of a list as are held in memory at once: each may have 2,000 references.
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

/// A list that was written, and what the write that begins its broadcast does about it.
struct Broadcaster::OpenList {
  std::string mark_etag;
  SendHandle sweep;
};

}  // namespace tern::proactive
