#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/invoke_response.hpp>
#include <tern/turn/identity.hpp>
#include <tern/turn/turn_outcome.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

/// What became of an activity that a channel in the process has brought, and what the bot has answered.
struct TurnResult {
  TurnOutcome outcome = TurnOutcome::done;  ///< what became of it
  /// Why it is not done, in a sentence for whoever has sent the activity; "" otherwise.
  std::string reason;
  /// How long to wait before the activity is brought again, when it was not begun; 0 otherwise.
  std::chrono::seconds retry_after{};
  /// The bot's answer to an invoke; nullopt for other activities. Status 501: the bot does not know the invoke.
  std::optional<InvokeResponse> invoke_response;
  /// With `deliveryMode` `expectReplies`, and with `stream` when no `OnReply` was given: the bot's replies in their
  /// order. With another mode they go to the channel's sender.
  std::vector<Activity> replies;

  /// Whether the turn has ended as it should, or goes on.
  bool is_accepted() const noexcept { return outcome == TurnOutcome::done || outcome == TurnOutcome::goes_on; }
};

/// A reply of a turn with `deliveryMode: stream`.
struct StreamedReply {
  Activity activity;  ///< as the bot has sent it
  /// Names the run of the turn. A repetition of the activity that gets the replies once more gets them with the same
  /// name; a turn that is run again, because the first one has failed, has another.
  std::string run;
  std::uint64_t number = 0;  ///< from 1, in the order of the replies of the run
};

/// The way of a channel in the process to the bot: what `/api/messages` is for channels that come over HTTP. The app
/// has one for each channel of `AppOptions::channels`; it is found by the channel's address (`ChannelInlets`).
///
/// The channel is believed: it says who has written, and in which conversation. So it checks its users itself, bounds
/// what it lets them write, and sets `channelId`, `conversation`, `from` and `recipient` itself. Limits, order,
/// repetitions, deadlines and drains are those of every turn.
///
/// Thread safety: all functions from any thread.
class ChannelInlet {
 public:
  virtual ~ChannelInlet() = default;

  /// Takes one reply of a turn with `deliveryMode: stream`, as soon as the bot has sent it. The turn waits while
  /// `limits.stream_buffer` bytes have not been taken.
  using OnReply = std::function<awaitable<void>(StreamedReply reply)>;

  /// The address of the channel.
  virtual std::string_view address() const noexcept = 0;

  /// Gives the bot an activity and waits for what becomes of it, as long as `turn.ack_after` or `turn.deadline`. The
  /// activity has a type and a `conversation.id`. Its `serviceUrl` is the address of the channel, or one below it;
  /// without one it gets that address. A `callerId` is removed.
  ///
  /// `caller`: who has sent it, for `TurnContext::identity`: what the channel knows of the sender is in `tenant_id` and
  /// `claims`. Its `kind` becomes `channel` and its `app_id` the address of the channel, whatever they were, because
  /// nobody else may speak for the channel's conversations.
  ///
  /// `on_reply`: see `OnReply`; ignored with another `deliveryMode`.
  ///
  /// Await it in a coroutine of one of the bot's threads, such as that of a handler, a route or `Poster::post`; from
  /// another executor it costs two more hops.
  /// Cancellation: the turn goes on, and its result is lost.
  /// Errors: `errc::invalid_argument` for an activity that lacks one of these things, or has the address of another
  ///   channel. Exceptions that leave `on_reply`; the turn goes on, and its further replies reach nobody. What the bot
  ///   throws is no exception here, but `TurnOutcome::failed`.
  virtual awaitable<TurnResult> receive(Activity activity, std::optional<Identity> caller = {},
                                        OnReply on_reply = {}) = 0;
};

/// The inlets of an app's channels.
///
/// Thread safety: from any thread.
class ChannelInlets {
 public:
  virtual ~ChannelInlets() = default;
  /// The inlet of the channel with this address. Lifetime: as long as the app.
  /// Errors: `errc::not_found` when the app has no such channel.
  virtual ChannelInlet& at(std::string_view address) const = 0;
};

}  // namespace tern
