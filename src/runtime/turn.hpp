#pragma once

#include "async/running.hpp"
#include "async/timing_wheel.hpp"
#include "pools/block_pool.hpp"
#include "runtime/activity_key.hpp"
#include "runtime/continuation.hpp"
#include "runtime/conversation_queues.hpp"
#include "runtime/delivery.hpp"
#include "runtime/reference_capture.hpp"
#include "runtime/streamed_replies.hpp"
#include "runtime/turn_request.hpp"
#include "runtime/turn_times.hpp"
#include "turn/environment.hpp"
#include "turn/same_activity.hpp"

#include <tern/turn/bot.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/intrusive/list.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tern::runtime {

class ShardRuntime;

using LiveHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct LiveTag>,
                                                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// One turn on its home shard. It waits in the queue of its conversation, runs, and is answered.
class Turn final : public Queued,
                   public LiveHook,
                   public TimingWheel::Entry,
                   public detail::TurnOutput,
                   public detail::Running,
                   public detail::Pooled<Turn> {
 public:
  /// `head` and `conversation` belong to the activity.
  Turn(ShardRuntime& home, detail::TurnEnvironment& environment, Activity&& activity, const detail::ActivityHead& head,
       const ConversationKey& conversation);
  ~Turn() override;

  /// Adds an observer, which is told of the end on the shard `origin`.
  void add_observer(std::unique_ptr<TurnObserver> observer, std::size_t origin);
  struct Observing {
    std::unique_ptr<TurnObserver> observer;
    std::size_t origin = 0;
  };
  /// The observers of the turn. They are told when the turn needs nothing more, because an observer may begin the next
  /// turn.
  struct Observers {
    Observing first;                ///< its `observer` is nullptr when the turn has none
    std::vector<Observing> others;  ///< the observers of repetitions
  };
  Observers take_observers();
  bool acknowledged() const noexcept { return acknowledged_; }
  /// No client waits for an answer by a deadline: the turn may run for `RuntimeOptions::longest`.
  bool goes_on() const noexcept { return acknowledged_ || continued || delivery_ == Delivery::stream; }

  /// The reply to the client, once the handler has ended.
  TurnReply take_reply(bool failed);

  bool takes_replies() const noexcept override { return delivery_ != Delivery::channel; }
  bool full() const override { return stream_ != nullptr && stream_->full(); }
  awaitable<void> room() override { return stream_->room(); }
  void take(Activity activity) override;
  std::shared_ptr<detail::TurnTrail> trail() override;
  const json::value* vouched_by() const noexcept override;
  Delivery delivery() const noexcept { return delivery_; }
  /// The stream of the replies; nullptr with another delivery.
  StreamedReplies* stream() const noexcept { return stream_.get(); }
  /// The client waits for the outcome of the turn, so the turn is cut at the deadline instead of acknowledged.
  bool wants_answer() const noexcept;
  /// The commit of the turn is under way. The turn must be answered with the outcome of the commit: after any other
  /// answer the client would send the activity again.
  bool is_committing() noexcept;
  /// The id of the activity or the continuation, for logs.
  std::string_view name() const noexcept;

  Name running_name() const override;
  /// The index of the turn's type in `TurnTimes`. It is looked up once.
  std::size_t type() const noexcept { return continued ? TurnTimes::continuation : type_; }

  TurnContext& context;                     // in a turn slot, which outlives the turn
  std::shared_ptr<Bot> own_bot;             // with a bot for each turn; background work of the turn shares it
  std::unique_ptr<Continuation> continued;  ///< set for a turn that continues a conversation
  std::optional<ActivityKey> key;           // views into the activity of `context`
  std::optional<ReferenceCapture::Seen> reference_seen;
  asio::cancellation_signal signal;
  SteadyTime arrived{};    ///< the time of arrival at its home shard
  bool cut = false;        ///< the turn was answered before its end; its outcome is dropped
  bool cancelled = false;  ///< the handler was told to end
  bool undone = false;     ///< the turn is answered with a failure, even if its reference is still written
  bool too_long = false;   ///< the turn was cut because of `RuntimeOptions::longest`
  bool cut_next = false;   ///< the turn is cut as soon as its commit has ended
  bool mended = false;     ///< the bot's `on_turn_error` has dealt with the error of the turn

 private:
  void on_expired() noexcept override;
  void collect(const Activity& activity);

  ShardRuntime& home_;
  Observers observers_;
  std::string replies_;  // the body of `expectReplies` so far
  std::shared_ptr<StreamedReplies> stream_;
  std::size_t type_;
  Delivery delivery_;
  bool is_invoke_;
  bool acknowledged_ = false;

  friend class ShardRuntime;
};

}  // namespace tern::runtime
