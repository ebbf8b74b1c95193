#include "proactive/proactive_service.hpp"

#include "proactive/gone_references.hpp"
#include "storage/process_name.hpp"
#include "turn/annotations.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace tern::proactive {

namespace {

// Awaits the end of a turn that another shard runs. The handler is resumed on its own executor.
awaitable<void> submitted(runtime::Runtime& target, runtime::Continuation continuation) {
  auto begin = [](auto handler, runtime::Runtime* where, runtime::Continuation what) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    what.done = [shared](std::exception_ptr error) {
      auto ex = asio::get_associated_executor(*shared);
      asio::post(ex, [shared, error]() mutable { std::move (*shared)(error); });
    };
    where->submit(std::move(what));
  };
  co_await asio::async_initiate<const asio::deferred_t&, void(std::exception_ptr)>(begin, asio::deferred, &target,
                                                                                   std::move(continuation));
}

// Runs it on a shard; the caller goes on where it was.
template <class T>
auto on_shard(runtime::Shard& shard, awaitable<T> work) {
  return asio::co_spawn(shard.io(), std::move(work), asio::use_awaitable);
}

std::uint64_t etag_number(const std::string& etag) {
  std::uint64_t number = 0;
  std::from_chars(etag.data(), etag.data() + etag.size(), number);
  return number;
}

Counter slot_changes(Metrics& metrics, const char* change) {
  return metrics.counter("tern_schedule_slot_changes_total", "Slots of the schedule that changed their owner.",
                         {{"change", change}});
}

bool is_personal(const ConversationReference& reference) {
  const auto conversation = reference.conversation();
  return conversation && (conversation->conversation_type() == "personal" || conversation->is_group() == false);
}

}  // namespace

/// Sends for the scheduler of one shard.
class ProactiveService::Executor final : public SendExecutor {
 public:
  Executor(executor ex, runtime::Runtime& runtime, detail::TurnEnvironment& environment, Broadcaster& broadcaster)
      : ex_(ex), runtime_(runtime), environment_(environment), broadcaster_(broadcaster) {}

  awaitable<void> execute(ScheduledSend send) override { return execute_if(std::move(send), {}); }
  awaitable<void> execute_if(ScheduledSend send, std::function<bool()> may_begin) override {
    if (Broadcaster::is_step(send)) {
      const auto id = send.handle.id;
      auto next = co_await broadcaster_.step(std::move(send));
      next_steps_.insert_or_assign(id, next);
      co_return;
    }
    auto payload = parse_json(send.payload);
    if (!payload || !payload->is_object()) {
      throw_error(errc::invalid_argument, "The payload of a scheduled send is not a JSON object.");
    }
    if (send.kind == SendKind::activity) {
      Activity activity(std::move(payload->as_object()));
      const auto by = Deadline::after(environment_.send_timeout, environment_.clock);
      co_await environment_.sender.send_if(activity, send.client_request_id, by, std::move(may_begin));
      co_return;
    }
    auto reference = parse_json(send.reference);
    if (!reference || !reference->is_object()) {
      throw_error(errc::invalid_argument, "The reference of a scheduled continuation is not a JSON object.");
    }
    auto& fields = payload->as_object();
    const auto* name = fields.if_contains("name");
    runtime::Continuation continuation;
    continuation.reference = ConversationReference(std::move(reference->as_object()));
    continuation.name = name != nullptr && name->is_string() ? std::string(name->as_string()) : std::string();
    continuation.value = fields["value"];
    continuation.id = send.handle.to_string() + '/' + std::to_string(send.generation);
    if (!runtime_.has_continuation(continuation.name)) {
      detail::throw_unknown_continuation(continuation.name);
    }
    co_await submitted(runtime_, std::move(continuation));
  }

  std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const override {
    if (Broadcaster::is_step(send)) {
      const auto found = next_steps_.extract(send.handle.id);
      // One that failed for good comes again all the same: a broadcast that runs does not end by an outage.
      return found.empty() ? std::optional(now + std::chrono::minutes(1)) : found.mapped();
    }
    if (!detail::Annotations::may_have_times(send.annotations)) {
      return std::nullopt;
    }
    return detail::Annotations::parse(send.annotations).next(send.handle.due, now);
  }
  WallTime not_before(const ScheduledSend& send, WallTime now) const override {
    return detail::Annotations::may_have_times(send.annotations)
               ? detail::Annotations::parse(send.annotations).awake(now)
               : now;
  }

  std::optional<StoreUpsert> note_of(const ScheduledSend& send, const SendOutcome& outcome) const override {
    return broadcaster_.note_of(send, outcome);
  }
  void on_conversation_gone(const ScheduledSend& send) override { mark_gone(ex_, runtime_, environment_, send); }

 private:
  executor ex_;
  runtime::Runtime& runtime_;
  detail::TurnEnvironment& environment_;
  Broadcaster& broadcaster_;
  mutable std::map<std::array<std::uint8_t, 16>, std::optional<WallTime>> next_steps_;  // of those that have just run
};

struct ProactiveService::Home {
  Home(runtime::Shard& on, runtime::Runtime& runtime, detail::TurnEnvironment& environment, Clock& clock,
       ScheduleFigures& figures, SoloGate& solo, Broadcaster& broadcaster, const SchedulerOptions& options)
      : shard(on),
        sends(on.ex(), runtime, environment, broadcaster),
        scheduler(on.ex(), environment.schedule, sends, clock, figures, solo, options) {}
  runtime::Shard& shard;
  Executor sends;
  Scheduler scheduler;
};

ProactiveService::ProactiveService(runtime::ShardPool& shards, runtime::Runtime& runtime, bool enabled,
                                   SchedulerOptions options, Clock& clock, Metrics& metrics, SendLimits limits)
    : shards_(shards),
      runtime_(runtime),
      enabled_(enabled),
      clock_(clock),
      figures_(metrics),
      slots_(metrics.gauge("tern_schedule_slots", "Slots of the schedule that this process owns, of 64.")),
      slots_taken_(slot_changes(metrics, "taken")),
      slots_gone_(slot_changes(metrics, "gone")),
      clock_ahead_(metrics.gauge("tern_schedule_clock_ahead_seconds",
                                 "By how much the clock of the schedule's store is ahead of this machine's.")),
      watch_(shards[0].ex(), runtime.environment(0).schedule, clock, runtime.environment(0).storage_timeout, metrics),
      limiter_(std::move(limits)) {
  options.limiter = &limiter_;
  auto& first = runtime.environment(0);
  broadcaster_ =
      std::make_unique<Broadcaster>(first.schedule, clock, first.bot_id, first.storage_timeout,
                                    [this](const auto& sends, const auto& seqs) { on_scheduled(sends, seqs); });
  options.window_entries = std::max<std::size_t>(1, options.window_entries / shards.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    auto& environment = runtime.environment(i);
    environment.proactive = this;
    environment.proactive_enabled = enabled;
    environment.observer = this;
    homes_.push_back(
        std::make_unique<Home>(shards[i], runtime, environment, clock, figures_, solo_, *broadcaster_, options));
  }
  keeper_ = std::make_unique<SlotKeeper>(shards[0].ex(), runtime.environment(0).schedule, static_cast<SlotWork&>(*this),
                                         clock, storage::process_name());
}

ProactiveService::~ProactiveService() = default;

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

awaitable<void> ProactiveService::start(Deadline by) {
  if (!enabled_) {
    co_return;
  }
  co_await on_shard(shards_[0], keeper_->take(by));
  co_await look_for_awaited_replies(by);
  for (auto& home : homes_) {
    asio::co_spawn(home->shard.io(), home->scheduler.run(), [](std::exception_ptr error) {
      if (error) {
        log::error("a scheduler ended with an exception");
      }
    });
  }
  run_keeper();
  asio::co_spawn(shards_[0].io(), watch_.run(), [](std::exception_ptr error) {
    if (error) {
      log::error("the watch over the schedule ended with an exception");
    }
  });
}

awaitable<void> ProactiveService::look_for_awaited_replies(Deadline by) {
  auto schedule = runtime_.environment(0).schedule;
  const auto counts = co_await schedule.count_sends(by);
  if (counts.awaiting_reply > 0) {
    awaits_replies_.store(true, std::memory_order_relaxed);
  }
}

void ProactiveService::run_keeper() {
  const auto log_end = [](std::exception_ptr error) {
    if (error) {
      log::error("the keeper of the schedule's slots ended with an exception");
    }
  };
  if (keeper_->is_shared()) {
    asio::co_spawn(shards_[0].io(), keeper_->run(), log_end);
  }
  asio::co_spawn(shards_[0].io(), keeper_->run_late(), log_end);
}

void ProactiveService::count_slots(const std::vector<SlotLease>& leases) {
  SlotSet now;
  for (const auto& lease : leases) {
    now.set(lease.slot);
  }
  slots_.set(static_cast<double>(now.count()));
  slots_taken_.inc(static_cast<double>((now & ~held_).count()));
  slots_gone_.inc(static_cast<double>((held_ & ~now).count()));
  held_ = now;
}

void ProactiveService::own(const std::vector<SlotLease>& leases) {
  count_slots(leases);
  clock_ahead_.set(std::chrono::duration<double>(keeper_->clock_ahead()).count());
  limiter_.set_processes(keeper_->owners());
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    std::vector<SlotLease> mine;
    std::copy_if(leases.begin(), leases.end(), std::back_inserter(mine),
                 [&](const SlotLease& lease) { return lease.slot % homes_.size() == i; });
    auto& home = *homes_[i];
    asio::post(home.shard.io(), [&home, mine = std::move(mine)] { home.scheduler.own(mine); });
  }
  if (keeper_->is_shared() && !awaits_replies() && !std::exchange(looking_, true)) {
    // Another process may have stored a send that a reply here cancels.
    asio::co_spawn(shards_[0].io(), look_for_awaited_replies(storage_deadline()),
                   [this](std::exception_ptr) { looking_ = false; });
  }
}

awaitable<bool> ProactiveService::quiet(SlotSet slots, Deadline by) {
  bool all = true;
  for (auto& home : homes_) {
    const bool here = co_await on_shard(home->shard, home->scheduler.quiet(slots, by));
    all = all && here;
  }
  co_return all;
}

void ProactiveService::on_late(std::vector<DueEntry> entries) {
  std::vector<std::vector<DueEntry>> by_home(homes_.size());
  for (const auto& entry : entries) {
    by_home[entry.slot % homes_.size()].push_back(entry);
  }
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    if (!by_home[i].empty()) {
      homes_[i]->scheduler.on_committed(std::move(by_home[i]));
    }
  }
}

// Coroutines below, so that their first line runs on the home's shard too: a scheduler belongs to its shard.
awaitable<bool> ProactiveService::drain(Deadline by) {
  auto stop_taking = [](ProactiveService* self) -> awaitable<void> {
    self->keeper_->take_no_more();
    self->watch_.stop();
    co_return;
  };
  co_await on_shard(shards_[0], stop_taking(this));
  auto stop_sending = [](Home* where) -> awaitable<void> {
    where->scheduler.stop();
    co_return;
  };
  for (auto& home : homes_) {
    co_await on_shard(home->shard, stop_sending(home.get()));
  }
  bool clean = true;
  for (auto& home : homes_) {
    const bool idle = co_await on_shard(home->shard, home->scheduler.idle(by));
    clean = clean && idle;
  }
  co_return clean;
}

awaitable<void> ProactiveService::release(Deadline by) {
  auto give_back = [](ProactiveService* self, Deadline until) -> awaitable<void> {
    self->keeper_->stop();
    co_await self->keeper_->release(until);
  };
  co_await on_shard(shards_[0], give_back(this, by));
}

awaitable<SlotSet> ProactiveService::under_way() {
  auto ask = [](Home* where) -> awaitable<SlotSet> { co_return where->scheduler.busy(); };
  SlotSet all;
  for (auto& home : homes_) {
    const auto here = co_await on_shard(home->shard, ask(home.get()));
    all |= here;
  }
  co_return all;
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
  continuation.done = [](const std::exception_ptr&) {};  // the runtime logs and counts a failure
  runtime_.submit(std::move(continuation));
  co_return;
}

awaitable<void> ProactiveService::continue_and_wait(ConversationReference reference, TurnHandler handler) {
  require_enabled();
  detail::require_reachable(reference);
  runtime::Continuation continuation;
  continuation.reference = std::move(reference);
  continuation.handler = std::move(handler);
  co_await submitted(runtime_, std::move(continuation));
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
  auto schedule = runtime_.environment(0).schedule;
  auto written = co_await schedule.write(std::move(changes), storage_deadline());
  if (written.has_error()) {
    throw_error(errc::conflict, "The schedule refused the send.");
  }
  on_scheduled({send}, written->seqs);
  co_return written->handles.at(0);
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
  auto schedule = runtime_.environment(0).schedule;
  auto written = co_await schedule.write(std::move(changes), storage_deadline());
  const bool done = written.has_value() && written->edits.at(0) == EditOutcome::done;
  if (done) {
    on_cancelled({handle});
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
  auto schedule = runtime_.environment(0).schedule;
  auto written = co_await schedule.write(std::move(changes), storage_deadline());
  if (!written.has_value() || written->edits.at(0) != EditOutcome::done) {
    co_return std::nullopt;
  }
  const auto moved = written->edit_handles.at(0);
  co_await tell_of_edit(moved);
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
  auto schedule = runtime_.environment(0).schedule;
  do {
    auto page = co_await schedule.list_sends(query, storage_deadline());
    StoreChanges changes;
    std::vector<SendHandle> handles;
    for (const auto& send : page.sends) {
      changes.edits.emplace_back(SendEdit::Kind::cancel, send.handle);
      handles.push_back(send.handle);
    }
    if (!changes.edits.empty()) {
      auto written = co_await schedule.write(std::move(changes), storage_deadline());
      if (written.has_value()) {
        cancelled +=
            static_cast<std::size_t>(std::count(written->edits.begin(), written->edits.end(), EditOutcome::done));
        on_cancelled(handles);  // one that is being sent does not wait
      }
    }
    query.after = page.next;
  } while (!query.after.empty());
  co_return cancelled;
}

awaitable<DeadPage> ProactiveService::list_dead(DeadQuery query) {
  require_enabled();
  auto schedule = runtime_.environment(0).schedule;
  auto page = co_await schedule.list_dead(std::move(query), storage_deadline());
  co_return page;
}

awaitable<std::optional<SendHandle>> ProactiveService::redrive(SendHandle handle) {
  return move_to(SendEdit::Kind::redrive, handle, clock_.wall_now());
}

awaitable<bool> ProactiveService::discard(SendHandle handle) {
  require_enabled();
  StoreChanges changes;
  changes.edits.emplace_back(SendEdit::Kind::discard, handle);
  auto schedule = runtime_.environment(0).schedule;
  auto written = co_await schedule.write(std::move(changes), storage_deadline());
  co_return written.has_value() && written->edits.at(0) == EditOutcome::done;
}

// The window must learn of a send that was moved into it; its record says what it now is.
awaitable<void> ProactiveService::tell_of_edit(SendHandle handle) {
  SendQuery query;
  query.handle = handle;
  query.limit = 1;
  auto schedule = runtime_.environment(0).schedule;
  auto page = co_await schedule.list_sends(std::move(query), storage_deadline());
  if (!page.sends.empty()) {
    on_scheduled({page.sends.front()}, {page.sends.front().seq});
  }
}

awaitable<SendPage> ProactiveService::list(SendQuery query) {
  require_enabled();
  auto schedule = runtime_.environment(0).schedule;
  auto page = co_await schedule.list_sends(std::move(query), storage_deadline());
  co_return page;
}

awaitable<std::string> ProactiveService::broadcast(Recipients recipients, Activity activity, BroadcastOptions options) {
  require_enabled();
  return broadcaster_->begin(std::move(recipients), std::move(activity), std::move(options));
}

awaitable<std::optional<BroadcastProgress>> ProactiveService::broadcast_progress(std::string id) {
  require_enabled();
  return broadcaster_->progress(std::move(id));
}

awaitable<RecipientOutcomes> ProactiveService::broadcast_outcomes(std::string id, std::string after,
                                                                  std::size_t limit) {
  require_enabled();
  return broadcaster_->outcomes(std::move(id), std::move(after), limit);
}

awaitable<bool> ProactiveService::pause_broadcast(std::string id) {
  require_enabled();
  return broadcaster_->change(std::move(id), BroadcastState::paused);
}

awaitable<bool> ProactiveService::resume_broadcast(std::string id) {
  require_enabled();
  return broadcaster_->change(std::move(id), BroadcastState::running);
}

awaitable<bool> ProactiveService::cancel_broadcast(std::string id) {
  require_enabled();
  return broadcaster_->change(std::move(id), BroadcastState::cancelled);
}

awaitable<bool> ProactiveService::forget_broadcast(std::string id) {
  require_enabled();
  return broadcaster_->forget(std::move(id));
}

std::string ProactiveService::order_key(const ConversationReference& reference) const {
  return detail::conversation_key(runtime_.bot_id(), reference.channel_id().value_or(""),
                                  reference.conversation_id().value_or(""));
}

awaitable<SendCounts> ProactiveService::counts() {
  require_enabled();
  auto schedule = runtime_.environment(0).schedule;
  auto counted = co_await schedule.count_sends(storage_deadline());
  co_return counted;
}

awaitable<std::optional<ConversationReference>> ProactiveService::find_reference(std::string channel_id,
                                                                                 std::string user_id) {
  require_enabled();
  auto storage = runtime_.environment(0).storage;
  StoreScan scan(detail::reference_prefix(runtime_.bot_id(), channel_id, user_id), 1000);
  std::optional<ConversationReference> last;
  std::uint64_t last_written = 0;
  for (;;) {
    auto page = co_await storage.scan(scan, storage_deadline());
    for (const auto& item : page.items) {
      auto parsed = parse_json(item.document);
      if (!parsed || !parsed->is_object() || is_gone(parsed->as_object())) {
        continue;
      }
      ConversationReference reference(std::move(parsed->as_object()));
      if (is_personal(reference)) {
        co_return reference;
      }
      if (etag_number(item.etag) >= last_written) {
        last_written = etag_number(item.etag);
        last = std::move(reference);
      }
    }
    if (page.next.empty()) {
      co_return last;
    }
    scan.after = page.next;
  }
}

awaitable<std::optional<ConversationReference>> ProactiveService::find_reference(std::string channel_id,
                                                                                 std::string user_id,
                                                                                 std::string conversation_id) {
  require_enabled();
  auto key = detail::reference_key(runtime_.bot_id(), channel_id, user_id, conversation_id);
  auto storage = runtime_.environment(0).storage;
  std::vector<std::string> keys{key};
  auto items = co_await storage.read(std::move(keys), storage_deadline());
  const auto* item = items.find(key);
  if (item == nullptr) {
    co_return std::nullopt;
  }
  auto parsed = parse_json(item->document);
  if (!parsed || !parsed->is_object() || is_gone(parsed->as_object())) {
    co_return std::nullopt;
  }
  co_return ConversationReference(std::move(parsed->as_object()));
}

void ProactiveService::on_cancelled(const std::vector<SendHandle>& handles) {
  std::map<std::size_t, std::vector<SendHandle>> by_home;
  for (const auto& handle : handles) {
    by_home[handle.slot % homes_.size()].push_back(handle);
  }
  for (auto& [home, cancelled] : by_home) {
    homes_[home]->scheduler.on_cancelled(std::move(cancelled));
  }
}

void ProactiveService::on_scheduled(const std::vector<ScheduledSend>& sends,
                                    const std::vector<std::uint64_t>& seqs) noexcept {
  std::map<std::size_t, std::vector<DueEntry>> by_home;
  for (std::size_t i = 0; i < sends.size() && i < seqs.size(); ++i) {
    if (!sends[i].cancel_on_reply.empty()) {
      awaits_replies_.store(true, std::memory_order_relaxed);
    }
    if (seqs[i] != 0) {
      by_home[sends[i].handle.slot % homes_.size()].push_back(entry_of(sends[i], seqs[i]));
    }
  }
  for (auto& [home, entries] : by_home) {
    homes_[home]->scheduler.on_committed(std::move(entries));
  }
}

}  // namespace tern::proactive
