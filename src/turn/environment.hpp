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

/// What background work keeps of the turn that began it, until it has ended: the turn's context, so that its use after
/// the turn's end is noticed, and where the turn's client listens.
class TurnTrail {
 public:
  virtual ~TurnTrail() = default;
  /// The client of the turn reads a stream that is open: what the work says goes there.
  virtual bool listens() const = 0;
  /// Waits until there is room, and adds an activity that is addressed. False when the client has gone meanwhile.
  virtual awaitable<bool> take(Activity activity) = 0;
};

/// Starts background work on a shard, keeps it alive and shows that the bot is typing meanwhile.
class BackgroundRunner {
 public:
  virtual ~BackgroundRunner() = default;
  virtual BackgroundTask start(ConversationReference reference, BackgroundWork work,
                               std::shared_ptr<TurnTrail> trail) = 0;
};

/// Learns of sends that were just committed in this process, so that they need not be loaded.
class ScheduleObserver {
 public:
  virtual ~ScheduleObserver() = default;
  /// `seqs`: the place that the store gave each; 0 for one that was not stored, since an earlier one stands.
  virtual void on_scheduled(const std::vector<ScheduledSend>& sends,
                            const std::vector<std::uint64_t>& seqs) noexcept = 0;
  /// Whether a reply may cancel anything, in any conversation: otherwise nobody need ask the store.
  virtual bool awaits_replies() const noexcept = 0;
};

/// Carries a reply to the channel where the first try did not, or where the channel's limits must be kept.
///
/// Thread safety: all of it.
class ReplyCarrier {
 public:
  /// One try. `request_id`: as `ChannelSender::send` takes it.
  using Try = std::function<awaitable<ResourceResponse>(std::string request_id, Deadline by)>;

  /// Where it goes to.
  struct Place {
    std::string channel;
    std::string bot;
    std::string tenant;
    std::string conversation;
    /// Of a reply that is addressed.
    static Place of(const Activity& reply);
    static Place of(const ConversationReference& reference);
  };

  virtual ~ReplyCarrier() = default;
  /// Whether a reply in this channel goes straight out: the channel has no limits, and no bot is in doubt.
  virtual bool is_free(std::string_view channel) const = 0;
  /// Tries until it has arrived, or until one fails that may not be tried again or that there is no time for. `failed`:
  /// how a first try has ended, if there was one.
  /// Lifetime: what `attempt` refers to outlives it.
  /// Errors: those of the last try.
  virtual awaitable<ResourceResponse> carry(Place to, Try attempt, std::exception_ptr failed) = 0;
};

/// What every turn of a shard works with. It outlives them.
struct TurnEnvironment {
  /// Preconditions: `store` keeps a schedule (`AnyStorage::schedules`).
  TurnEnvironment(std::string bot, ChannelSender& channel, AnyStorage store, Clock& time)
      : bot_id(std::move(bot)), sender(channel), storage(std::move(store)), clock(time) {}

  std::string bot_id;  ///< the app id, or `local`; part of every key
  ChannelSender& sender;
  AnyStorage storage;  ///< of documents and of the schedule: one write commits both
  Clock& clock;
  bool reads_private_state = false;  ///< some turn has used it, so that the first read of a turn reads it along
  Proactive* proactive = nullptr;
  bool proactive_enabled = false;
  BackgroundRunner* background = nullptr;
  ScheduleObserver* observer = nullptr;
  ReplyCarrier* replies = nullptr;    ///< null: each reply is tried once
  Counter known_sends;                ///< sends that were not stored, since their key was known
  Counter lost_references;            ///< references that were not stored
  SteadyTime tell_lost_reference_at;  ///< not before then is that a line in the log
  std::function<bool(std::string_view)> has_continuation = [](std::string_view) { return false; };
  std::chrono::milliseconds send_timeout{15'000};
  std::chrono::milliseconds storage_timeout{5'000};
};

/// Where a turn's replies go when not to the channel: into the response.
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
};

/// Says in the log that the turn of the activity with this id was used after its end, and throws `errc::turn_ended`.
[[noreturn]] void throw_turn_ended(std::string_view activity);
/// Throws `errc::proactive_disabled`, naming the key to set.
[[noreturn]] void throw_proactive_disabled();
/// Throws `errc::unknown_continuation`.
[[noreturn]] void throw_unknown_continuation(std::string_view name);

}  // namespace tern::detail
