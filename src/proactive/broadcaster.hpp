#pragma once

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
///
/// Thread safety: all functions from any shard.
class Broadcaster {
 public:
  /// Hears of sends that were committed.
  using Told = std::function<void(const std::vector<ScheduledSend>& sends, const std::vector<std::uint64_t>& seqs)>;

  Broadcaster(AnyStorage store, Clock& clock, std::string bot_id, std::chrono::milliseconds storage_timeout, Told told);

  /// Its id. Errors: `errc::invalid_argument`; those of the storage.
  awaitable<std::string> begin(Recipients recipients, Activity activity, BroadcastOptions options);
  /// nullopt when there is no such broadcast.
  awaitable<std::optional<BroadcastProgress>> progress(std::string id) const;
  /// False when there is none of this id, or it is done or cancelled.
  awaitable<bool> change(std::string id, BroadcastState to);
  awaitable<RecipientOutcomes> outcomes(std::string id, std::string after, std::size_t limit) const;

  /// Whether a send is a step, which goes to no channel.
  static bool is_step(const ScheduledSend& send) noexcept;
  /// Takes the next recipients; when to come again, nullopt for not at all.
  /// Errors: those of the storage.
  awaitable<std::optional<WallTime>> step(ScheduledSend send);
  /// What is to be written beside the outcome of a send; nullopt when it is none of a broadcast's.
  std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const;

 private:
  struct Campaign;
  struct Batch;

  std::string key_of(const std::string& id) const;
  Deadline deadline() const noexcept;
  awaitable<std::optional<Campaign>> load(std::string id) const;
  std::string list_prefix(const Campaign& campaign) const;
  awaitable<void> write_list(std::string prefix, std::vector<ConversationReference> references,
                             std::size_t in_step) const;
  awaitable<Batch> next_batch(const Campaign& campaign) const;
  awaitable<Batch> next_of_list(const Campaign& campaign) const;
  awaitable<Batch> next_of_channel(const Campaign& campaign) const;
  ScheduledSend step_send(const Campaign& campaign) const;
  std::vector<ScheduledSend> sends_of(const Campaign& campaign, const Batch& batch, WallTime now) const;

  mutable AnyStorage store_;
  Clock& clock_;
  const std::string bot_id_;
  const std::chrono::milliseconds storage_timeout_;
  const Told told_;
};

}  // namespace tern::proactive
