#include "proactive/send_views.hpp"

#include "proactive/broadcast/broadcaster.hpp"
#include "turn/annotations.hpp"
#include "turn/make_send.hpp"

#include <tern/schema/parse.hpp>

#include <utility>

namespace tern::proactive {

namespace {

json::object object_of(const std::string& text) {
  auto parsed = parse_json(text);
  return parsed && parsed->is_object() ? std::move(parsed->get_object()) : json::object();
}

void add_content(const ScheduledSend& send, PendingSend& view) {
  auto payload = object_of(send.payload);
  view.reference = ConversationReference(object_of(send.reference));
  if (send.kind == SendKind::activity) {
    view.activity.emplace(std::move(payload));
    return;
  }
  view.kind = PendingSend::Kind::continuation;
  if (const auto* name = payload.if_contains("name"); name != nullptr && name->is_string()) {
    view.continuation = std::string(name->get_string());
  }
  if (auto* value = payload.if_contains("value"); value != nullptr) {
    view.value = std::move(*value);
  }
}

void add_annotations(const ScheduledSend& send, PendingSend& view) {
  if (send.annotations.empty()) {
    return;
  }
  auto kept = detail::Annotations::parse(send.annotations);
  view.strict = kept.strict;
  view.every = kept.every;
  view.quiet_hours = kept.quiet;
  view.time_zone = std::move(kept.time_zone);
  view.scheduled_by = std::move(kept.trace);
}

void add_all(const ScheduledSend& send, PendingSend& view) {
  view.handle = send.handle;
  view.due = send.handle.due;
  if (send.not_before > send.handle.due) {
    view.not_before = send.not_before;
  }
  view.expires = send.expires;
  view.attempts = send.attempt;
  if (Broadcaster::is_step(send)) {  // no conversation gets a step
    view.kind = PendingSend::Kind::broadcast;
  } else {
    add_content(send, view);
  }
  view.broadcast = Broadcaster::id_of(send);
  view.order_key = send.order_key;
  auto given = detail::given_key(send.idempotency_key);
  view.key = std::move(given.key);
  view.key_scope = given.scope;
  view.cancel_on_reply = !send.cancel_on_reply.empty();
  view.at_most_once = send.at_most_once;
  add_annotations(send, view);
}

}  // namespace

PendingSend view_of(const ScheduledSend& send) {
  PendingSend view;
  add_all(send, view);
  return view;
}

DeadLetter view_of(const DeadSend& dead) {
  DeadLetter view;
  add_all(dead.send, view);
  view.reason = dead.reason;
  view.died = dead.died;
  return view;
}

}  // namespace tern::proactive
