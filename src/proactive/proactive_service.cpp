#include "proactive/proactive_service.hpp"

#include "proactive/references/reference_finder.hpp"
#include "proactive/schedule/continuation_turn.hpp"
#include "proactive/send_views.hpp"
#include "schema/service_url.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"
#include "turn/time_zone.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

// Where a new conversation is. A server chooses what it answers, and does not speak for a channel in the process.
std::string_view address_of(const ConversationResourceResponse& made, const std::string& asked) {
  const auto address = made.service_url().value_or(asked);
  if (detail::is_in_process_address(address) != detail::is_in_process_address(asked)) {
    throw_error(errc::channel_rejected, "The channel began a conversation at an address that is not one of its own.");
  }
  return address;
}

}  // namespace

ProactiveService::ProactiveService(runtime::ShardPool& shards, runtime::Runtime& runtime, bool enabled,
                                   SchedulerOptions options, Clock& clock, Metrics& metrics, SendLimits limits)
    : shards_(shards),
      runtime_(runtime),
      enabled_(enabled),
      clock_(clock),
      known_sends_(metrics.counter("tern_known_sends_total",
                                   "Sends that were not stored, since one with their idempotency key is known.")),
      runner_(shards, runtime, options, clock, metrics, std::move(limits)),
      edits_(runtime, runner_, clock),
      dead_letters_(edits_, clock, enabled),
      broadcasts_(runner_.broadcaster(), enabled) {
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
  detail::note_caller(activity, reference);
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
  reference.set_service_url(address_of(made, service_url));
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
  auto schedule = edits_.store();
  runner_.hint_at_awaited_replies(changes);
  const bool hints = !changes.hints.empty();
  auto written = co_await schedule.write(std::move(changes), edits_.deadline());
  if (written.has_error()) {
    throw_error(errc::conflict, "The schedule refused the send.");
  }
  if (hints) {
    runner_.on_hinted_at_awaited_replies();
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
  const bool done = co_await edits_.end(SendEdit::Kind::cancel, handle);
  co_return done ? CancelOutcome::cancelled : CancelOutcome::too_late;
}

awaitable<std::optional<SendHandle>> ProactiveService::reschedule(SendHandle handle, WallTime when) {
  require_enabled();
  return edits_.move_to(SendEdit::Kind::reschedule, handle, when);
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
  auto schedule = edits_.store();
  do {
    auto page = co_await schedule.list_sends(query, edits_.deadline());
    StoreChanges changes;
    for (const auto& send : page.sends) {
      changes.edits.emplace_back(SendEdit::Kind::cancel, send.handle);
    }
    if (!changes.edits.empty()) {
      auto written = co_await schedule.write(std::move(changes), edits_.deadline());
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

awaitable<PendingPage> ProactiveService::list_all(PendingQuery query) {
  require_enabled();
  SendQuery wanted;
  wanted.order_key = std::move(query.order_key);
  wanted.handle = query.handle;
  wanted.after = std::move(query.after);
  wanted.limit = query.limit;
  auto schedule = edits_.store();
  auto page = co_await schedule.list_sends(std::move(wanted), edits_.deadline());
  PendingPage shown;
  for (const auto& send : page.sends) {
    shown.sends.push_back(view_of(send));
  }
  shown.next = std::move(page.next);
  co_return shown;
}

awaitable<PendingPage> ProactiveService::list(PendingQuery query) {
  auto page = co_await list_all(std::move(query));
  std::erase_if(page.sends, [](const PendingSend& send) { return send.kind == PendingSend::Kind::broadcast; });
  co_return page;
}

std::string ProactiveService::order_key(const ConversationReference& reference) const {
  return detail::conversation_key(runtime_.bot_id(), reference.channel_id().value_or(""),
                                  reference.conversation_id().value_or(""));
}

awaitable<SendCounts> ProactiveService::counts() {
  require_enabled();
  auto schedule = edits_.store();
  auto counted = co_await schedule.count_sends(edits_.deadline());
  co_return counted;
}

awaitable<std::optional<ConversationReference>> ProactiveService::find_reference(std::string channel_id,
                                                                                 std::string user_id) {
  require_enabled();
  auto& environment = runtime_.environment(0);
  return find_last_reference(environment.storage, environment.bot_id, std::move(channel_id), std::move(user_id),
                             edits_.deadline());
}

awaitable<std::optional<ConversationReference>> ProactiveService::find_reference(std::string channel_id,
                                                                                 std::string user_id,
                                                                                 std::string conversation_id) {
  require_enabled();
  auto& environment = runtime_.environment(0);
  return proactive::find_reference(environment.storage,
                                   detail::reference_key(environment.bot_id, channel_id, user_id, conversation_id),
                                   edits_.deadline());
}

}  // namespace tern::proactive
