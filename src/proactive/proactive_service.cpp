#include "proactive/proactive_service.hpp"

#include "proactive/dead_sends.hpp"
#include "proactive/references/gone_references.hpp"
#include "proactive/references/reference_finder.hpp"
#include "proactive/schedule/continuation_turn.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"
#include "turn/time_zone.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

ProactiveService::ProactiveService(runtime::ShardPool& shards, runtime::Runtime& runtime, bool enabled,
                                   SchedulerOptions options, Clock& clock, Metrics& metrics, SendLimits limits)
    : shards_(shards),
      runtime_(runtime),
      enabled_(enabled),
      clock_(clock),
      known_sends_(metrics.counter("tern_known_sends_total",
                                   "Sends that were not stored, since one with their idempotency key is known.")),
      runner_(shards, runtime, options, clock, metrics, std::move(limits)) {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    auto& environment = runtime.environment(i);
    environment.proactive = this;
    environment.proactive_enabled = enabled;
    environment.known_sends = known_sends_;
  }
}

awaitable<void> ProactiveService::start(Deadline by) {
  if (enabled_) {
    if (!detail::has_time_zone_data()) {
      log::warn(
          "this machine has no time zone data; UTC and offsets as UTC+02:00 work, every other time zone counts as "
          "unknown; install the package tzdata");
    }
    co_await runner_.start(by);
  }
}

void ProactiveService::require_enabled() const {
  if (!enabled_) {
    detail::throw_proactive_disabled();
  }
}

Deadline ProactiveService::storage_deadline() const noexcept {
  return Deadline::after(runtime_.environment(0).storage_timeout, clock_);
}

std::size_t ProactiveService::shard_here() const noexcept {
  const auto* here = runtime::Shard::current();
  return here != nullptr ? here->index() : 0;
}

detail::TurnEnvironment& ProactiveService::environment_here() noexcept {
  return runtime_.environment(shard_here());
}

WallTime ProactiveService::after(WallTime::duration delay) const noexcept {
  const auto now = clock_.wall_now();
  return delay > WallTime::max() - now ? WallTime::max() : now + delay;
}

awaitable<ResourceResponse> ProactiveService::send(ConversationReference reference, Activity activity) {
  require_enabled();
  detail::require_reachable(reference);
  detail::address_proactive(activity, reference);
  auto post = [](detail::TurnEnvironment* environment, Activity what) -> awaitable<ResourceResponse> {
    const auto by = Deadline::after(environment->send_timeout, environment->clock);
    auto response = co_await environment->sender.send(what, {}, by);
    co_return response;
  };
  // use_awaitable below: in Asio 1.26 a deferred co_spawn that yields a value does not compile
  // (awaitable_async_op_handler<void(exception_ptr, T)>::resume). A connector belongs to its shard; a caller from
  // elsewhere is taken to one.
  if (runtime::Shard::current() != nullptr) {
    auto response = co_await post(&environment_here(), std::move(activity));
    co_return response;
  }
  auto response = co_await asio::co_spawn(shards_[0].io(), post(&runtime_.environment(0), std::move(activity)),
                                          asio::use_awaitable);
  co_return response;
}

awaitable<void> ProactiveService::continue_conversation(ConversationReference reference, TurnHandler handler) {
  require_enabled();
  detail::require_reachable(reference);
  runtime::Continuation continuation;
  continuation.reference = std::move(reference);
  continuation.handler = std::move(handler);
  co_await queue_continuation(runtime_, std::move(continuation));
}

awaitable<void> ProactiveService::continue_and_wait(ConversationReference reference, TurnHandler handler) {
  require_enabled();
  detail::require_reachable(reference);
  runtime::Continuation continuation;
  continuation.reference = std::move(reference);
  continuation.handler = std::move(handler);
  co_await run_continuation(runtime_, std::move(continuation));
}

awaitable<ConversationReference> ProactiveService::create_conversation(std::string channel_id, std::string service_url,
                                                                       ConversationParameters parameters,
                                                                       TurnHandler handler) {
  require_enabled();
  auto create = [](detail::TurnEnvironment* environment, std::string url,
                   ConversationParameters what) -> awaitable<ConversationResourceResponse> {
    const auto by = Deadline::after(environment->send_timeout, environment->clock);
    auto made = co_await environment->sender.create_conversation(std::move(url), std::move(what), by);
    co_return made;
  };
  auto made = co_await asio::co_spawn(shards_[shard_here()].io(), create(&environment_here(), service_url, parameters),
                                      asio::use_awaitable);
  if (!made.id() || made.id()->empty()) {
    throw_error(errc::channel_rejected, "The channel began a conversation and did not say its id.");
  }
  ConversationReference reference;
  reference.set_channel_id(channel_id);
  reference.set_service_url(made.service_url().value_or(service_url));
  ConversationAccount conversation;
  conversation.set_id(*made.id());
  if (const auto group = parameters.is_group()) {
    conversation.set_is_group(*group);
  }
  if (const auto tenant = parameters.tenant_id()) {
    conversation.set_tenant_id(*tenant);
  }
  reference.set_conversation(std::move(conversation));
  if (auto bot = parameters.bot()) {
    reference.set_bot(std::move(*bot));
  }
  if (auto members = parameters.members(); members.size() == 1) {
    reference.set_user(std::move(members.front()));
  }
  if (handler) {
    co_await continue_conversation(reference, std::move(handler));
  }
  co_return reference;
}

awaitable<SendHandle> ProactiveService::store(ScheduledSend send) {
  StoreChanges changes;
  changes.sends.push_back(send);
  auto schedule = runtime_.environment(0).storage;
  auto written = co_await schedule.write(std::move(changes), storage_deadline());
  if (written.has_error()) {
    throw_error(errc::conflict, "The schedule refused the send.");
  }
  const auto handle = written->handles.at(0);
  if (written->seqs.at(0) == 0) {
    known_sends_.inc();
    log::info("a send was asked for whose key is known; nothing is stored", {{"handle", handle.to_string()}});
  }
  runner_.on_scheduled({send}, written->seqs);
  co_return handle;
}

awaitable<SendHandle> ProactiveService::send_at(ConversationReference reference, WallTime when, Activity activity,
                                                SendOptions options) {
  require_enabled();
  return store(
      detail::make_activity_send(runtime_.bot_id(), clock_.wall_now(), reference, when, std::move(activity), options));
}

awaitable<SendHandle> ProactiveService::send_after(ConversationReference reference, WallTime::duration delay,
                                                   Activity activity, SendOptions options) {
  return send_at(std::move(reference), after(delay), std::move(activity), std::move(options));
}

awaitable<SendHandle> ProactiveService::continue_at(ConversationReference reference, WallTime when, std::string name,
                                                    json::value value, SendOptions options) {
  require_enabled();
  if (!runtime_.has_continuation(name)) {
    detail::throw_unknown_continuation(name);
  }
  return store(detail::make_continuation_send(runtime_.bot_id(), clock_.wall_now(), reference, when, name,
                                              std::move(value), options));
}

awaitable<SendHandle> ProactiveService::continue_after(ConversationReference reference, WallTime::duration delay,
                                                       std::string name, json::value value, SendOptions options) {
  return continue_at(std::move(reference), after(delay), std::move(name), std::move(value), std::move(options));
}

awaitable<CancelOutcome> ProactiveService::cancel(SendHandle handle) {
  require_enabled();
  StoreChanges changes;
  changes.edits.emplace_back(SendEdit::Kind::cancel, handle);
  auto schedule = runtime_.environment(0).storage;
  auto written = co_await schedule.write(std::move(changes), storage_deadline());
  const bool done = written.has_value() && written->edits.at(0) == EditOutcome::done;
  if (done) {
    runner_.on_cancelled({handle});
  }
  co_return done ? CancelOutcome::cancelled : CancelOutcome::too_late;
}

awaitable<std::optional<SendHandle>> ProactiveService::reschedule(SendHandle handle, WallTime when) {
  return move_to(SendEdit::Kind::reschedule, handle, when);
}

awaitable<std::optional<SendHandle>> ProactiveService::move_to(SendEdit::Kind how, SendHandle handle, WallTime when) {
  require_enabled();
  detail::require_in_horizon(clock_.wall_now(), when);
  StoreChanges changes;
  const auto due = std::chrono::ceil<std::chrono::microseconds>(std::max(when, clock_.wall_now()));
  changes.edits.emplace_back(how, handle, due);
  auto schedule = runtime_.environment(0).storage;
  auto written = co_await schedule.write(std::move(changes), storage_deadline());
  if (!written.has_value() || written->edits.at(0) != EditOutcome::done) {
    co_return std::nullopt;
  }
  const auto moved = written->edit_handles.at(0);
  if (how == SendEdit::Kind::redrive) {
    co_await tell_of_redriven(moved);
  } else {
    (void)co_await tell_of_edit(moved);
  }
  co_return moved;
}

awaitable<std::optional<SendHandle>> ProactiveService::send_now(SendHandle handle) {
  return reschedule(handle, clock_.wall_now());
}

awaitable<std::size_t> ProactiveService::cancel_all(ConversationReference reference) {
  require_enabled();
  std::size_t cancelled = 0;
  SendQuery query;
  query.order_key = order_key(reference);
  query.limit = 1000;
  auto schedule = runtime_.environment(0).storage;
  do {
    auto page = co_await schedule.list_sends(query, storage_deadline());
    StoreChanges changes;
    for (const auto& send : page.sends) {
      changes.edits.emplace_back(SendEdit::Kind::cancel, send.handle);
    }
    if (!changes.edits.empty()) {
      auto written = co_await schedule.write(std::move(changes), storage_deadline());
      std::vector<SendHandle> gone;
      for (std::size_t i = 0; written.has_value() && i < page.sends.size(); ++i) {
        if (written->edits.at(i) == EditOutcome::done) {
          gone.push_back(page.sends[i].handle);
        }
      }
      cancelled += gone.size();
      runner_.on_cancelled(gone);
    }
    query.after = page.next;
  } while (!query.after.empty());
  co_return cancelled;
}

awaitable<DeadPage> ProactiveService::list_dead(DeadQuery query) {
  require_enabled();
  auto schedule = runtime_.environment(0).storage;
  auto page = co_await schedule.list_dead(std::move(query), storage_deadline());
  co_return page;
}

awaitable<DeadPage> ProactiveService::list_dead(DeadQuery query, DeadFilter filter) {
  require_enabled();
  return proactive::list_dead(runtime_.environment(0).storage, std::move(query), std::move(filter),
                              [this] { return storage_deadline(); });
}

awaitable<std::optional<SendHandle>> ProactiveService::redrive(SendHandle handle) {
  return move_to(SendEdit::Kind::redrive, handle, clock_.wall_now());
}

awaitable<std::size_t> ProactiveService::redrive_all(DeadFilter filter) {
  require_enabled();
  std::vector<SendHandle> redriven;
  const auto now = std::chrono::ceil<std::chrono::microseconds>(clock_.wall_now());
  co_await proactive::redrive_all(
      runtime_.environment(0).storage, std::move(filter), now, [this] { return storage_deadline(); },
      [&redriven](std::vector<SendHandle> asked, StoreReceipt receipt) {
        for (std::size_t i = 0; i < asked.size(); ++i) {
          if (receipt.edits.at(i) == EditOutcome::done) {
            redriven.push_back(receipt.edit_handles.at(i));
          }
        }
      });
  for (const auto& handle : redriven) {
    co_await tell_of_redriven(handle);
  }
  co_return redriven.size();
}

awaitable<bool> ProactiveService::discard(SendHandle handle) {
  require_enabled();
  StoreChanges changes;
  changes.edits.emplace_back(SendEdit::Kind::discard, handle);
  auto schedule = runtime_.environment(0).storage;
  auto written = co_await schedule.write(std::move(changes), storage_deadline());
  co_return written.has_value() && written->edits.at(0) == EditOutcome::done;
}

// The window must learn of a send that was moved into it; its record says what it now is.
awaitable<std::optional<ScheduledSend>> ProactiveService::tell_of_edit(SendHandle handle) {
  SendQuery query;
  query.handle = handle;
  query.limit = 1;
  auto schedule = runtime_.environment(0).storage;
  auto page = co_await schedule.list_sends(std::move(query), storage_deadline());
  if (page.sends.empty()) {
    co_return std::nullopt;
  }
  runner_.on_scheduled({page.sends.front()}, {page.sends.front().seq});
  co_return std::move(page.sends.front());
}

// Whoever sends it again believes that its conversation is there. If it is not, the send marks it again.
awaitable<void> ProactiveService::tell_of_redriven(SendHandle handle) {
  auto send = co_await tell_of_edit(handle);
  if (send) {
    co_await mark_found(runtime_.environment(0), std::move(*send));
  }
}

awaitable<SendPage> ProactiveService::list(SendQuery query) {
  require_enabled();
  auto schedule = runtime_.environment(0).storage;
  auto page = co_await schedule.list_sends(std::move(query), storage_deadline());
  co_return page;
}

awaitable<std::string> ProactiveService::broadcast(Recipients recipients, Activity activity, BroadcastOptions options) {
  require_enabled();
  return runner_.broadcaster().begin(std::move(recipients), std::move(activity), std::move(options));
}

awaitable<std::optional<BroadcastProgress>> ProactiveService::broadcast_progress(std::string id) {
  require_enabled();
  return runner_.broadcaster().progress(std::move(id));
}

awaitable<RecipientOutcomes> ProactiveService::broadcast_outcomes(std::string id, std::string after,
                                                                  std::size_t limit) {
  require_enabled();
  return runner_.broadcaster().outcomes(std::move(id), std::move(after), limit);
}

awaitable<bool> ProactiveService::pause_broadcast(std::string id) {
  require_enabled();
  return runner_.broadcaster().change(std::move(id), BroadcastState::paused);
}

awaitable<bool> ProactiveService::resume_broadcast(std::string id) {
  require_enabled();
  return runner_.broadcaster().change(std::move(id), BroadcastState::running);
}

awaitable<bool> ProactiveService::cancel_broadcast(std::string id) {
  require_enabled();
  return runner_.broadcaster().change(std::move(id), BroadcastState::cancelled);
}

awaitable<bool> ProactiveService::forget_broadcast(std::string id) {
  require_enabled();
  return runner_.broadcaster().forget(std::move(id));
}

std::string ProactiveService::order_key(const ConversationReference& reference) const {
  return detail::conversation_key(runtime_.bot_id(), reference.channel_id().value_or(""),
                                  reference.conversation_id().value_or(""));
}

awaitable<SendCounts> ProactiveService::counts() {
  require_enabled();
  auto schedule = runtime_.environment(0).storage;
  auto counted = co_await schedule.count_sends(storage_deadline());
  co_return counted;
}

awaitable<std::optional<ConversationReference>> ProactiveService::find_reference(std::string channel_id,
                                                                                 std::string user_id) {
  require_enabled();
  auto& environment = runtime_.environment(0);
  return find_last_reference(environment.storage, environment.bot_id, std::move(channel_id), std::move(user_id),
                             storage_deadline());
}

awaitable<std::optional<ConversationReference>> ProactiveService::find_reference(std::string channel_id,
                                                                                 std::string user_id,
                                                                                 std::string conversation_id) {
  require_enabled();
  auto& environment = runtime_.environment(0);
  return proactive::find_reference(environment.storage,
                                   detail::reference_key(environment.bot_id, channel_id, user_id, conversation_id),
                                   storage_deadline());
}

}  // namespace tern::proactive
