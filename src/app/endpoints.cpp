#include "app/endpoints.hpp"

#include "app/content_type.hpp"
#include "app/reply_stream.hpp"
#include "app/turn_response.hpp"
#include "connector/service_url.hpp"
#include "runtime/awaited_reply.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <memory>
#include <utility>

namespace tern::app {

namespace {

using http::HttpResponse;
using runtime::AwaitedReply;

constexpr std::string_view json_type = "application/json; charset=utf-8";

HttpResponse error_response(unsigned status, std::string_view code, std::string_view message) {
  return HttpResponse(status, error_body(code, message), json_type);
}

// Waits for the first reply before it sends a status: a turn that is refused is answered with an ordinary error.
awaitable<HttpResponse> stream(AwaitedReply& awaited, std::shared_ptr<ClientGate::Place> place) {
  auto replies = std::move(awaited.replies);
  auto refused = co_await replies->begin();
  if (refused) {
    co_return response_of(std::move(*refused));
  }
  awaited.keep(place);
  HttpResponse response(200, {}, "text/event-stream");
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.source = std::make_unique<ReplyStream>(std::move(replies), std::move(place));
  co_return response;
}

}  // namespace

// Whether the turn can answer. If it cannot, it is not begun.
bool MessagesEndpoint::may_answer(const Activity& activity) const {
  if (sender_ == nullptr || sender_->sends_to(activity.service_url().value_or(""))) {
    return true;
  }
  const auto mode = activity.delivery_mode();
  return mode == delivery_modes::expect_replies || mode == delivery_modes::stream;
}

// The caller alone is told otherwise, and that is a channel, which nobody can ask.
void MessagesEndpoint::note_refusal(const Activity& activity, std::string_view peer) {
  const auto service = connector::parse_service_url(activity.service_url().value_or(""));
  const auto level = pace_.level(clock_.now());
  log::write(level,
             level == log::Level::warn
                 ? "an activity was refused, because the bot does not send to its serviceUrl; those of the next minute "
                   "are logged at level debug"
                 : "an activity was refused, because the bot does not send to its serviceUrl",
             {{"host", service ? net::host_header_of(*service) : std::string("(unreadable)")},
              {"channel", activity.channel_id().value_or("")},
              {"client", peer}});
}

// Long: one coroutine frame for each request.
awaitable<HttpResponse> MessagesEndpoint::handle(http::HttpRequest& request) {
  ClientGate::Place place(clients_, request.peer());
  if (!place) {
    auto refused = error_response(429, "TooManyRequests", ClientGate::refusal);
    refused.headers.emplace_back("Retry-After", "1");
    co_return refused;
  }
  const auto type = request.header("content-type");
  if (!type || !is_json_content_type(*type)) {
    co_return error_response(415, "UnsupportedMediaType",
                             "The body must be application/json in UTF-8; set Content-Type accordingly.");
  }
  const auto bytes = request.body().size();
  auto activity = callers_ != nullptr ? callers_->parse(request.body()) : parse_activity(request.body());
  if (!activity) {
    co_return error_response(400, activity.error().code, activity.error().message);
  }
  std::shared_ptr<const Identity> caller;
  if (callers_ != nullptr) {
    Callers::Check check(*callers_, request, *activity, request.body());
    if (check.waits()) {
      co_await check.wait();
    }
    if (!check.accepted()) {
      co_return check.refusal();
    }
    check.sign(*activity);
    caller = check.take_identity();
  }
  if (!may_answer(*activity)) {
    note_refusal(*activity, request.peer());
    co_return error_response(403, "ServiceUrlNotAllowed", refusal_);
  }
  AwaitedReply awaited;
  runtime::TurnRequest turn;
  turn.caller = std::move(caller);
  turn.activity = std::move(*activity);
  turn.origin = shard_;
  turn.body_bytes = bytes;
  turn.observer = awaited.observer();
  turns_.receive(std::move(turn));
  if (!awaited.filled()) {
    co_await awaited.wait();
  }
  if (awaited.replies) {
    auto held = clients_.limited() ? std::make_shared<ClientGate::Place>(std::move(place)) : nullptr;
    auto response = co_await stream(awaited, std::move(held));
    co_return response;
  }
  co_return response_of(std::move(*awaited.reply));
}

awaitable<HttpResponse> HealthEndpoint::handle(http::HttpRequest&) {
  co_return HttpResponse(200, R"({"status":"ok"})", json_type);
}

awaitable<HttpResponse> ReadyEndpoint::handle(http::HttpRequest&) {
  const auto obstacle = obstacle_();
  if (obstacle.empty()) {
    co_return HttpResponse(200, R"({"status":"ready"})", json_type);
  }
  json::object body;
  body["status"] = obstacle;
  co_return HttpResponse(503, json::serialize(body), json_type);
}

awaitable<HttpResponse> MetricsEndpoint::handle(http::HttpRequest&) {
  co_return HttpResponse(200, metrics_.expose(), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace tern::app
