#pragma once

#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/channel_sender.hpp>
#include <tern/turn/conversation.hpp>
#include <tern/turn/proactive.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern::detail {

/// The parts of a turn that its background work keeps until the work has ended: the context, so that a use of it after
/// the turn's end is noticed, and the stream to the turn's client.
class TurnTrail {
 public:
  virtual ~TurnTrail() = default;
  /// True while the client reads an open stream of the turn. The messages of the work go to that stream then.
  virtual bool listens() const = 0;
  /// Waits until there is room, and adds an addressed activity to the stream. False when the client has gone.
  virtual awaitable<bool> take(Activity activity) = 0;
};

/// Starts background work on a shard, keeps it alive, and shows that the bot is typing while it runs.
class BackgroundRunner {
 public:
  virtual ~BackgroundRunner() = default;
  virtual BackgroundTask start(ConversationReference reference, BackgroundWork work,
                               std::shared_ptr<TurnTrail> trail) = 0;
};

/// Is told of sends that were committed in this process, so that they need not be loaded from the store.
class ScheduleObserver {
 public:
  virtual ~ScheduleObserver() = default;
  /// `seqs`: the sequence number that the store gave each send; 0 for a send that was not stored, because its key is
  /// known.
  virtual void on_scheduled(const std::vector<ScheduledSend>& sends,
                            const std::vector<std::uint64_t>& seqs) noexcept = 0;
  /// Whether a reply may cancel a send in any conversation. If not, the store need not be asked.
  virtual bool awaits_replies() const noexcept = 0;
  /// Lets a write that stores such sends tell the other processes of them, if they may not know yet that there are any.
  virtual void hint_at_awaited_replies(StoreChanges& changes) const = 0;
  /// A write to which that has added a hint is committed.
  virtual void on_hinted_at_awaited_replies() noexcept = 0;
};

/// Sends a reply to the channel when the first try has failed, or when the channel has limits.
///
/// Thread safety: all functions from any thread.
class ReplyCarrier {
 public:
  /// One try. `request_id`: as in `ChannelSender::send`.
  using Try = std::function<awaitable<ResourceResponse>(std::string request_id, Deadline by)>;

  /// The address of a reply.
  struct Address {
    std::string channel;
    std::string bot;
    std::string tenant;
    std::string conversation;
    /// Of an addressed reply.
    static Address of(const Activity& reply);
    static Address of(const ConversationReference& reference);
  };

  virtual ~ReplyCarrier() = default;
  /// Whether replies in this channel may be sent at once: the channel has no limits, and no bot is in doubt.
  virtual bool is_free(std::string_view channel) const = 0;
  /// Tries until the reply has arrived, or until a try fails that may not be repeated or has no time left. `failed`:
  /// the error of a first try, if there was one. Lifetime: the objects that `attempt` refers to outlive the call.
  /// Errors: those of the last try.
  virtual awaitable<ResourceResponse> carry(Address to, Try attempt, std::exception_ptr failed) = 0;
};

/// The services that all turns of a shard use. Lifetime: it outlives the turns.
struct TurnEnvironment {
  /// Preconditions: `store` has a schedule (`AnyStorage::schedules`).
  TurnEnvironment(std::string bot, ChannelSender& channel, AnyStorage store, Clock& time)
      : bot_id(std::move(bot)), sender(channel), storage(std::move(store)), clock(time) {}

  std::string bot_id;  ///< the app id, or `local`; part of every key
  ChannelSender& sender;
  AnyStorage storage;  ///< documents and the schedule, so that one write commits both
  Clock& clock;
  /// Somebody finds out who sends activities. Then what callers say about a conversation counts by who they are.
  bool checks_callers = false;
  /// The bot has channels in its process. Then nobody who comes over HTTP may move the conversations of these.
  bool has_channels_inside = false;
  bool reads_private_state = false;  ///< a turn has used private state, so the first read of each turn includes it
  Proactive* proactive = nullptr;
  bool proactive_enabled = false;
  BackgroundRunner* background = nullptr;
  ScheduleObserver* observer = nullptr;
  ReplyCarrier* replies = nullptr;    ///< nullptr: each reply is tried once
  Counter known_sends;                ///< sends that were not stored because their key was known
  Counter lost_references;            ///< references that were not stored
  SteadyTime tell_lost_reference_at;  ///< the log tells of a lost reference at this time or later
  std::function<bool(std::string_view)> has_continuation = [](std::string_view) { return false; };
  std::chrono::milliseconds send_timeout{15'000};
  std::chrono::milliseconds storage_timeout{5'000};
};

/// Takes the replies of a turn that go into the response instead of to the channel.
class TurnOutput {
 public:
  virtual ~TurnOutput() = default;
  virtual bool takes_replies() const noexcept = 0;
  /// The client is too far behind: await `room` before the next `take`.
  virtual bool full() const = 0;
  virtual awaitable<void> room() = 0;
  /// Errors: `errc::overloaded` when the response would be too large.
  virtual void take(Activity activity) = 0;
  virtual std::shared_ptr<TurnTrail> trail() = 0;
  /// In a turn that the bot began itself: who vouches for its reference, as it is stored there. nullptr for nobody.
  virtual const json::value* vouched_by() const noexcept { return nullptr; }
};

/// Logs that the turn of the activity with this id was used after its end, and throws `errc::turn_ended`.
[[noreturn]] void throw_turn_ended(std::string_view activity);
/// Throws `errc::proactive_disabled`; the message names the key to set.
[[noreturn]] void throw_proactive_disabled();
/// Throws `errc::unknown_continuation`.
[[noreturn]] void throw_unknown_continuation(std::string_view name);

}  // namespace tern::detail
