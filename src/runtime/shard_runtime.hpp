#pragma once

#include "runtime/background_group.hpp"
#include "runtime/dedupe_window.hpp"
#include "runtime/runtime.hpp"
#include "runtime/turn.hpp"
#include "turn/same_activity.hpp"
#include "turn/turn_slots.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <functional>
#include <memory>
#include <string>

namespace tern::runtime {

/// The turns of one shard: their queues, their dedupe window, their running.
///
/// Thread safety: none; everything on its shard.
class ShardRuntime {
 public:
  ShardRuntime(Runtime& runtime, Shard& shard, detail::TurnEnvironment& environment);
  ~ShardRuntime();

  /// Begins, queues or refuses a turn. A place for it is already taken (`Runtime::take_place`).
  void admit(std::unique_ptr<Turn> turn);
  /// A turn for a request that has come to its home. `head` and `conversation`: the activity's own.
  void receive(TurnRequest request, const detail::ActivityHead& head, const ConversationKey& conversation);
  void submit(Continuation continuation);

  /// Ends all that is left: 503 to those who wait, cancellation to those that run.
  void cut_all();

  /// See `Runtime::abandon_turns`.
  void abandon_turns() noexcept;

  ReferenceCapture& references() noexcept { return references_; }
  BackgroundGroup& background() noexcept { return background_; }
  const TurnTimes& times() const noexcept { return times_; }
  const RuntimeOptions& options() const noexcept { return runtime_.options(); }
  detail::TurnSlots& slots() noexcept { return *slots_; }

 private:
  friend class Turn;

  void tell(std::unique_ptr<TurnObserver> observer, std::size_t origin, TurnReply reply);
  void tell_last(std::unique_ptr<TurnObserver> observer, std::size_t origin, TurnReply reply);
  void tell_all(Turn::Observers observers, const TurnReply& reply) noexcept;
  void tell_end(Turn::Observers observers, TurnReply reply) noexcept;
  void tell_stream(TurnObserver& observer, std::size_t origin, std::unique_ptr<ReplyReader> replies);
  void on_expired(Turn& turn) noexcept;
  void acknowledge(Turn& turn) noexcept;
  /// Ends the turn without its outcome: `reply` to those who wait, cancellation to what runs.
  void cut(Turn& turn, const TurnReply& reply) noexcept;
  void limit_what_goes_on(Turn& turn) noexcept;
  void look_again(Turn& turn) noexcept;
  void drop_waiting(Turn& turn) noexcept;

  bool answer_repetition(TurnRequest& request, const ActivityKey& key);
  void observe(Turn& turn, TurnRequest& request);
  void repeat(TurnRequest& request, const TurnReply& reply);
  void repeat_open(TurnRequest& request, StreamedReplies& stream);
  static TurnReply repeated_stream(const StreamedReplies& stream);
  void tell_admitted(Turn& turn);
  void refuse(Turn& turn, const TurnReply& reply, errc reason, const char* why);
  void begin(Turn& turn);
  void finish(Turn& turn, std::exception_ptr error) noexcept;  // answers
  void retire(Turn& turn) noexcept;                            // lets the next one begin
  void settle_key(Turn& turn, const TurnReply& reply);
  void end_later(const ActivityKey& key, const std::shared_ptr<StreamedReplies>& stream);
  StreamedReplies* open_stream(const ActivityKey& key) const;
  void destroy(Turn& turn);

  awaitable<void> run(Turn& turn);
  void prepare(Turn& turn);
  bool can_be_sent_to(const Activity& activity) const noexcept;
  bool is_reply(const Turn& turn) const;
  /// The user has answered: what was to be sent only otherwise is cancelled, before the turn begins to think.
  awaitable<void> cancel_what_waits_for_a_reply(const Activity& activity);
  awaitable<void> run_handler(Turn& turn);
  awaitable<void> run_middleware(Turn& turn, Bot& bot, std::size_t index);
  awaitable<void> run_innermost(Turn& turn, Bot& bot);
  /// What the turn has seen of its reference is stored.
  void note_commit(Turn& turn);
  awaitable<void> handle_failure(Turn& turn, std::exception_ptr error);
  awaitable<void> save_reference(Turn& turn);
  Bot& bot_of(Turn& turn);

  /// The turns that have a key, which is their own.
  struct KeyOfTurn {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const ActivityKey& key) const noexcept { return key.hash; }
    std::size_t operator()(const Turn* turn) const noexcept { return turn->key->hash; }
    bool operator()(const Turn* a, const Turn* b) const noexcept { return a == b || *a->key == *b->key; }
    bool operator()(const ActivityKey& key, const Turn* turn) const noexcept { return key == *turn->key; }
    bool operator()(const Turn* turn, const ActivityKey& key) const noexcept { return key == *turn->key; }
  };
  using RunningKeys = boost::unordered_flat_set<Turn*, KeyOfTurn, KeyOfTurn>;

  Runtime& runtime_;
  Shard& shard_;
  detail::TurnEnvironment& environment_;
  const std::shared_ptr<detail::TurnSlots> slots_ = std::make_shared<detail::TurnSlots>();
  ConversationQueues queues_;
  DedupeWindow done_;
  RunningKeys running_keys_;
  // Of turns that have ended, and whose background work goes on: by the text of their keys.
  boost::unordered_flat_map<std::string, std::shared_ptr<StreamedReplies>, detail::KeyedHash, std::equal_to<>>
      open_streams_;
  ReferenceCapture references_;
  boost::intrusive::list<Turn, boost::intrusive::base_hook<LiveHook>, boost::intrusive::constant_time_size<false>>
      live_;
  BackgroundGroup background_;
  TurnTimes times_;
};

}  // namespace tern::runtime
