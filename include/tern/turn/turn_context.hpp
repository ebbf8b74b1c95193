#pragma once

#include <tern/schema/activity.hpp>
#include <tern/schema/invoke_response.hpp>
#include <tern/turn/bag.hpp>
#include <tern/turn/conversation.hpp>
#include <tern/turn/hooks.hpp>
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
class TurnOutput;
class TurnSlots;
class UnitOfWork;
struct TurnHooks;
}  // namespace detail

/// One turn: an activity that came in, and all that a bot does about it until its handler ends.
///
/// Neither copied nor moved. Work that goes on after the turn is given a `Conversation` instead
/// (`run_in_background`); keeping a reference to the turn is a bug.
///
/// Lifetime: until the handler's coroutine has ended. After that every function, and every state property that is given
/// the turn, writes an error to the log and throws `errc::turn_ended`, which names the activity whose turn it was. That
/// is sure in the turn's own background work. A reference that was kept in another way (a coroutine or thread that the
/// bot began itself) is told so for the next 64 turns of the shard; then another turn may have its place.
/// Thread safety: used on its shard, by its own coroutine.
class TurnContext {
 public:
  TurnContext(detail::TurnEnvironment& environment, Activity activity, detail::TurnOutput& output);
  ~TurnContext();
  TurnContext(const TurnContext&) = delete;
  TurnContext& operator=(const TurnContext&) = delete;

  /// What came in.
  const Activity& activity() const {
    require_running();
    return *activity_;
  }
  /// Where it came from: keep it to write there later.
  ConversationReference reference() const { return activity().reference(); }

  /// Sends one activity, addressed as a reply to the incoming one. Absent: a hook kept it back, or it is a `trace`
  /// on a channel other than the emulator, or a `delay`.
  ///
  /// In a turn with `deliveryMode: stream` it waits while the client has more than `limits.stream_buffer` bytes to get;
  /// once the client has gone it waits no more, and what is sent reaches nobody.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  /// Errors: see `ChannelSender`; `errc::invalid_argument` for an activity without a type; `errc::overloaded` when
  /// the response to `expectReplies` would be larger than `limits.replies`; then this activity is left out.
  awaitable<std::optional<ResourceResponse>> send(Activity activity);
  /// Sends a message with this text.
  awaitable<std::optional<ResourceResponse>> send(std::string text);
  /// Sends them one after the other; the responses in the same order. A `delay` waits its `value` in ms.
  /// Errors: as `send`; an empty list is `errc::invalid_argument`.
  awaitable<std::vector<std::optional<ResourceResponse>>> send_many(std::vector<Activity> activities);
  /// Shows that the bot is at work (for about 3 s).
  awaitable<void> send_typing();
  /// Replaces the activity that has `activity`'s id.
  awaitable<std::optional<ResourceResponse>> update(Activity activity);
  /// Deletes an activity of this conversation.
  awaitable<void> remove(std::string activity_id);
  /// True once anything but a trace was sent.
  bool responded() const {
    require_running();
    return responded_;
  }

  /// Hooks around what this turn sends from now on; the first added is the outermost.
  void on_send(SendHook hook);
  void on_update(UpdateHook hook);
  void on_delete(DeleteHook hook);

  /// What an invoke answers. Without one: 501.
  void set_invoke_response(InvokeResponse response) {
    require_running();
    invoke_response_ = std::move(response);
  }
  const std::optional<InvokeResponse>& invoke_response() const {
    require_running();
    return invoke_response_;
  }

  /// Things that middleware and handlers share during the turn.
  Bag& bag() {
    require_running();
    return bag_;
  }

  /// Messages for later or for elsewhere.
  TurnProactive proactive() {
    require_running();
    return TurnProactive(*this);
  }

  /// Writes what the turn has changed so far, state and scheduled sends, all or nothing. Done by the framework when
  /// the handler ends; call it to be sure earlier.
  /// Errors: `errc::conflict` when another writer came between; then nothing was written.
  awaitable<void> commit();

  /// Starts slow work that outlives the turn, and keeps the typing indicator alive in the conversation while it
  /// runs (first after 500 ms, then every 2 s, until it sends a message). A drain waits for it.
  /// Errors: `errc::proactive_disabled` when `proactive.enabled` is off, for what the work finds could not be sent;
  /// `errc::overloaded` at `limits.background_tasks`; `errc::shutting_down`.
  BackgroundTask run_in_background(BackgroundWork work);

  Clock& clock() const;

  /// Throws `errc::turn_ended` once the turn has ended, as every function here does.
  void require_running() const {
    if (ended_) [[unlikely]] {
      throw_ended();
    }
  }

  /// Addresses an activity as an answer to the incoming one; `send` and `update` do it by themselves.
  void address(Activity& activity) const;

  detail::UnitOfWork& unit_of_work();
  bool has_unit_of_work() const noexcept { return work_ != nullptr; }
  detail::TurnEnvironment& environment() {
    require_running();
    return environment_;
  }
  /// For the runtime, before it asks the bot what is to become of an error.
  void forget_invoke_response() noexcept { invoke_response_.reset(); }

 private:
  friend class detail::TurnSlots;

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
  std::unique_ptr<detail::UnitOfWork> work_;
  std::unique_ptr<detail::TurnHooks> hooks_;
  std::optional<InvokeResponse> invoke_response_;
  bool responded_ = false;
  bool ended_ = false;
  std::uint8_t name_size_ = 0;
  std::array<char, 61> name_;  // the beginning of the activity's id
};

}  // namespace tern
