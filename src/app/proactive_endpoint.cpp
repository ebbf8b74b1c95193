#include "app/proactive_endpoint.hpp"

#include "app/content_type.hpp"
#include "app/proactive_json.hpp"
#include "app/proactive_query.hpp"
#include "app/proactive_refusal.hpp"
#include "turn/make_send.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

namespace tern::app {

namespace {

using http::HttpResponse;
using http::Method;

constexpr std::string_view proactive_root = "/proactive";

SendHandle handle_of(const std::string& text) {
  const auto handle = SendHandle::parse(text);
  if (!handle) {
    refuse(404, "NotFound", "There is no such handle. Scheduling answers with the handle of a send.");
  }
  return *handle;
}

void require_json(const http::HttpRequest& request) {
  const auto type = request.header("content-type");
  if (!type || !is_json_content_type(*type)) {
    refuse(415, "UnsupportedMediaType", "The body must be application/json in UTF-8; set Content-Type accordingly.");
  }
  require_no_query(request.query());
}

// A body that nobody reads is refused: its sender would not learn that it had no effect.
void require_no_body(http::HttpRequest& request, const std::string& remedy = {}) {
  constexpr std::string_view nothing[] = {"", "{}", "null"};
  const auto body = trimmed(request.body());
  if (std::find(std::begin(nothing), std::end(nothing), body) == std::end(nothing)) {
    refuse(400, "BadArgument", "This path takes no body with this method." + remedy);
  }
}

void require_nothing_more(http::HttpRequest& request) {
  require_no_query(request.query());
  require_no_body(request);
}

[[noreturn]] void refuse_method(const std::string& allowed) {
  refuse(405, "MethodNotAllowed", "This path does not serve this method. It serves " + allowed + ".", "Allow", allowed);
}

[[noreturn]] void refuse_path() {
  refuse(404, "NotFound", "There is nothing at this path. docs/proactive-http.md lists those below /proactive/.");
}

[[noreturn]] void refuse_step(const std::string& id) {
  refuse(409, "BroadcastStep",
         "This send is the next step of the broadcast \"" + id +
             "\". The bot stops or pauses the broadcast with Broadcasts::cancel and Broadcasts::pause.");
}

DeadFilter dead_filter(Parameters& parameters) {
  DeadFilter filter;
  filter.reason = parameters.take("reason");
  filter.since = parameters.take_time("since");
  filter.until = parameters.take_time("until");
  filter.order_key = parameters.take_order_key();
  return filter;
}

[[noreturn]] void refuse_late() {
  refuse(409, "TooLate", "The send is being sent, was sent or cancelled, or never existed.");
}

}  // namespace

// The comparison takes the same time for every secret of the right length, so its time tells a stranger nothing.
bool ProactiveEndpoint::is_authorized(const http::HttpRequest& request) const {
  constexpr std::string_view scheme = "bearer ";
  const auto header = request.header("authorization");
  if (!header || header->size() != scheme.size() + secret_.size()) {
    return false;
  }
  const bool bearer = std::equal(scheme.begin(), scheme.end(), header->begin(),
                                 [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  const auto given = header->substr(scheme.size());
  return bearer && CRYPTO_memcmp(given.data(), secret_.data(), secret_.size()) == 0;
}

awaitable<HttpResponse> ProactiveEndpoint::handle(http::HttpRequest& request) {
  if (!is_authorized(request)) {
    co_return to_response({401, "Unauthorized", "Send the secret of proactive.secret as Authorization: Bearer SECRET.",
                           "WWW-Authenticate", "Bearer"});
  }
  const ClientGate::Place place(clients_, request.peer());
  if (!place) {
    co_return to_response({429, "TooManyRequests", std::string(ClientGate::refusal), "Retry-After", "1"});
  }
  std::exception_ptr error;
  try {
    auto response = co_await dispatch(request);
    co_return response;
  } catch (...) {
    error = std::current_exception();
  }
  co_return to_response(refusal_of(error));
}

awaitable<HttpResponse> ProactiveEndpoint::dispatch(http::HttpRequest& request) {
  auto path = segments_of(request.path(), proactive_root);
  const auto method = request.method();
  if (path.empty()) {
    refuse_path();
  }
  if (path[0] == "schedule") {
    return dispatch_schedule(request, path);
  }
  if (path[0] == "dead") {
    return dispatch_dead(request, path);
  }
  if (path[0] == "counts" && path.size() == 1) {
    if (method != Method::get && method != Method::head) {
      refuse_method("GET");
    }
    require_nothing_more(request);
    return counts();
  }
  const bool sending = path[0] == "send" && path.size() == 1;
  const bool continuing = path[0] == "continue" && path.size() == 2;
  if (!sending && !continuing) {
    refuse_path();
  }
  if (method != Method::post) {
    refuse_method("POST");
  }
  require_json(request);
  return sending ? send(std::move(request.body())) : continue_with(std::move(path[1]), std::move(request.body()));
}

awaitable<HttpResponse> ProactiveEndpoint::dispatch_schedule(http::HttpRequest& request, const Segments& path) {
  const auto method = request.method();
  const bool reading = method == Method::get || method == Method::head;
  if (path.size() == 1) {
    if (method == Method::post) {
      require_json(request);
      return schedule(std::move(request.body()));
    }
    if (!reading) {
      refuse_method("GET, POST");
    }
    return list(std::string(request.query()));
  }
  if (path.size() > 2) {
    refuse_path();
  }
  const auto handle = handle_of(path[1]);
  if (method == Method::del) {
    require_nothing_more(request);
    return cancel(handle);
  }
  if (method == Method::patch) {
    require_json(request);
    return reschedule(handle, std::move(request.body()));
  }
  if (!reading) {
    refuse_method("GET, PATCH, DELETE");
  }
  require_nothing_more(request);
  return show(handle);
}

awaitable<HttpResponse> ProactiveEndpoint::dispatch_dead(http::HttpRequest& request, const Segments& path) {
  const auto method = request.method();
  if (path.size() == 1) {
    if (method != Method::get && method != Method::head) {
      refuse_method("GET");
    }
    return list_dead(std::string(request.query()));
  }
  if (path.size() == 2 && path[1] == "redrive") {
    if (method != Method::post) {
      refuse_method("POST");
    }
    require_no_body(request, " Say in the query which dead sends are meant, as in /dead/redrive?reason=...");
    return redrive_all(std::string(request.query()));
  }
  const auto handle = handle_of(path[1]);
  if (path.size() == 2) {
    if (method != Method::del) {
      refuse_method("DELETE");
    }
    require_nothing_more(request);
    return discard(handle);
  }
  if (path.size() > 3 || path[2] != "redrive") {
    refuse_path();
  }
  if (method != Method::post) {
    refuse_method("POST");
  }
  require_nothing_more(request);
  return redrive(handle);
}

awaitable<ConversationReference> ProactiveEndpoint::resolve(Recipient to) {
  std::optional<ConversationReference> found = std::move(to.reference);
  if (!found && to.conversation_id.empty()) {
    found = co_await proactive_.find_reference(to.channel_id, to.user_id);
  } else if (!found) {
    found = co_await proactive_.find_reference(to.channel_id, to.user_id, to.conversation_id);
  }
  if (!found) {
    refuse(404, "NotFound",
           "The bot knows no conversation" +
               (to.conversation_id.empty() ? std::string() : " \"" + to.conversation_id + "\"") +
               " with this user: the user has not written to it there, has left it, or its channel knows the "
               "conversation no more.");
  }
  detail::require_reachable(*found);
  if (!may_send_to_(found->service_url().value_or(""))) {
    refuse(403, "ServiceUrlNotAllowed",
           "This bot does not send to " + std::string(found->service_url().value_or("")) +
               ", the serviceUrl of the reference. Name its host in bot.allowed_hosts if it is trusted; a bot without "
               "bot.app_id sends to this machine only.");
  }
  co_return std::move(*found);
}

awaitable<HttpResponse> ProactiveEndpoint::send(std::string body) {
  auto call = parse_proactive_call(body, CallKind::send, clock_.wall_now());
  auto reference = co_await resolve(std::move(call.to));
  auto sent = co_await proactive_.send(std::move(reference), std::move(*call.activity));
  co_return json_response(200, sent.json());
}

awaitable<HttpResponse> ProactiveEndpoint::schedule(std::string body) {
  auto call = parse_proactive_call(body, CallKind::schedule, clock_.wall_now());
  auto reference = co_await resolve(std::move(call.to));
  const bool may_be_known = !call.options.given_key().empty();
  SendHandle handle;  // for a known key: the handle of its send that is valid now
  if (call.activity) {
    handle = co_await proactive_.send_at(std::move(reference), call.due, std::move(*call.activity), call.options);
  } else {
    handle = co_await proactive_.continue_at(std::move(reference), call.due, std::move(*call.continuation),
                                             std::move(call.value), call.options);
  }
  json::object answer;
  if (may_be_known) {
    const auto pending = co_await find_pending(handle);
    if (!pending) {
      answer["handle"] = handle.to_string();
      answer["pending"] = false;
      co_return json_response(200, answer);
    }
  }
  answer["handle"] = handle.to_string();
  answer["due"] = text_of_time(handle.due);
  co_return json_response(201, answer);
}

awaitable<std::optional<PendingSend>> ProactiveEndpoint::find_pending(SendHandle handle) {
  PendingQuery wanted;
  wanted.handle = handle;
  wanted.limit = 1;
  auto page = co_await proactive_.list_all(std::move(wanted));
  if (page.sends.empty()) {
    co_return std::nullopt;
  }
  co_return std::move(page.sends.front());
}

awaitable<HttpResponse> ProactiveEndpoint::continue_with(std::string name, std::string body) {
  auto call = parse_proactive_call(body, CallKind::continuing, clock_.wall_now());
  auto reference = co_await resolve(std::move(call.to));
  auto handle = co_await proactive_.continue_at(std::move(reference), call.due, std::move(name), std::move(call.value),
                                                call.options);
  json::object answer;
  answer["handle"] = handle.to_string();
  co_return json_response(202, answer);
}

awaitable<HttpResponse> ProactiveEndpoint::list(std::string query) {
  Parameters parameters(query);
  PendingQuery wanted;
  wanted.limit = parameters.take_limit();
  wanted.after = parameters.take("after");
  wanted.order_key = parameters.take_order_key();
  parameters.require_no_others();
  auto page = co_await proactive_.list_all(std::move(wanted));
  json::array items;
  for (const auto& item : page.sends) {
    items.push_back(to_json(item));
  }
  co_return json_response(200, page_of(std::move(items), page.next));
}

awaitable<HttpResponse> ProactiveEndpoint::show(SendHandle handle) {
  const auto pending = co_await find_pending(handle);
  if (!pending) {
    refuse(404, "NotFound", "The send is not pending: it was sent, cancelled or given up, or never existed.");
  }
  co_return json_response(200, to_json(*pending));
}

// Refuses to change the step of a broadcast: without its step the broadcast would stop, but still look running.
awaitable<void> ProactiveEndpoint::require_no_step(SendHandle handle) {
  const auto pending = co_await find_pending(handle);
  if (pending && pending->kind == PendingSend::Kind::broadcast) {
    refuse_step(pending->broadcast);
  }
}

awaitable<HttpResponse> ProactiveEndpoint::cancel(SendHandle handle) {
  co_await require_no_step(handle);
  const auto outcome = co_await proactive_.cancel(handle);
  if (outcome != CancelOutcome::cancelled) {
    refuse_late();
  }
  json::object answer;
  answer["outcome"] = "cancelled";
  co_return json_response(200, answer);
}

awaitable<HttpResponse> ProactiveEndpoint::reschedule(SendHandle handle, std::string body) {
  const auto call = parse_proactive_call(body, CallKind::moving, clock_.wall_now());
  co_await require_no_step(handle);
  const auto moved = co_await proactive_.reschedule(handle, call.due);
  if (!moved) {
    refuse_late();
  }
  json::object answer;
  answer["handle"] = moved->to_string();
  answer["due"] = text_of_time(moved->due);
  co_return json_response(200, answer);
}

awaitable<HttpResponse> ProactiveEndpoint::list_dead(std::string query) {
  Parameters parameters(query);
  const auto limit = parameters.take_limit();
  auto after = parameters.take("after");
  auto filter = dead_filter(parameters);
  parameters.require_no_others();
  auto page = co_await proactive_.dead_letters().list(std::move(filter), std::move(after), limit);
  json::array items;
  for (const auto& letter : page.letters) {
    items.push_back(to_json(letter));
  }
  co_return json_response(200, page_of(std::move(items), page.next));
}

awaitable<HttpResponse> ProactiveEndpoint::redrive_all(std::string query) {
  Parameters parameters(query);
  auto filter = dead_filter(parameters);
  parameters.require_no_others();
  const auto count = co_await proactive_.dead_letters().redrive_all(std::move(filter));
  json::object answer;
  answer["redriven"] = count;
  co_return json_response(200, answer);
}

awaitable<HttpResponse> ProactiveEndpoint::redrive(SendHandle handle) {
  const auto again = co_await proactive_.dead_letters().redrive(handle);
  if (!again) {
    refuse(404, "NotFound", "The send is not among the dead sends that are kept.");
  }
  json::object answer;
  answer["handle"] = again->to_string();
  co_return json_response(200, answer);
}

awaitable<HttpResponse> ProactiveEndpoint::discard(SendHandle handle) {
  const bool discarded = co_await proactive_.dead_letters().discard(handle);
  if (!discarded) {
    refuse(404, "NotFound", "The send is not among the dead sends that are kept.");
  }
  json::object answer;
  answer["outcome"] = "discarded";
  co_return json_response(200, answer);
}

awaitable<HttpResponse> ProactiveEndpoint::counts() {
  const auto counted = co_await proactive_.counts();
  co_return json_response(200, to_json(counted));
}

}  // namespace tern::app
