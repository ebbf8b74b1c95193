#include "app/endpoints.hpp"

#include "app/content_type.hpp"
#include "app/reply_stream.hpp"
#include "connector/service_url.hpp"
#include "pools/block_pool.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace tern::app {

namespace {

using http::HttpResponse;
using runtime::TurnReply;

constexpr std::string_view json_type = "application/json; charset=utf-8";

HttpResponse error_response(unsigned status, std::string_view code, std::string_view message) {
  return HttpResponse(status, error_body(code, message), json_type);
}

HttpResponse to_response(TurnReply reply) {
  const bool empty = reply.body.empty();
  HttpResponse response(reply.status, std::move(reply.body), empty ? std::string_view() : json_type);
  if (reply.retry_after) {
    response.headers.emplace_back("Retry-After", std::to_string(reply.retry_after->count()));
  }
  return response;
}

bool on_this_machine(std::string_view service_url) {
  const auto url = connector::parse_service_url(service_url);
  return url && net::is_loopback(*url);
}

class Told;

/// Holds the reply of a turn for the coroutine that serves the request. Most turns end before `receive` returns, so the
/// coroutine does not wait. For other turns the coroutine waits, and is resumed at the end of the turn.
struct AwaitedReply {
  AwaitedReply() = default;
  ~AwaitedReply();
  AwaitedReply(const AwaitedReply&) = delete;
  AwaitedReply& operator=(const AwaitedReply&) = delete;

  bool filled() const noexcept { return reply || replies; }

  std::optional<TurnReply> reply;
  std::unique_ptr<runtime::ReplyReader> replies;  // set for a turn that streams its replies
  Told* told = nullptr;                           // fills this; nullptr once the turn has destroyed it
};

/// A coroutine that waits for a reply.
class Waiting {
 public:
  virtual ~Waiting() = default;
  virtual void resume() = 0;
};

template <class Handler>
class WaitingOf final : public Waiting, public tern::detail::Pooled<WaitingOf<Handler>> {
 public:
  explicit WaitingOf(Handler handler) : handler_(std::move(handler)) {}
  void resume() override { std::move(handler_)(); }

 private:
  Handler handler_;
};

/// The turn's side of an awaited reply. It owns the coroutine while that waits. Either side may be destroyed first.
class Told final : public runtime::TurnObserver, public tern::detail::Pooled<Told> {
 public:
  explicit Told(AwaitedReply& awaited) : awaited_(&awaited) { awaited.told = this; }
  ~Told() override {
    if (awaited_ != nullptr) {
      awaited_->told = nullptr;
    }
  }

  void on_reply(TurnReply reply) noexcept override {
    fill(std::move(reply));
    resume_soon();
  }
  void on_last_reply(TurnReply reply) noexcept override {
    fill(std::move(reply));
    if (const auto waiting = std::move(waiting_)) {
      try {
        waiting->resume();
      } catch (const std::exception& e) {  // thrown by an operation that the coroutine began next
        log::error("a request could not go on", {{"error", e.what()}});
      }
    }
  }
  void on_stream(std::unique_ptr<runtime::ReplyReader> replies) noexcept override {
    if (awaited_ != nullptr) {
      awaited_->replies = std::move(replies);
    }
    resume_soon();
  }
  void forget() noexcept { awaited_ = nullptr; }
  /// Keeps the client's place until the turn no longer needs its observer, even if the client goes earlier.
  void keep(std::shared_ptr<ClientGate::Place> place) noexcept { place_ = std::move(place); }
  void wait(executor ex, std::unique_ptr<Waiting> waiting) {
    ex_ = std::move(ex);
    waiting_ = std::move(waiting);
  }

 private:
  void resume_soon() {
    if (waiting_) {
      asio::post(ex_, [waiting = std::move(waiting_)] { waiting->resume(); });
    }
  }
  void fill(TurnReply reply) noexcept {
    if (awaited_ != nullptr) {
      awaited_->reply = std::move(reply);
    }
  }

  AwaitedReply* awaited_;
  executor ex_;
  std::unique_ptr<Waiting> waiting_;
  std::shared_ptr<ClientGate::Place> place_;
};

AwaitedReply::~AwaitedReply() {
  if (told != nullptr) {
    told->forget();
  }
}

// Waits for the first reply before it sends a status: a turn that is refused is answered with an ordinary error.
awaitable<HttpResponse> stream(AwaitedReply& awaited, std::shared_ptr<ClientGate::Place> place) {
  auto replies = std::move(awaited.replies);
  auto refused = co_await replies->begin();
  if (refused) {
    co_return to_response(std::move(*refused));
  }
  if (awaited.told != nullptr) {
    awaited.told->keep(place);
  }
  HttpResponse response(200, {}, "text/event-stream");
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.source = std::make_unique<ReplyStream>(std::move(replies), std::move(place));
  co_return response;
}

awaitable<void> filled(AwaitedReply& awaited) {
  auto begin = [](auto handler, AwaitedReply* into) {
    executor ex = asio::get_associated_executor(handler);
    // Not `any_completion_handler<void()>`, which in Asio 1.26 wraps itself without end.
    into->told->wait(std::move(ex), std::make_unique<WaitingOf<decltype(handler)>>(std::move(handler)));
  };
  co_await asio::async_initiate<const asio::deferred_t&, void()>(begin, asio::deferred, &awaited);
}

}  // namespace

// Whether the turn can answer. If it cannot, it is not begun.
bool MessagesEndpoint::may_answer(const Activity& activity) const {
  if (sender_ == nullptr && !loopback_only_) {
    return true;
  }
  const auto mode = activity.delivery_mode();
  if (mode == delivery_modes::expect_replies || mode == delivery_modes::stream) {
    return true;
  }
  const auto service_url = activity.service_url().value_or("");
  return sender_ != nullptr ? sender_->sends_to(service_url) : on_this_machine(service_url);
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
    if (auto refused = check.refusal()) {
      co_return std::move(*refused);
    }
    caller = check.identity();
    check.sign(*activity);
  }
  if (!may_answer(*activity)) {
    co_return error_response(403, "ServiceUrlNotAllowed", refusal_);
  }
  AwaitedReply awaited;
  runtime::TurnRequest turn;
  turn.caller = std::move(caller);
  turn.activity = std::move(*activity);
  turn.origin = shard_;
  turn.body_bytes = bytes;
  turn.observer = std::make_unique<Told>(awaited);
  turns_.receive(std::move(turn));
  if (!awaited.filled()) {
    co_await filled(awaited);
  }
  if (awaited.replies) {
    auto held = clients_.limited() ? std::make_shared<ClientGate::Place>(std::move(place)) : nullptr;
    auto response = co_await stream(awaited, std::move(held));
    co_return response;
  }
  co_return to_response(std::move(*awaited.reply));
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
