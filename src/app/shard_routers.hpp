#pragma once

#include "app/callers.hpp"
#include "app/client_gate.hpp"
#include "app/endpoints.hpp"
#include "app/gated_handler.hpp"
#include "app/network_senders.hpp"
#include "app/own_routes.hpp"
#include "app/proactive_endpoint.hpp"
#include "direct_line/direct_line.hpp"
#include "direct_line/page.hpp"
#include "http/router.hpp"
#include "proactive/proactive_service.hpp"
#include "runtime/runtime.hpp"

#include <tern/app/app.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

/// What the endpoints of an app call. Lifetime: the parts outlive the endpoints.
struct EndpointParts {
  const BotContext& context;
  runtime::Runtime& runtime;
  proactive::ProactiveService& proactive;
  NetworkSenders& network;
  Callers* callers;                                ///< nullptr when nobody is asked
  direct_line::DirectLine* direct_line;            ///< nullptr when it is not enabled
  std::function<bool(std::string_view)> sends_to;  ///< whether the sender of this shard sends to a serviceUrl
  std::function<std::string()> obstacle;           ///< why the bot is not ready; "" when it is
};

/// The endpoints of an app, and a router of them for each shard. As a handler it passes each request to the router of
/// the shard that the request is on.
class ShardRouters final : public http::HttpHandler {
 public:
  /// `shards`: how many. Errors: `ConfigError` when the page cannot be served as it is configured.
  ShardRouters(const EndpointParts& parts, const Routes& routes, std::size_t shards);

  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;
  void complete_refusal(const http::HttpRequest& request, http::HttpResponse& response) override;

  /// Adds /healthz, /readyz and /metrics to another router. Lifetime: this outlives that router.
  void add_health(http::Router& router);

 private:
  void make_common(const EndpointParts& parts, const Routes& routes);
  void add_messages(const EndpointParts& parts, std::size_t shard);
  void add_router(const EndpointParts& parts, std::size_t shard);

  ClientGate clients_;
  HealthEndpoint health_;
  ReadyEndpoint readiness_;
  MetricsEndpoint figures_;
  std::vector<std::unique_ptr<MessagesEndpoint>> messages_;
  std::unique_ptr<ProactiveEndpoint> proactive_paths_;  // nullptr without a secret for them
  std::unique_ptr<GatedHandler> direct_line_;           // nullptr without Direct Line
  std::unique_ptr<direct_line::Page> chat_page_;        // nullptr when it is not served
  OwnRoutes own_routes_;
  std::vector<std::unique_ptr<http::Router>> routers_;
};

}  // namespace tern::app
