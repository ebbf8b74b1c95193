#include "runtime/shard_runtime.hpp"

#include "async/describe_error.hpp"
#include "async/running.hpp"
#include "runtime/refusal.hpp"
#include "turn/keys.hpp"
#include "turn/path_segment.hpp"
#include "turn/trust.hpp"
#include "turn/turn_access.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <utility>

namespace tern::runtime {

namespace {

using After = detail::UnitOfWork::After;
using detail::TurnAccess;

}  // namespace

ShardRuntime::ShardRuntime(Runtime& runtime, Shard& shard, detail::TurnEnvironment& environment)
    : runtime_(runtime),
      shard_(shard),
      executor_(shard.ex()),
      environment_(environment),
      queues_(runtime.options().conversation_queue),
      done_(runtime.options().dedupe_bytes / runtime.shards_.size(), runtime.options().dedupe_window),
      references_(environment.bot_id, runtime.last_conversations_, runtime.options().reference_bytes),
      background_(shard, environment, runtime.background_) {
  environment_.background = &background_;
}

ShardRuntime::~ShardRuntime() {
  abandon_turns();
  for (auto& [key, stream] : open_streams_) {
    stream->on_end(nullptr);
  }
}

void ShardRuntime::abandon_turns() noexcept {
  queues_.clear();
  live_.clear_and_dispose([](Turn* turn) { delete turn; });
}

// The key contains the `deliveryMode`: the same activity with another mode wants another kind of answer, and is no
// repetition.
void ShardRuntime::receive(TurnRequest&& request, const detail::ActivityHead& head,
                           const ConversationKey& conversation) {
  std::optional<ActivityKey> key;
  if (const auto same = detail::same_activity(request.activity, head)) {
    key.emplace(conversation, *same, delivery_of(head.delivery_mode), request.caller.get());
    done_.fetch(*key);
  }
  const auto now = runtime_.clock_.now();
  // The turn is made before the check for a repetition, while the processor loads the memory that `fetch` has asked
  // for. Few activities are repetitions, so it is hardly ever made in vain.
  auto turn = std::make_unique<Turn>(*this, environment_, std::move(request.activity), head, conversation);
  if (request.caller) {  // the turn keeps the caller that `key` points to
    detail::TurnSlots::identify(turn->context, std::move(request.caller));
  }
  if (key && answer_repetition(request, *key, now)) {
    runtime_.give_back_place();
    return;
  }
  observe(*turn, request);
  turn->key = key;
  admit(std::move(turn), now);
}

// The activity of the request was moved into a turn already. The dedupe window is asked last, because its memory takes
// longest to arrive (`fetch`).
bool ShardRuntime::answer_repetition(TurnRequest& request, const ActivityKey& key, SteadyTime now) {
  if (const auto running = running_keys_.find(key); running != running_keys_.end()) {
    if ((*running)->acknowledged()) {
      tell(std::move(request.observer), request.origin, TurnReply::going_on());
    } else {
      observe(**running, request);
    }
  } else if (auto* open = open_stream(key)) {
    repeat_open(request, *open);
  } else if (const auto* reply = done_.find(key, now)) {
    repeat(request, key.delivery, *reply);
  } else {
    return false;
  }
  runtime_.figures_.repeated.inc();
  return true;
}

void ShardRuntime::submit(Continuation continuation) {
  auto event = event_of(continuation);
  const auto head = detail::head_of(event);
  const ConversationKey conversation(head.channel, head.conversation);
  auto turn = std::make_unique<Turn>(*this, environment_, std::move(event), head, conversation);
  if (!continuation.id.empty()) {
    TurnAccess::unit_of_work(turn->context).name_turn(continuation.id);
  }
  turn->continued = std::make_unique<Continuation>(std::move(continuation));
  admit(std::move(turn), runtime_.clock_.now());
}

void ShardRuntime::admit(std::unique_ptr<Turn> owned, SteadyTime now) {
  auto& turn = *owned.release();
  live_.push_back(turn);
  turn.arrived = now;
  if (runtime_.draining()) {
    refuse(turn, shutting_down_reply(), errc::shutting_down, "the bot is shutting down");
    return;
  }
  if (turn.key) {
    running_keys_.insert(&turn);
  }
  if (!turn.continued) {
    const auto& options = runtime_.options();
    if (turn.wants_answer()) {
      shard_.wheel().arm(turn, Deadline::at(turn.arrived + options.deadline));
    } else if (turn.delivery() != Delivery::stream) {
      shard_.wheel().arm(turn, Deadline::at(turn.arrived + options.ack_after));
    }
  }
  if (!runtime_.options().ordered) {
    tell_admitted(turn);
    begin(turn);
    return;
  }
  switch (queues_.enter(turn)) {
    case ConversationQueues::Admission::start:
      tell_admitted(turn);
      begin(turn);
      break;
    case ConversationQueues::Admission::wait:
      tell_admitted(turn);
      break;
    case ConversationQueues::Admission::full:
      refuse(turn, overloaded_reply("Too many activities wait in this conversation. Send it again later."),
             errc::overloaded, "too many turns wait in its conversation (limits.conversation_queue); try again later");
      break;
  }
}

void ShardRuntime::tell_admitted(Turn& turn) {
  if (turn.continued && turn.continued->admitted) {
    turn.continued->admitted(nullptr);
  }
}

void ShardRuntime::refuse(Turn& turn, const TurnReply& reply, errc reason, const char* why) {
  runtime_.figures_.refused.inc();
  settle_key(turn, reply, turn.arrived);
  auto observers = turn.take_observers();
  if (turn.continued) {
    turn.continued->refuse(std::make_exception_ptr(NotBegun(reason, std::string("The turn was not begun: ") + why)));
  }
  destroy(turn);
  tell_all(std::move(observers), reply);
}

void ShardRuntime::begin(Turn& turn) {
  if (turn.cut) {
    finish(turn, not_begun());  // it was cut while it waited
    retire(turn);
    return;
  }
  if (turn.goes_on()) {
    limit_what_goes_on(turn);
  }
  detail::begin(run(turn), executor_, turn.signal.slot());
}

Bot& ShardRuntime::bot_of(Turn& turn) {
  return turn.own_bot ? *turn.own_bot : *runtime_.bot_;
}

// All steps are in one coroutine, because its frame takes memory for as long as the turn waits. `RunningScope` ends
// before `finish`: its end waits until all earlier writes of the thread are done, and `finish` writes to memory that is
// not in the cache.
detail::RootCoroutine ShardRuntime::run(Turn& turn) {
  const auto working = asio::make_work_guard(shard_.io());  // keeps the shard's thread running until the turn ends
  std::exception_ptr error;
  const auto* const run = co_await detail::this_run;
  {
    const detail::RunningScope running(turn, run);
    try {
      if (prepare(turn)) {
        co_await capture_if_allowed(turn);
      }
      if (is_reply(turn)) {
        co_await cancel_on_reply(turn.context.activity());
      }
      co_await run_handler(turn);
      if (TurnAccess::has_unit_of_work(turn.context) && !turn.cut) {
        co_await TurnAccess::unit_of_work(turn.context).commit(After::turn_ends);
        note_commit(turn);
      }
    } catch (...) {
      error = std::current_exception();
    }
    if (error && !turn.cut) {
      try {
        co_await handle_failure(turn, std::exchange(error, nullptr));
      } catch (...) {
        error = std::current_exception();
      }
    }
  }
  finish(turn, error);
  retire(turn);
}

// True when the turn has to look at what is stored before its reference may be captured.
bool ShardRuntime::prepare(Turn& turn) {
  if (runtime_.options().bot_per_turn) {
    turn.own_bot = runtime_.make_bot_();
  }
  const auto& activity = turn.context.activity();
  const auto* caller = TurnAccess::caller(turn.context);
  if (!runtime_.options().capture_references || turn.continued || !references_.has_news(activity, caller) ||
      !can_be_sent_to(activity)) {
    return false;
  }
  // The token of a channel names the channel and the address, so a channel need not be held against what is stored;
  // but for the conversations of channels in the process, which no token speaks for.
  if (environment_.has_channels_inside ||
      (environment_.checks_callers && (caller == nullptr || caller->kind != Identity::Kind::channel))) {
    return true;
  }
  capture(turn);
  return false;
}

void ShardRuntime::capture(Turn& turn, ReferenceCapture::Allowed allowed) {
  turn.reference_seen = references_.observe(turn.context.activity(), TurnAccess::unit_of_work(turn.context),
                                            TurnAccess::caller(turn.context), allowed);
  if (turn.reference_seen && turn.reference_seen->too_large) {
    environment_.lost_references.inc();
  }
}

// A caller that is no channel chooses all ids in its activity: it could name somebody else's conversation, to receive
// what the bot sends there.
awaitable<void> ShardRuntime::capture_if_allowed(Turn& turn) {
  const auto& activity = turn.context.activity();
  const auto* caller = TurnAccess::caller(turn.context);
  StoreItems items;
  try {
    const auto by = Deadline::after(environment_.storage_timeout, environment_.clock);
    items = co_await environment_.storage.read(references_.keys_of(activity), by);
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      throw;
    }
    log::warn("a conversation reference is not stored, because the stored one cannot be read", {{"error", e.what()}});
    co_return;
  }
  const auto judged = references_.judge(activity, caller, items, environment_.checks_callers);
  if (!judged.disbelieved.empty()) {
    tell_of_disbelief(judged.disbelieved, caller);
  }
  if (judged.allowed != ReferenceCapture::Allowed::none) {
    capture(turn, judged.allowed);
  }
}

void ShardRuntime::tell_of_disbelief(const std::string& key, const Identity* caller) {
  constexpr std::chrono::minutes pause{1};
  environment_.lost_references.inc();
  const auto now = environment_.clock.now();
  if (now < tell_of_disbelief_at_) {
    return;
  }
  tell_of_disbelief_at_ = now + pause;
  log::warn("a caller is not believed where a conversation is, because another one speaks for it",
            {{"key", key}, {"caller", caller != nullptr ? caller->app_id : std::string()}});
}

// The edge accepts any service URL with `expectReplies` and `stream`, because those turns send nothing to it.
// References of such activities are not captured.
bool ShardRuntime::can_be_sent_to(const Activity& activity) const noexcept {
  return detail::may_stand_in_path(activity.conversation_id().value_or("")) &&
         environment_.sender.sends_to(activity.service_url().value_or(""));
}

// A message that the bot did not send itself. When no send waits for a reply, as in most bots, the store is not asked.
bool ShardRuntime::is_reply(const Turn& turn) const {
  const auto& activity = turn.context.activity();
  return !turn.continued && environment_.observer != nullptr && environment_.observer->awaits_replies() &&
         activity.is(activity_types::message) && activity.from_id() != activity.recipient_id();
}

awaitable<void> ShardRuntime::cancel_on_reply(const Activity& activity) {
  StoreChanges changes;
  const auto channel = activity.channel_id().value_or("");
  const auto conversation = activity.conversation_id().value_or("");
  changes.edits.push_back(SendEdit::on_reply(detail::conversation_key(environment_.bot_id, channel, conversation)));
  if (const auto user = activity.from_id().value_or(""); !user.empty()) {
    changes.edits.push_back(SendEdit::on_reply(detail::reply_key(environment_.bot_id, channel, conversation, user)));
  }
  try {
    const auto by = Deadline::after(environment_.storage_timeout, environment_.clock);
    (void)co_await environment_.storage.write(std::move(changes), by);
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      throw;
    }
    log::warn("the sends that a reply cancels could not be cancelled, and come all the same",
              {{"channel", channel}, {"conversation", conversation}, {"error", e.what()}});
  }
}

awaitable<void> ShardRuntime::run_handler(Turn& turn) {
  auto& bot = bot_of(turn);
  return bot.middleware().empty() ? run_innermost(turn, bot) : run_middleware(turn, bot, 0);
}

awaitable<void> ShardRuntime::run_middleware(Turn& turn, Bot& bot, std::size_t index) {
  if (index == bot.middleware().size()) {
    return run_innermost(turn, bot);
  }
  auto next = [this, &context = turn.context, &turn, &bot, index] {
    context.require_running();  // a middleware may have kept `next` for longer than its turn
    return run_middleware(turn, bot, index + 1);
  };
  return bot.middleware()[index]->on_turn(turn.context, std::move(next));
}

awaitable<void> ShardRuntime::run_innermost(Turn& turn, Bot& bot) {
  if (!turn.continued) {
    return bot.on_turn(turn.context);
  }
  const auto& continued = *turn.continued;
  if (continued.handler) {
    return continued.handler(turn.context);
  }
  const auto* handler = bot.continuation(continued.name);
  if (handler == nullptr) {
    detail::throw_unknown_continuation(continued.name);
  }
  return (*handler)(turn.context);
}

void ShardRuntime::note_commit(Turn& turn) {
  if (turn.reference_seen) {
    if (TurnAccess::unit_of_work(turn.context).reference_lost()) {
      references_.lost(*turn.reference_seen);
    } else {
      references_.written(*turn.reference_seen);
    }
    turn.reference_seen.reset();
  }
}

// The bot has dealt with the error, so no line tells of it; but the channel gets 500, which somebody will look into.
void ShardRuntime::tell_of_unanswered_invoke(const Turn& turn, const std::exception_ptr& error) {
  const auto& activity = turn.context.activity();
  if (activity.is(activity_types::invoke) && !turn.context.invoke_response()) {
    log::error("an invoke is answered 500, because on_turn_error has set no response for it",
               {{"channel", activity.channel_id().value_or("")},
                {"conversation", activity.conversation_id().value_or("")},
                {"activity", turn.name()},
                {"error", detail::describe(error)}});
  }
}

awaitable<void> ShardRuntime::handle_failure(Turn& turn, std::exception_ptr error) {
  const bool conflict = detail::has_code(error, errc::conflict);
  if (TurnAccess::has_unit_of_work(turn.context)) {
    TurnAccess::unit_of_work(turn.context).discard();
  }
  TurnAccess::forget_invoke_response(turn.context);
  std::exception_ptr unhandled;
  try {
    co_await bot_of(turn).on_turn_error(turn.context, error);
    turn.mended = true;
    tell_of_unanswered_invoke(turn, error);
    if (TurnAccess::has_unit_of_work(turn.context) && !turn.cut) {
      co_await TurnAccess::unit_of_work(turn.context).commit(After::turn_ends);
      note_commit(turn);
    }
  } catch (...) {
    unhandled = std::current_exception();
  }
  if (turn.reference_seen && !turn.cut) {
    turn.undone = true;
    co_await save_reference(turn);
  }
  if (unhandled) {
    std::rethrow_exception(unhandled);
  }
  if (conflict) {
    std::rethrow_exception(error);
  }
}

// The reference is stored even after a failed turn: the failure says nothing about the user's address.
awaitable<void> ShardRuntime::save_reference(Turn& turn) {
  try {
    TurnAccess::unit_of_work(turn.context).discard();
    co_await TurnAccess::unit_of_work(turn.context).commit(After::turn_ends);
    note_commit(turn);
  } catch (const std::exception& e) {
    log::warn("a conversation reference could not be stored", {{"error", e.what()}});
  }
}

}  // namespace tern::runtime
