#pragma once

#include "app/client_gate.hpp"
#include "http/http_types.hpp"
#include "runtime/turn_request.hpp"

#include <tern/async/metrics.hpp>

#include <cstddef>
#include <functional>
#include <string>

namespace tern::app {

/// POST /api/messages: an activity in, a turn, its answer out. One for each shard.
///
/// Thread safety: none; on its shard, several requests at once.
/// Source: protocol, "In".
class MessagesEndpoint final : public http::HttpHandler {
 public:
  /// `clients`: refuses a client that has too much under way (429). `loopback_only`: refuse activities that would be
  /// answered anywhere else (403).
  MessagesEndpoint(runtime::TurnReceiver& turns, ClientGate& clients, std::size_t shard, bool loopback_only)
      : turns_(turns), clients_(clients), shard_(shard), loopback_only_(loopback_only) {}

  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;

 private:
  runtime::TurnReceiver& turns_;
  ClientGate& clients_;
  std::size_t shard_;
  bool loopback_only_;
};

/// GET /healthz: 200 as long as the process answers at all.
class HealthEndpoint final : public http::HttpHandler {
 public:
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;
};

/// GET /readyz: 200 while turns are taken, else 503 with the reason.
class ReadyEndpoint final : public http::HttpHandler {
 public:
  /// `obstacle`: why the bot is not ready, "" when it is. Called from any shard.
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
