#include "app/endpoints.hpp"

#include "app/content_type.hpp"
#include "app/reply_stream.hpp"
#include "connector/service_url.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/block_pool.hpp>
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
  return url && connector::is_loopback(*url);
}

class Told;

/// Where the coroutine that serves a request finds the turn's reply. Most turns end before `receive` returns, and then
/// nothing waits; for the others the coroutine goes on where the turn ends.
struct ReplySlot {
  ReplySlot() = default;
  ~ReplySlot();
  ReplySlot(const ReplySlot&) = delete;
  ReplySlot& operator=(const ReplySlot&) = delete;

  bool filled() const noexcept { return reply || replies; }

  std::optional<TurnReply> reply;
  std::unique_ptr<runtime::ReplyReader> replies;  // of a turn that streams them
  Told* told = nullptr;                           // who fills it; gone when the turn is
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

/// The turn's side of a slot, which also owns the coroutine while that waits. Either side may go first.
class Told final : public runtime::TurnObserver, public tern::detail::Pooled<Told> {
 public:
  explicit Told(ReplySlot& slot) : slot_(&slot) { slot.told = this; }
  ~Told() override {
    if (slot_ != nullptr) {
      slot_->told = nullptr;
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
      } catch (const std::exception& e) {  // of what the coroutine began next; not of its own
        log::error("a request could not go on", {{"error", e.what()}});
      }
    }
  }
  void on_stream(std::unique_ptr<runtime::ReplyReader> replies) noexcept override {
    if (slot_ != nullptr) {
      slot_->replies = std::move(replies);
    }
    resume_soon();
  }
  void forget() noexcept { slot_ = nullptr; }
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
    if (slot_ != nullptr) {
      slot_->reply = std::move(reply);
    }
  }

  ReplySlot* slot_;
  executor ex_;
  std::unique_ptr<Waiting> waiting_;
};

ReplySlot::~ReplySlot() {
  if (told != nullptr) {
    told->forget();
  }
}

// Until it is known that the turn was begun, the status is open: a refused turn is an ordinary error.
awaitable<HttpResponse> stream(std::unique_ptr<runtime::ReplyReader> replies, ClientGate::Place place) {
  auto refused = co_await replies->begin();
  if (refused) {
    co_return to_response(std::move(*refused));
  }
  HttpResponse response(200, {}, "text/event-stream");
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.source = std::make_unique<ReplyStream>(std::move(replies), std::move(place));
  co_return response;
}

awaitable<void> filled(ReplySlot& slot) {
  auto begin = [](auto handler, ReplySlot* into) {
    executor ex = asio::get_associated_executor(handler);
    // (any_completion_handler<void()> of Asio 1.26 wraps itself without end.)
    into->told->wait(std::move(ex), std::make_unique<WaitingOf<decltype(handler)>>(std::move(handler)));
  };
  co_await asio::async_initiate<const asio::deferred_t&, void()>(begin, asio::deferred, &slot);
}

}  // namespace

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
  auto activity = parse_activity(request.body());
  if (!activity) {
    co_return error_response(400, activity.error().code, activity.error().message);
  }
  const auto mode = activity->delivery_mode();
  const bool answers_in_response = mode == delivery_modes::expect_replies || mode == delivery_modes::stream;
  if (loopback_only_ && !answers_in_response && !on_this_machine(activity->service_url().value_or(""))) {
    co_return error_response(403, "ServiceUrlNotAllowed",
                             "This bot runs without authentication and answers to this machine only. Use a serviceUrl "
                             "on localhost, or set bot.allow_anonymous.");
  }
  ReplySlot slot;
  runtime::TurnRequest turn;
  turn.activity = std::move(*activity);
  turn.origin = shard_;
  turn.body_bytes = bytes;
  turn.observer = std::make_unique<Told>(slot);
  turns_.receive(std::move(turn));
  if (!slot.filled()) {
    co_await filled(slot);
  }
  if (slot.replies) {
    auto response = co_await stream(std::move(slot.replies), std::move(place));
    co_return response;
  }
  co_return to_response(std::move(*slot.reply));
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
