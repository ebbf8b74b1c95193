#include "runtime/shard_runtime.hpp"

#include "runtime/refusal.hpp"
#include "turn/keys.hpp"
#include "turn/path_segment.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <utility>

namespace tern::runtime {

namespace {

using After = detail::UnitOfWork::After;

bool is_conflict(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const system_error& e) {
    return e.code() == errc::conflict;
  } catch (...) {
    return false;
  }
}

}  // namespace

ShardRuntime::ShardRuntime(Runtime& runtime, Shard& shard, detail::TurnEnvironment& environment)
    : runtime_(runtime),
      shard_(shard),
      environment_(environment),
      queues_(runtime.options().conversation_queue),
      done_(runtime.clock_, runtime.options().dedupe_bytes / runtime.shards_.size(), runtime.options().dedupe_window),
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

// A client that asks for another `deliveryMode` wants another kind of answer: that is no repetition.
void ShardRuntime::receive(TurnRequest request, const detail::ActivityHead& head, const ConversationKey& conversation) {
  std::optional<ActivityKey> key;
  bool is_token_exchange = false;
  if (const auto same = detail::same_activity(request.activity, head)) {
    key.emplace(conversation, *same, delivery_of(head.delivery_mode));
    is_token_exchange = same->is_token_exchange;
    if (answer_repetition(request, *key)) {
      runtime_.give_back_place();
      return;
    }
  }
  auto turn = std::make_unique<Turn>(*this, environment_, std::move(request.activity), head, conversation);
  observe(*turn, request);
  turn->key = key;
  turn->is_token_exchange = is_token_exchange;
  admit(std::move(turn));
}

bool ShardRuntime::answer_repetition(TurnRequest& request, const ActivityKey& key) {
  if (const auto* reply = done_.find(key)) {
    runtime_.figures_.repeated.inc();
    repeat(request, *reply);
    return true;
  }
  if (auto* open = open_stream(key)) {
    runtime_.figures_.repeated.inc();
    repeat_open(request, *open);
    return true;
  }
  const auto running = running_keys_.find(key);
  if (running == running_keys_.end()) {
    return false;
  }
  runtime_.figures_.repeated.inc();
  if ((*running)->acknowledged()) {
    tell(std::move(request.observer), request.origin, TurnReply(202));
  } else {
    observe(**running, request);
  }
  return true;
}

void ShardRuntime::submit(Continuation continuation) {
  auto event = event_of(continuation);
  const auto head = detail::head_of(event);
  const ConversationKey conversation(head.channel, head.conversation);
  auto turn = std::make_unique<Turn>(*this, environment_, std::move(event), head, conversation);
  if (!continuation.id.empty()) {
    turn->context.unit_of_work().name_turn(continuation.id);
  }
  turn->continued = std::make_unique<Continuation>(std::move(continuation));
  admit(std::move(turn));
}

void ShardRuntime::admit(std::unique_ptr<Turn> owned) {
  auto& turn = *owned.release();
  live_.push_back(turn);
  if (runtime_.draining()) {
    refuse(turn, shutting_down_reply(), errc::shutting_down, "the bot is shutting down");
    return;
  }
  if (turn.key) {
    running_keys_.insert(&turn);
  }
  turn.arrived = runtime_.clock_.now();
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
      refuse(turn, unavailable_reply("Too many activities wait in this conversation. Send it again later."),
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
  settle_key(turn, reply);
  auto observers = turn.take_observers();
  if (turn.continued) {
    turn.continued->refuse(std::make_exception_ptr(NotBegun(reason, std::string("The turn was not begun: ") + why)));
  }
  destroy(turn);
  tell_all(std::move(observers), reply);
}

void ShardRuntime::begin(Turn& turn) {
  if (turn.cut) {
    finish(turn, not_begun());  // its time was over before it came to run
    retire(turn);
    return;
  }
  if (turn.goes_on()) {
    limit_what_goes_on(turn);
  }
  asio::co_spawn(shard_.io(), run(turn),
                 asio::bind_cancellation_slot(turn.signal.slot(), [this, &turn](std::exception_ptr) { retire(turn); }));
}

Bot& ShardRuntime::bot_of(Turn& turn) {
  return turn.own_bot ? *turn.own_bot : *runtime_.bot_;
}

// Ends the turn itself: `co_spawn` posts its completion, and the answer of a turn that never waited need not.
// One coroutine, because its frame is there for as long as the turn waits.
awaitable<void> ShardRuntime::run(Turn& turn) {
  const detail::RunningScope running(turn);
  std::exception_ptr error;
  try {
    prepare(turn);
    if (is_reply(turn)) {
      co_await cancel_what_waits_for_a_reply(turn.context.activity());
    }
    co_await run_handler(turn);
    if (turn.context.has_unit_of_work() && !turn.cut) {
      co_await turn.context.unit_of_work().commit(After::turn_ends);
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
  finish(turn, error);
}

void ShardRuntime::prepare(Turn& turn) {
  if (runtime_.options().bot_per_turn) {
    turn.own_bot = runtime_.make_bot_();
  }
  const auto& activity = turn.context.activity();
  if (runtime_.options().capture_references && !turn.continued && references_.has_news(activity) &&
      can_be_sent_to(activity)) {
    turn.reference_seen = references_.observe(activity, turn.context.unit_of_work());
    if (turn.reference_seen && turn.reference_seen->too_large) {
      environment_.lost_references.inc();
    }
  }
}

// With `expectReplies` and `stream` nothing is sent to the activity's address, so that the edge takes any.
bool ShardRuntime::can_be_sent_to(const Activity& activity) const noexcept {
  return detail::may_stand_in_path(activity.conversation_id().value_or("")) &&
         environment_.sender.sends_to(activity.service_url().value_or(""));
}

// A message of somebody else than the bot; most bots await none, and then nobody asks the store.
bool ShardRuntime::is_reply(const Turn& turn) const {
  const auto& activity = turn.context.activity();
  return !turn.continued && environment_.observer != nullptr && environment_.observer->awaits_replies() &&
         activity.is(activity_types::message) && activity.from_id() != activity.recipient_id();
}

awaitable<void> ShardRuntime::cancel_what_waits_for_a_reply(const Activity& activity) {
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
    log::warn("what waits for a reply could not be cancelled", {{"error", e.what()}});
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
    context.require_running();  // a middleware may have kept this for longer than its turn
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
    if (turn.context.unit_of_work().reference_lost()) {
      references_.lost(*turn.reference_seen);
    } else {
      references_.written(*turn.reference_seen);
    }
    turn.reference_seen.reset();
  }
}

awaitable<void> ShardRuntime::handle_failure(Turn& turn, std::exception_ptr error) {
  const bool conflict = is_conflict(error);
  if (turn.context.has_unit_of_work()) {
    turn.context.unit_of_work().discard();
  }
  turn.context.forget_invoke_response();
  std::exception_ptr unhandled;
  try {
    co_await bot_of(turn).on_turn_error(turn.context, error);
    turn.mended = true;
    if (turn.context.has_unit_of_work() && !turn.cut) {
      co_await turn.context.unit_of_work().commit(After::turn_ends);
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

// Where the user can be reached is true whether or not the turn went well.
awaitable<void> ShardRuntime::save_reference(Turn& turn) {
  try {
    turn.context.unit_of_work().discard();
    co_await turn.context.unit_of_work().commit(After::turn_ends);
    note_commit(turn);
  } catch (const std::exception& e) {
    log::warn("a conversation reference could not be stored", {{"error", e.what()}});
  }
}

}  // namespace tern::runtime
