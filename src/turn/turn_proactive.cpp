#include <tern/turn/turn_proactive.hpp>

#include "turn/environment.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"
#include "turn/turn_access.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/turn/turn_context.hpp>

#include <boost/json/serialize.hpp>

#include <string>
#include <utility>

namespace tern {

using detail::TurnAccess;

namespace {

WallTime due_after(const Clock& clock, WallTime::duration delay) {
  const auto now = clock.wall_now();
  return delay > WallTime::max() - now ? WallTime::max() : now + delay;
}

// When an activity is delivered again, its turn runs later, and a send "after 2 h" is due at another time. The promise
// is the same, so the rule is compared and not the time.
std::string rule_after(WallTime::duration delay) {
  return "after " + std::to_string(delay.count());
}

std::string rule_at(WallTime when) {
  return "at " + std::to_string(when.time_since_epoch().count());
}

}  // namespace

Proactive& TurnProactive::all() const {
  return *TurnAccess::environment(*turn_).proactive;
}

// A send without a key of its own does not wait here.
awaitable<SendHandle> TurnProactive::schedule(ScheduledSend send, bool has_key) {
  auto& work = TurnAccess::unit_of_work(*turn_);
  if (has_key) {
    auto known = co_await work.find_known(send.idempotency_key);
    turn_->require_running();
    if (known) {
      co_return *known;
    }
    send.key_is_new = true;
  }
  co_return work.schedule(std::move(send));
}

awaitable<SendHandle> TurnProactive::schedule(ConversationReference reference, WallTime when, std::string rule,
                                              Activity activity, SendOptions options) {
  auto& environment = TurnAccess::environment(*turn_);
  if (!environment.proactive_enabled) {
    detail::throw_proactive_disabled();
  }
  const auto what = options.given_key().empty() ? json::serialize(activity.json()) : std::string();
  auto send = detail::make_activity_send(environment.bot_id, environment.clock.wall_now(), reference, when,
                                         std::move(activity), options);
  send.digest = options.given_key().empty() ? detail::digest_of(send, reference, what, rule) : SendDigest{};
  detail::note_trace(send, turn_->activity());
  return schedule(std::move(send), !options.given_key().empty());
}

awaitable<SendHandle> TurnProactive::schedule(ConversationReference reference, WallTime when, std::string rule,
                                              std::string name, json::value value, SendOptions options) {
  auto& environment = TurnAccess::environment(*turn_);
  if (!environment.proactive_enabled) {
    detail::throw_proactive_disabled();
  }
  if (!environment.has_continuation(name)) {
    detail::throw_unknown_continuation(name);
  }
  auto send = detail::make_continuation_send(environment.bot_id, environment.clock.wall_now(), reference, when, name,
                                             std::move(value), options);
  send.digest = options.given_key().empty() ? detail::digest_of(send, reference, send.payload, rule) : SendDigest{};
  detail::note_trace(send, turn_->activity());
  return schedule(std::move(send), !options.given_key().empty());
}

awaitable<SendHandle> TurnProactive::send_at(ConversationReference reference, WallTime when, Activity activity,
                                             SendOptions options) {
  return schedule(std::move(reference), when, rule_at(when), std::move(activity), std::move(options));
}

awaitable<SendHandle> TurnProactive::continue_at(ConversationReference reference, WallTime when, std::string name,
                                                 json::value value, SendOptions options) {
  return schedule(std::move(reference), when, rule_at(when), std::move(name), std::move(value), std::move(options));
}

awaitable<SendHandle> TurnProactive::send_at(WallTime when, Activity activity, SendOptions options) {
  return send_at(turn_->reference(), when, std::move(activity), std::move(options));
}

awaitable<SendHandle> TurnProactive::send_after(WallTime::duration delay, Activity activity, SendOptions options) {
  return schedule(turn_->reference(), due_after(turn_->clock(), delay), rule_after(delay), std::move(activity),
                  std::move(options));
}

awaitable<SendHandle> TurnProactive::continue_at(WallTime when, std::string name, json::value value,
                                                 SendOptions options) {
  return continue_at(turn_->reference(), when, std::move(name), std::move(value), std::move(options));
}

awaitable<SendHandle> TurnProactive::continue_after(WallTime::duration delay, std::string name, json::value value,
                                                    SendOptions options) {
  return schedule(turn_->reference(), due_after(turn_->clock(), delay), rule_after(delay), std::move(name),
                  std::move(value), std::move(options));
}

awaitable<ResourceResponse> TurnProactive::send(ConversationReference reference, Activity activity) {
  return all().send(std::move(reference), std::move(activity));
}

awaitable<void> TurnProactive::continue_conversation(ConversationReference reference, TurnHandler handler) {
  return all().continue_conversation(std::move(reference), std::move(handler));
}

awaitable<ConversationReference> TurnProactive::create_conversation(std::string channel_id, std::string service_url,
                                                                    ConversationParameters parameters,
                                                                    TurnHandler handler) {
  return all().create_conversation(std::move(channel_id), std::move(service_url), std::move(parameters),
                                   std::move(handler));
}

awaitable<CancelOutcome> TurnProactive::cancel(SendHandle handle) {
  if (TurnAccess::unit_of_work(*turn_).unschedule(handle)) {
    co_return CancelOutcome::cancelled;
  }
  auto outcome = co_await all().cancel(handle);
  co_return outcome;
}

awaitable<std::optional<SendHandle>> TurnProactive::reschedule(SendHandle handle, WallTime when) {
  detail::require_in_horizon(turn_->clock().wall_now(), when);
  if (auto moved = TurnAccess::unit_of_work(*turn_).reschedule(handle, when)) {
    co_return moved;
  }
  auto outcome = co_await all().reschedule(handle, when);
  co_return outcome;
}

awaitable<PendingPage> TurnProactive::list(std::size_t limit, std::string after) {
  PendingQuery query;
  query.order_key = all().order_key(turn_->reference());
  query.limit = limit;
  query.after = std::move(after);
  return all().list(std::move(query));
}

}  // namespace tern
