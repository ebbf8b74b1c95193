#include <tern/turn/turn_context.hpp>

#include "schema/find_member.hpp"
#include "turn/environment.hpp"
#include "turn/trust.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace tern {

namespace detail {

struct TurnHooks {
  // A deque, because a hook may add hooks while it runs and must stay where it is.
  std::deque<SendHook> send;
  std::deque<UpdateHook> update;
  std::deque<DeleteHook> remove;
};

void throw_turn_ended(std::string_view activity) {
  log::error("a turn was used after its end", {{"activity", activity}});
  const auto name = activity.empty() ? "an activity without an id" : "the activity \"" + std::string(activity) + "\"";
  throw_error(errc::turn_ended, "The turn of " + name +
                                    " has ended and cannot be used any more. Give work that outlives the turn what it "
                                    "needs by value, and let it write through the Conversation that it is given.");
}

void throw_proactive_disabled() {
  throw_error(errc::proactive_disabled,
              "Proactive messages are off. Set `proactive.enabled` to true (--set proactive.enabled=true, or "
              "{{\"proactive.enabled\", true}} in tern::run).");
}

void throw_unknown_continuation(std::string_view name) {
  throw_error(errc::unknown_continuation, "The bot has no continuation named \"" + std::string(name) +
                                              "\". Register it with Bot::on_continue before the bot starts.");
}

}  // namespace detail

namespace {

constexpr std::chrono::milliseconds default_delay{1000};

// Some clients show a reply only when the activity in its `replyToId` is in their transcript, and a conversationUpdate
// is never in it.
bool names_incoming(const Activity& incoming) {
  if (!incoming.is(activity_types::conversation_update)) {
    return true;
  }
  const auto channel = incoming.channel_id();
  return channel != channels::directline && channel != channels::webchat;
}

/// The app id of the bot that the turn answers; "" when it answers somebody else. `stored`: what a continuation knows.
std::string_view calling_bot(const Identity* caller, const json::value* stored) noexcept {
  if (caller == nullptr) {
    return detail::vouching_bot(stored);
  }
  return caller->kind == Identity::Kind::bot ? std::string_view(caller->app_id) : std::string_view();
}

void put_member(json::object& to, std::string_view target, const json::value* value) {
  if (value == nullptr) {
    to.erase(target);
  } else if (const auto [member, added] = to.emplace(target, *value); !added) {
    member->value() = *value;
  }
}

/// The members of the incoming activity that an answer takes over; nullptr for an absent one. One pass finds all of
/// them, while a search for each member would take one pass each.
struct Addresses {
  explicit Addresses(const json::object& incoming) noexcept {
    for (const auto& member : incoming) {
      if (detail::is_named(member, "id")) {
        id = &member.value();
      } else if (detail::is_named(member, "from")) {
        from = &member.value();
      } else if (detail::is_named(member, "locale")) {
        locale = &member.value();
      } else if (detail::is_named(member, "channelId")) {
        channel = &member.value();
      } else if (detail::is_named(member, "recipient")) {
        recipient = &member.value();
      } else if (detail::is_named(member, "serviceUrl")) {
        service_url = &member.value();
      } else if (detail::is_named(member, "conversation")) {
        conversation = &member.value();
      }
    }
  }
  const json::value* id = nullptr;
  const json::value* from = nullptr;
  const json::value* locale = nullptr;
  const json::value* channel = nullptr;
  const json::value* recipient = nullptr;
  const json::value* service_url = nullptr;
  const json::value* conversation = nullptr;
};

awaitable<ResourceResponse> removed(ChannelSender* sender, ConversationReference reference, Deadline by) {
  co_await sender->remove(reference, by);
  co_return ResourceResponse{};
}

awaitable<void> nothing() {
  co_return;
}

}  // namespace

TurnContext::TurnContext(detail::TurnEnvironment& environment, Activity&& activity, detail::TurnOutput& output)
    : environment_(environment), output_(&output), activity_(std::move(activity)) {}

TurnContext::~TurnContext() = default;

void TurnContext::throw_ended() const {
  detail::throw_turn_ended(std::string_view(name_.data(), name_size_));
}

// The id is copied when the turn begins, while it is known; at the end of the turn it would be searched for again.
void TurnContext::take_name(std::string_view id) noexcept {
  name_size_ = static_cast<std::uint8_t>(std::min(id.size(), name_.size()));
  std::copy_n(id.data(), name_size_, name_.data());  // unlike memcpy, it accepts the nullptr of an empty view
}

void TurnContext::end(bool kept) noexcept {
  ended_ = true;
  output_ = nullptr;
  bag_ = Bag();
  invoke_response_.reset();
  if (!kept) {
    let_go();
  } else if (work_) {
    work_->close();
  }
}

void TurnContext::let_go() noexcept {
  hooks_.reset();
  work_.reset();
  activity_.reset();
  identity_.reset();
}

const Identity& TurnContext::identity() const {
  static const Identity nobody;
  require_running();
  return identity_ ? *identity_ : nobody;
}

ConversationReference TurnContext::reference() const {
  auto made = activity().reference();
  if (identity_) {
    detail::Trust::of(*identity_).put(made.json());
  } else if (const auto* stored = output_->vouched_by()) {
    made.json()[detail::trust_member] = *stored;
  }
  return made;
}

Clock& TurnContext::clock() const {
  require_running();
  return environment_.clock;
}

detail::UnitOfWork& TurnContext::unit_of_work() {
  require_running();
  if (!work_) {
    work_ = std::make_unique<detail::UnitOfWork>(environment_, *activity_);
  }
  return *work_;
}

// Copies from the incoming activity directly, because a ConversationReference would copy every account twice.
void TurnContext::address(Activity& activity) const {
  require_running();
  const Addresses in(std::as_const(*activity_).json());
  // These are looked for while the activity is small.
  const bool has_locale = activity.locale().has_value();
  const bool lacks_hint = activity.is(activity_types::message) && !activity.input_hint();
  const bool names_another = activity.reply_to_id().has_value();
  auto& out = activity.json();
  out.erase("id");
  put_member(out, "serviceUrl", in.service_url);
  put_member(out, "channelId", in.channel);
  put_member(out, "from", in.recipient);
  put_member(out, "conversation", in.conversation);
  put_member(out, "recipient", in.from);
  if (!has_locale) {
    put_member(out, "locale", in.locale);
  }
  if (lacks_hint) {
    activity.set_input_hint(input_hints::accepting_input);
  }
  const auto* id = in.id != nullptr ? in.id->if_string() : nullptr;
  if (id != nullptr && !id->empty() && !names_another && names_incoming(*activity_)) {
    activity.set_reply_to_id(std::string_view(id->data(), id->size()));
  }
}

awaitable<std::optional<ResourceResponse>> TurnContext::send(Activity activity) {
  if (activity.type().empty()) {
    throw_error(errc::invalid_argument,
                "An activity without a type cannot be sent. Use Activity::message(...) or another factory.");
  }
  address(activity);
  return hooks_ && !hooks_->send.empty() ? send_hooked(std::move(activity)) : deliver_owned(std::move(activity));
}

awaitable<std::optional<ResourceResponse>> TurnContext::send(std::string text) {
  return send(Activity::message(text));
}

awaitable<std::optional<ResourceResponse>> TurnContext::send_hooked(Activity activity) {
  auto response = co_await run_send_hooks(0, activity);
  co_return response;
}

awaitable<std::optional<ResourceResponse>> TurnContext::deliver_owned(Activity activity) {
  auto response = co_await deliver(activity);
  co_return response;
}

awaitable<std::vector<std::optional<ResourceResponse>>> TurnContext::send_many(std::vector<Activity> activities) {
  if (activities.empty()) {
    throw_error(errc::invalid_argument, "send_many was given no activity. Send at least one.");
  }
  std::vector<std::optional<ResourceResponse>> responses;
  responses.reserve(activities.size());
  for (auto& activity : activities) {
    auto response = co_await send(std::move(activity));
    responses.push_back(std::move(response));
  }
  co_return responses;
}

awaitable<void> TurnContext::send_typing() {
  co_await send(Activity::typing());
}

awaitable<void> TurnContext::pause(const Activity& delay) {
  const json::value* value = delay.value();
  auto duration = default_delay;
  if (value != nullptr && value->is_number()) {
    duration = std::chrono::milliseconds(static_cast<std::int64_t>(std::clamp(value->to_number<double>(), 0.0, 3.6e6)));
  }
  return sleep_for(duration, environment_.clock);
}

// The turn may end before this coroutine begins, and while it waits; so `require_running` is called at both times.
// Long: each reply pays for this coroutine frame, and only for this one.
awaitable<std::optional<ResourceResponse>> TurnContext::deliver(Activity& activity) {
  require_running();
  const auto type = activity.type();
  if (type == activity_types::delay) {
    co_await pause(activity);
    co_return std::nullopt;
  }
  const bool trace = type == activity_types::trace;
  if (trace && activity.channel_id() != channels::emulator) {
    co_return std::nullopt;
  }
  responded_ = responded_ || !trace;
  if (output_->takes_replies()) {
    while (output_->full()) {
      co_await output_->room();
      require_running();
    }
    output_->take(std::move(activity));
    co_return ResourceResponse{};
  }
  detail::note_caller(activity, calling_bot(identity_.get(), output_->vouched_by()));
  ResourceResponse response;
  std::exception_ptr failed;
  auto* const carrier = environment_.replies;
  const bool straight = carrier == nullptr || carrier->is_free(activity.channel_id().value_or(""));
  if (straight) {
    const auto by = Deadline::after(environment_.send_timeout, environment_.clock);
    try {
      response = co_await environment_.sender.send(activity, {}, by);
    } catch (const system_error&) {
      failed = std::current_exception();
    }
    if (failed && carrier == nullptr) {
      std::rethrow_exception(failed);
    }
  }
  if (!straight || failed) {
    response = co_await carry(activity, std::move(failed));
  }
  if (auto id = response.id()) {
    activity.set_id(*id);
  }
  co_return response;
}

// A function of its own, so that the coroutine frame of `deliver` stays small for replies that arrive at once.
awaitable<ResourceResponse> TurnContext::carry(const Activity& activity, std::exception_ptr failed) {
  auto again = [sender = &environment_.sender, &activity](std::string request_id, Deadline by) {
    return sender->send(activity, std::move(request_id), by);
  };
  return environment_.replies->carry(detail::ReplyCarrier::Address::of(activity), std::move(again), std::move(failed));
}

awaitable<std::optional<ResourceResponse>> TurnContext::run_send_hooks(std::size_t index, Activity& activity) {
  require_running();
  if (index == hooks_->send.size()) {
    return deliver(activity);
  }
  return hooks_->send[index](*this, activity, [this, index, &activity] { return run_send_hooks(index + 1, activity); });
}

awaitable<std::optional<ResourceResponse>> TurnContext::update(Activity activity) {
  require_running();
  if (!activity.id() || activity.id()->empty()) {
    throw_error(errc::invalid_argument,
                "update needs the id of the activity to replace. Set it from the response of send().");
  }
  const std::string id(*activity.id());
  address(activity);
  activity.set_id(id);
  auto response = co_await run_update_hooks(0, activity);
  co_return response;
}

awaitable<std::optional<ResourceResponse>> TurnContext::run_update_hooks(std::size_t index, Activity& activity) {
  require_running();
  if (!hooks_ || index == hooks_->update.size()) {
    return put_update(activity);
  }
  return hooks_->update[index](*this, activity,
                               [this, index, &activity] { return run_update_hooks(index + 1, activity); });
}

awaitable<std::optional<ResourceResponse>> TurnContext::put_update(Activity& activity) {
  auto response = co_await put_activity(activity);
  co_return response;
}

awaitable<ResourceResponse> TurnContext::put_activity(Activity& activity) {
  detail::note_caller(activity, calling_bot(identity_.get(), output_->vouched_by()));
  if (environment_.replies == nullptr) {
    const auto by = Deadline::after(environment_.send_timeout, environment_.clock);
    return environment_.sender.update(activity, by);
  }
  auto put = [sender = &environment_.sender, &activity](std::string, Deadline by) {
    return sender->update(activity, by);
  };
  return environment_.replies->carry(detail::ReplyCarrier::Address::of(activity), std::move(put), nullptr);
}

awaitable<void> TurnContext::remove(std::string activity_id) {
  if (activity_id.empty()) {
    throw_error(errc::invalid_argument, "remove needs the id of the activity to delete.");
  }
  auto reference = this->reference();
  reference.set_activity_id(activity_id);
  co_await run_delete_hooks(0, reference);
}

awaitable<void> TurnContext::run_delete_hooks(std::size_t index, ConversationReference& reference) {
  require_running();
  if (!hooks_ || index == hooks_->remove.size()) {
    return delete_activity(reference);
  }
  return hooks_->remove[index](*this, reference,
                               [this, index, &reference] { return run_delete_hooks(index + 1, reference); });
}

awaitable<void> TurnContext::delete_activity(ConversationReference& reference) {
  if (environment_.replies == nullptr) {
    co_await environment_.sender.remove(reference, Deadline::after(environment_.send_timeout, environment_.clock));
    co_return;
  }
  auto remove = [sender = &environment_.sender, &reference](std::string, Deadline by) {
    return removed(sender, reference, by);
  };
  auto to = detail::ReplyCarrier::Address::of(reference);
  (void)co_await environment_.replies->carry(std::move(to), std::move(remove), nullptr);
}

void TurnContext::on_send(SendHook hook) {
  require_running();
  if (!hooks_) {
    hooks_ = std::make_unique<detail::TurnHooks>();
  }
  hooks_->send.push_back(std::move(hook));
}

void TurnContext::on_update(UpdateHook hook) {
  require_running();
  if (!hooks_) {
    hooks_ = std::make_unique<detail::TurnHooks>();
  }
  hooks_->update.push_back(std::move(hook));
}

void TurnContext::on_delete(DeleteHook hook) {
  require_running();
  if (!hooks_) {
    hooks_ = std::make_unique<detail::TurnHooks>();
  }
  hooks_->remove.push_back(std::move(hook));
}

awaitable<void> TurnContext::commit() {
  require_running();
  return work_ ? work_->commit(detail::UnitOfWork::After::turn_goes_on) : nothing();
}

BackgroundTask TurnContext::run_in_background(BackgroundWork work) {
  require_running();
  if (environment_.background == nullptr) {
    throw_error(errc::shutting_down, "Background work needs a running app.");
  }
  if (!environment_.proactive_enabled) {
    detail::throw_proactive_disabled();  // the work could never send its result
  }
  return environment_.background->start(reference().without_activity(), std::move(work), output_->trail());
}

}  // namespace tern
