#pragma once

#include "app/callers.hpp"
#include "app/client_gate.hpp"
#include "async/log_pace.hpp"
#include "http/http_types.hpp"
#include "runtime/turn_request.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/turn/channel_sender.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace tern::app {

/// POST /api/messages: runs a turn for the activity in the body, and answers with the answer of the turn. Each shard
/// has its own.
///
/// Thread safety: none; everything on its shard, where several requests may be under way.
/// Source: docs/architecture.md, "How a message flows".
class MessagesEndpoint final : public http::HttpHandler {
 public:
  /// `clients`: refuses a client with too many requests under way (429).
  MessagesEndpoint(runtime::TurnReceiver& turns, ClientGate& clients, const Clock& clock, std::size_t shard)
      : turns_(turns), clients_(clients), clock_(clock), shard_(shard) {}

  /// Lets a sender decide which activities may be answered; without one all may. `refusal`: what the caller of another
  /// activity is told (403). Lifetime: sender and text outlive this.
  void ask(const ChannelSender& sender, const char* refusal) noexcept {
    sender_ = &sender;
    refusal_ = refusal;
  }
  /// Lets an authenticator decide which callers are served. Lifetime: `callers` outlives this.
  void ask(Callers& callers) noexcept { callers_ = &callers; }

  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;

 private:
  bool may_answer(const Activity& activity) const;
  void note_refusal(const Activity& activity, std::string_view peer);

  runtime::TurnReceiver& turns_;
  ClientGate& clients_;
  const Clock& clock_;
  std::size_t shard_;
  const ChannelSender* sender_ = nullptr;
  const char* refusal_ = "";
  Callers* callers_ = nullptr;
  tern::detail::LogPace pace_;
};

/// GET /healthz: always 200, which shows that the process answers.
class HealthEndpoint final : public http::HttpHandler {
 public:
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;
};

/// GET /readyz: 200 while the bot accepts turns, otherwise 503 with the reason.
class ReadyEndpoint final : public http::HttpHandler {
 public:
  /// `obstacle`: why the bot is not ready; "" when it is. It is called on any shard.
  explicit ReadyEndpoint(std::function<std::string()> obstacle) : obstacle_(std::move(obstacle)) {}
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;

 private:
  std::function<std::string()> obstacle_;
};

/// GET /metrics, in the Prometheus text format.
class MetricsEndpoint final : public http::HttpHandler {
 public:
  explicit MetricsEndpoint(Metrics& metrics) : metrics_(metrics) {}
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;

 private:
  Metrics& metrics_;
};

}  // namespace tern::app
