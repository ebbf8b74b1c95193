#include "proactive/schedule/send_runner.hpp"

#include "proactive/references/gone_references.hpp"
#include "proactive/schedule/continuation_turn.hpp"
#include "turn/annotations.hpp"
#include "turn/make_send.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/parse.hpp>

#include <utility>

namespace tern::proactive {

namespace {

constexpr int longest_patience = 4;

json::object object_of(const std::string& text, const char* what) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) {
    throw_error(errc::invalid_argument, std::string(what) + " is not a JSON object.");
  }
  return std::move(parsed->as_object());
}

// Few conversations were brought by another bot, so the reference is parsed for those alone. They have "by":"bot". The
// search leaves out what it begins with: a "y" is rare in a reference, and a quotation mark stands at each word.
void note_caller_of(const std::string& reference, Activity& activity) {
  if (reference.find(R"(y":"bot")") != std::string::npos) {
    detail::note_caller(activity, ConversationReference(object_of(reference, "The reference of a scheduled send")));
  }
}

// Its zone was known when it was scheduled: by another machine, or by an older database.
void tell_of_unknown_zone(const ScheduledSend& send, const detail::Annotations& times) {
  if (!times.has_known_zone()) {
    log::warn(
        "this machine does not know the time zone of a scheduled send, whose hours are counted in UTC; is the package "
        "tzdata there?",
        {{"time_zone", times.time_zone}, {"send", send.handle.to_string()}});
  }
}

}  // namespace

awaitable<void> SendRunner::execute_if(ScheduledSend send, std::function<bool()> may_begin) {
  if (Broadcaster::is_step(send)) {
    return take_step(std::move(send));
  }
  auto payload = object_of(send.payload, "The payload of a scheduled send");
  return send.kind == SendKind::activity ? post(std::move(send), std::move(payload), std::move(may_begin))
                                         : continue_with(std::move(send), std::move(payload));
}

awaitable<void> SendRunner::take_step(ScheduledSend send) {
  const auto id = send.handle.id;
  auto next = co_await broadcaster_.step(std::move(send));
  next_steps_.insert_or_assign(id, next);
}

awaitable<void> SendRunner::post(ScheduledSend send, json::object payload, std::function<bool()> may_begin) {
  Activity activity(std::move(payload));
  note_caller_of(send.reference, activity);
  // The connector gives the send less time, unless the channel is known to be slow.
  const auto by = Deadline::after(longest_patience * environment_.send_timeout, environment_.clock);
  co_await environment_.sender.send_if(activity, send.client_request_id, by, std::move(may_begin));
}

awaitable<void> SendRunner::continue_with(ScheduledSend send, json::object payload) {
  runtime::Continuation continuation;
  continuation.reference =
      ConversationReference(object_of(send.reference, "The reference of a scheduled continuation"));
  const auto* name = payload.if_contains("name");
  continuation.name = name != nullptr && name->is_string() ? std::string(name->as_string()) : std::string();
  continuation.value = payload["value"];
  continuation.id = send.handle.to_string() + '/' + std::to_string(send.generation);
  if (!runtime_.has_continuation(continuation.name)) {
    detail::throw_unknown_continuation(continuation.name);
  }
  return run_continuation(runtime_, std::move(continuation));
}

std::optional<WallTime> SendRunner::next_occurrence(const ScheduledSend& send, WallTime now) const {
  if (Broadcaster::is_step(send)) {
    const auto found = next_steps_.extract(send.handle.id);
    // A step that failed for good comes again all the same: a running broadcast does not end by an outage.
    return found.empty() ? std::optional(now + std::chrono::minutes(1)) : found.mapped();
  }
  if (!detail::Annotations::may_have_times(send.annotations)) {
    return std::nullopt;
  }
  const auto times = detail::Annotations::parse(send.annotations);
  const auto next = times.next(send.handle.due, now);
  if (next) {
    tell_of_unknown_zone(send, times);
  }
  const bool comes_too_late = next && send.expires && *next > *send.expires;
  return comes_too_late ? std::nullopt : next;
}

WallTime SendRunner::not_before(const ScheduledSend& send, WallTime now) const {
  if (!detail::Annotations::may_have_times(send.annotations)) {
    return now;
  }
  const auto times = detail::Annotations::parse(send.annotations);
  if (!times.every) {
    tell_of_unknown_zone(send, times);
  }
  return times.awake(now);
}

void SendRunner::on_conversation_gone(const ScheduledSend& send) {
  mark_gone(ex_, runtime_, environment_, send);
}

}  // namespace tern::proactive
