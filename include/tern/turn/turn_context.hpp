#pragma once

#include <tern/schema/activity.hpp>
#include <tern/schema/invoke_response.hpp>
#include <tern/turn/bag.hpp>
#include <tern/turn/conversation.hpp>
#include <tern/turn/hooks.hpp>
#include <tern/turn/identity.hpp>
#include <tern/turn/turn_proactive.hpp>

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

namespace detail {
struct TurnEnvironment;
struct TurnAccess;
class TurnOutput;
class TurnSlots;
class UnitOfWork;
struct TurnHooks;
}  // namespace detail

/// One turn: an incoming activity, and everything that the bot does about it until its handler ends.
///
/// A turn is neither copied nor moved. Work that goes on after it is given a `Conversation` instead
/// (`run_in_background`); keeping a reference to the turn is a bug.
///
/// Lifetime: until the handler's coroutine has ended. After that every function, and every state property that is given
///   the turn, writes an error to the log and throws `errc::turn_ended`; the message names the activity of the turn. In
///   the turn's own background work this is certain. For a reference that was kept in another way (by a coroutine or
///   thread that the bot began itself) it holds during the next 64 turns of the shard; then another turn may have its
///   place.
/// Thread safety: used on its shard, by its own coroutine.
class TurnContext {
 public:
  ~TurnContext();
  TurnContext(const TurnContext&) = delete;
  TurnContext& operator=(const TurnContext&) = delete;

  /// The incoming activity.
  const Activity& activity() const {
    require_running();
    return *activity_;
  }
  /// Who sent the activity, as the bot's `Authenticator` has found out; anonymous without one, and in a turn that the
  /// bot began itself.
  const Identity& identity() const;
  /// Where the activity came from: keep it to write there later. With an `Authenticator` it has a member `trust`, which
  /// says who has sent the activity. Keep that, too: it decides whose later messages may move the conversation.
  ConversationReference reference() const;

  /// Sends one activity, addressed as a reply to the incoming one. The response is absent when a hook kept the activity
  /// back, for a `trace` on a channel other than the emulator, and for a `delay`.
  ///
  /// In a turn with `deliveryMode: stream` this waits while the client has more than `limits.stream_buffer` bytes to
  /// read. Once the client has gone it waits no more, and the activity reaches nobody.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  /// Errors: see `ChannelSender`; `errc::invalid_argument` for an activity without a type; `errc::overloaded` when
  /// the response to `expectReplies` would be larger than `limits.replies`; then this activity is left out.
  awaitable<std::optional<ResourceResponse>> send(Activity activity);
  /// Sends a message with this text.
  awaitable<std::optional<ResourceResponse>> send(std::string text);
  /// Sends the activities one after the other and returns their responses in that order. A `delay` waits for its
  /// `value` in ms. Errors: as `send`; an empty list is `errc::invalid_argument`.
  awaitable<std::vector<std::optional<ResourceResponse>>> send_many(std::vector<Activity> activities);
  /// Shows that the bot is at work (for about 3 s).
  awaitable<void> send_typing();
  /// Replaces the activity that has `activity`'s id.
  awaitable<std::optional<ResourceResponse>> update(Activity activity);
  /// Deletes an activity of this conversation.
  awaitable<void> remove(std::string activity_id);
  /// Whether anything but a trace was sent.
  bool responded() const {
    require_running();
    return responded_;
  }

  ///@{
  /// Adds a hook around the activities that this turn sends, updates or deletes from now on. The hook that was added
  /// first is the outermost.
  void on_send(SendHook hook);
  void on_update(UpdateHook hook);
  void on_delete(DeleteHook hook);
  ///@}

  /// Sets the answer to an invoke. Without one the channel gets 501.
  void set_invoke_response(InvokeResponse response) {
    require_running();
    invoke_response_ = std::move(response);
  }
  /// The answer to an invoke, if one was set.
  const std::optional<InvokeResponse>& invoke_response() const {
    require_running();
    return invoke_response_;
  }

  /// Values that middleware and handlers share during the turn.
  Bag& bag() {
    require_running();
    return bag_;
  }

  /// Messages for later or for elsewhere.
  TurnProactive proactive() {
    require_running();
    return TurnProactive(*this);
  }

  /// Writes the changes of the turn so far, state and scheduled sends, all or nothing. The framework commits when the
  /// handler ends; call this to be sure earlier.
  /// Errors: `errc::conflict` when another writer came between; then nothing was written.
  awaitable<void> commit();

  /// Starts slow work that outlives the turn, and keeps the typing indicator alive in the conversation while it
  /// runs (first after 500 ms, then every 2 s, until it sends a message). A drain waits for it.
  /// Errors: `errc::proactive_disabled` when `proactive.enabled` is off, because the work could not send its result;
  ///   `errc::overloaded` at `limits.background_tasks`; `errc::shutting_down`.
  BackgroundTask run_in_background(BackgroundWork work);

  /// The clock of the app: for times, and for waits with `sleep_for`.
  Clock& clock() const;

  /// Throws `errc::turn_ended` once the turn has ended, as every function here does.
  void require_running() const {
    if (ended_) [[unlikely]] {
      throw_ended();
    }
  }

  /// Addresses an activity as an answer to the incoming one; `send` and `update` do it by themselves.
  void address(Activity& activity) const;

 private:
  friend struct detail::TurnAccess;
  friend class detail::TurnSlots;

  TurnContext(detail::TurnEnvironment& environment, Activity&& activity, detail::TurnOutput& output);

  detail::UnitOfWork& unit_of_work();
  [[noreturn]] void throw_ended() const;
  void take_name(std::string_view id) noexcept;
  /// The turn has ended. `kept`: work that was begun in it runs on, so that what it may be using stays until `let_go`.
  void end(bool kept) noexcept;
  void let_go() noexcept;

  awaitable<std::optional<ResourceResponse>> deliver(Activity& activity);
  awaitable<std::optional<ResourceResponse>> deliver_owned(Activity activity);
  awaitable<ResourceResponse> carry(const Activity& activity, std::exception_ptr failed);
  awaitable<std::optional<ResourceResponse>> put_update(Activity& activity);
  awaitable<ResourceResponse> put_activity(Activity& activity);
  awaitable<void> delete_activity(ConversationReference& reference);
  awaitable<std::optional<ResourceResponse>> send_hooked(Activity activity);
  awaitable<std::optional<ResourceResponse>> run_send_hooks(std::size_t index, Activity& activity);
  awaitable<std::optional<ResourceResponse>> run_update_hooks(std::size_t index, Activity& activity);
  awaitable<void> run_delete_hooks(std::size_t index, ConversationReference& reference);
  awaitable<void> pause(const Activity& delay);

  detail::TurnEnvironment& environment_;
  detail::TurnOutput* output_;        // nullptr once the turn has ended
  std::optional<Activity> activity_;  // until the turn is let go
  Bag bag_;
  std::shared_ptr<const Identity> identity_;  // nullptr for an anonymous one
  std::unique_ptr<detail::UnitOfWork> work_;
  std::unique_ptr<detail::TurnHooks> hooks_;
  std::optional<InvokeResponse> invoke_response_;
  bool responded_ = false;
  bool ended_ = false;
  std::uint8_t name_size_ = 0;
  std::array<char, 61> name_;  // the beginning of the activity's id
};

}  // namespace tern
