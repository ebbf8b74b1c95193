#pragma once

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

#include <tern/async/running.hpp>
#include <tern/async/timing_wheel.hpp>
#include <tern/schema/block_pool.hpp>
#include <tern/turn/bot.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace tern::runtime {

class ShardRuntime;

using LiveHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct LiveTag>,
                                                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// One turn on its home shard, from arrival to answer: waiting in its conversation's queue, then running.
class Turn final : public Queued,
                   public LiveHook,
                   public TimingWheel::Entry,
                   public detail::TurnOutput,
                   public detail::Running,
                   public detail::Pooled<Turn> {
 public:
  /// `head`: the activity's own.
  Turn(ShardRuntime& home, detail::TurnEnvironment& environment, Activity activity, const detail::ActivityHead& head,
       const ConversationKey& conversation);
  ~Turn() override;

  /// Somebody who is to be told of the end, on the shard `origin`.
  void add_observer(std::unique_ptr<TurnObserver> observer, std::size_t origin);
  struct Observing {
    std::unique_ptr<TurnObserver> observer;
    std::size_t origin;
  };
  /// Who is to be told, once: they are told when the turn needs nothing more, for they may begin the next one.
  using Observers = boost::container::small_vector<Observing, 1>;  // a second one comes with a repetition
  Observers take_observers();
  bool acknowledged() const noexcept { return acknowledged_; }
  /// Nobody waits for its end within a time of their own.
  bool goes_on() const noexcept { return acknowledged_ || continued || delivery_ == Delivery::stream; }

  /// The reply, once the handler has ended.
  TurnReply take_reply(bool failed);

  bool takes_replies() const noexcept override { return delivery_ != Delivery::channel; }
  bool full() const override { return stream_ != nullptr && stream_->full(); }
  awaitable<void> room() override { return stream_->room(); }
  void take(Activity activity) override;
  std::shared_ptr<detail::TurnTrail> trail() override;
  Delivery delivery() const noexcept { return delivery_; }
  /// The replies that are streamed; nullptr with another delivery.
  StreamedReplies* stream() const noexcept { return stream_.get(); }
  /// A request whose answer the client waits for: it is cut at the deadline rather than acknowledged.
  bool wants_answer() const noexcept;
  /// What it has changed is being written, so that it must be answered with what comes of that: told anything else, the
  /// client would send it again.
  bool is_committing() noexcept;
  /// What names it in a log.
  std::string_view name() const noexcept;

  Name running_name() const override;
  /// Its type, as `TurnTimes` counts it: an activity is searched for it once.
  std::size_t type() const noexcept { return continued ? TurnTimes::continuation : type_; }

  TurnContext& context;                     // in a slot that outlives the turn
  std::shared_ptr<Bot> own_bot;             // background work of the turn keeps it
  std::unique_ptr<Continuation> continued;  ///< of a turn that continues a conversation
  std::optional<ActivityKey> key;           // views into the activity of `context`
  std::optional<ReferenceCapture::Seen> reference_seen;
  asio::cancellation_signal signal;
  SteadyTime arrived{};    ///< at its home shard
  bool cut = false;        ///< answered without its outcome, which is dropped
  bool cancelled = false;  ///< was told to end
  bool undone = false;     ///< it is answered with a failure, whatever else is written
  bool too_long = false;   ///< it was cut for `RuntimeOptions::longest`
  bool cut_next = false;   ///< it was to be cut while its commit was under way
  bool mended = false;     ///< its error was dealt with by the bot's `on_turn_error`
  /// All clients of a user ask the same and get the same answer, a refusal as well (`SameActivity`).
  bool is_token_exchange = false;

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
