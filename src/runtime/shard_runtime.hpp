#pragma once

#include "async/root_coroutine.hpp"
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

/// Runs the turns of one shard, with their queues and their dedupe window.
///
/// Thread safety: none; everything on its shard.
class ShardRuntime {
 public:
  ShardRuntime(Runtime& runtime, Shard& shard, detail::TurnEnvironment& environment);
  ~ShardRuntime();

  /// Begins, queues or refuses a turn, for which a place is already taken (`Runtime::take_place`).
  void admit(std::unique_ptr<Turn> turn, SteadyTime now);
  /// Makes a turn for a request, on the home shard of its conversation, unless it is a repetition. `head` and
  /// `conversation` belong to the activity of the request.
  void receive(TurnRequest&& request, const detail::ActivityHead& head, const ConversationKey& conversation);
  void submit(Continuation continuation);

  /// Ends all turns that are left: their clients get 503, waiting turns are dropped, and running turns are cancelled.
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
  void tell_last(std::unique_ptr<TurnObserver> observer, std::size_t origin, TurnReply&& reply);
  void tell_all(Turn::Observers observers, const TurnReply& reply) noexcept;
  void tell_end(Turn::Observers&& observers, TurnReply&& reply) noexcept;
  void tell_stream(TurnObserver& observer, std::size_t origin, std::unique_ptr<ReplyReader> replies);
  void on_expired(Turn& turn) noexcept;
  void acknowledge(Turn& turn) noexcept;
  /// Ends the turn before its handler has ended: its observers get `reply`, and the handler is cancelled.
  void cut(Turn& turn, const TurnReply& reply) noexcept;
  void limit_what_goes_on(Turn& turn) noexcept;
  void look_again(Turn& turn) noexcept;
  void drop_waiting(Turn& turn) noexcept;

  bool answer_repetition(TurnRequest& request, const ActivityKey& key, SteadyTime now);
  void observe(Turn& turn, TurnRequest& request);
  void repeat(TurnRequest& request, Delivery delivery, const TurnReply& reply);
  void repeat_open(TurnRequest& request, StreamedReplies& stream);
  static TurnReply repeated_stream(const StreamedReplies& stream);
  void tell_admitted(Turn& turn);
  void refuse(Turn& turn, const TurnReply& reply, errc reason, const char* why);
  void begin(Turn& turn);
  void finish(Turn& turn, std::exception_ptr error) noexcept;  // answers the turn
  void retire(Turn& turn) noexcept;                            // lets the next turn begin
  void settle_key(Turn& turn, const TurnReply& reply, SteadyTime now);
  void end_later(const ActivityKey& key, const std::shared_ptr<StreamedReplies>& stream);
  StreamedReplies* open_stream(const ActivityKey& key) const;
  void destroy(Turn& turn);

  detail::RootCoroutine run(Turn& turn);
  bool prepare(Turn& turn);
  void capture(Turn& turn, ReferenceCapture::Allowed allowed = ReferenceCapture::Allowed::all);
  awaitable<void> capture_if_allowed(Turn& turn);
  void tell_of_disbelief(const std::string& key, const Identity* caller);
  bool can_be_sent_to(const Activity& activity) const noexcept;
  bool is_reply(const Turn& turn) const;
  /// The user has replied: sends with `cancel_on_reply` are cancelled, before the handler of the turn begins.
  awaitable<void> cancel_on_reply(const Activity& activity);
  awaitable<void> run_handler(Turn& turn);
  awaitable<void> run_middleware(Turn& turn, Bot& bot, std::size_t index);
  awaitable<void> run_innermost(Turn& turn, Bot& bot);
  /// The commit has stored the reference of the turn, or has left it out.
  void note_commit(Turn& turn);
  static void tell_of_unanswered_invoke(const Turn& turn, const std::exception_ptr& error);
  awaitable<void> handle_failure(Turn& turn, std::exception_ptr error);
  awaitable<void> save_reference(Turn& turn);
  Bot& bot_of(Turn& turn);

  /// Hashes and compares turns by their keys.
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
  const executor executor_;  // the executor of `shard_`
  detail::TurnEnvironment& environment_;
  const std::shared_ptr<detail::TurnSlots> slots_ = std::make_shared<detail::TurnSlots>();
  ConversationQueues queues_;
  DedupeWindow done_;
  RunningKeys running_keys_;
  // The streams of turns that have ended while their background work goes on, by the text of the turns' keys.
  boost::unordered_flat_map<std::string, std::shared_ptr<StreamedReplies>, detail::KeyedHash, std::equal_to<>>
      open_streams_;
  ReferenceCapture references_;
  SteadyTime tell_of_disbelief_at_{};
  boost::intrusive::list<Turn, boost::intrusive::base_hook<LiveHook>, boost::intrusive::constant_time_size<false>>
      live_;
  BackgroundGroup background_;
  TurnTimes times_;
};

}  // namespace tern::runtime
