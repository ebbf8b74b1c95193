#include "app/shard_routers.hpp"

#include "app/chat_page.hpp"
#include "runtime/shard.hpp"

#include <utility>

namespace tern::app {

ShardRouters::ShardRouters(const EndpointParts& parts, const Routes& routes, std::size_t shards)
    : clients_(parts.context.settings.limits.client_requests),
      readiness_(parts.obstacle),
      figures_(parts.context.metrics),
      own_routes_(routes, parts.context) {
  make_common(parts, routes);
  for (std::size_t i = 0; i < shards; ++i) {
    add_messages(parts, i);
    add_router(parts, i);
  }
}

awaitable<http::HttpResponse> ShardRouters::handle(http::HttpRequest& request) {
  return routers_[runtime::Shard::current()->index()]->handle(request);
}

void ShardRouters::complete_refusal(const http::HttpRequest& request, http::HttpResponse& response) {
  routers_[runtime::Shard::current()->index()]->complete_refusal(request, response);
}

void ShardRouters::add_health(http::Router& router) {
  router.add(http::Method::get, "/healthz", health_);
  router.add(http::Method::get, "/readyz", readiness_);
  router.add(http::Method::get, "/metrics", figures_);
}

// The endpoints that all shards share.
void ShardRouters::make_common(const EndpointParts& parts, const Routes& routes) {
  const auto& settings = parts.context.settings;
  auto& clock = parts.context.clock;
  if (!settings.proactive.secret.empty()) {
    proactive_paths_ = std::make_unique<ProactiveEndpoint>(parts.proactive, clients_, clock, settings.proactive.secret,
                                                           parts.sends_to);
  }
  if (parts.direct_line != nullptr) {
    direct_line_ = std::make_unique<GatedHandler>(parts.direct_line->endpoint(), clients_);
    chat_page_ = make_chat_page(settings, routes, [line = parts.direct_line] { return line->tokens(); }, clock);
  }
}

void ShardRouters::add_messages(const EndpointParts& parts, std::size_t shard) {
  auto& network = parts.network;
  auto& messages =
      *messages_.emplace_back(std::make_unique<MessagesEndpoint>(parts.runtime, clients_, parts.context.clock, shard));
  if (network.are_own()) {
    messages.ask(network.of(shard), "This bot does not send to the serviceUrl of the activity.");
  } else if (network.destinations() == Destinations::this_machine) {
    messages.ask(network.connector(shard),
                 "This bot has no bot.app_id, so it sends to this machine only. Use a serviceUrl on localhost, or give "
                 "the bot its app id and credential.");
  } else if (network.destinations() == Destinations::listed) {
    messages.ask(network.connector(shard),
                 "This bot does not send to the host of the activity's serviceUrl. Name the host in "
                 "bot.allowed_hosts if it is trusted, with http:// before it if it has no TLS.");
  }
  if (parts.callers != nullptr) {
    messages.ask(*parts.callers);
  }
}

void ShardRouters::add_router(const EndpointParts& parts, std::size_t shard) {
  auto& router = *routers_.emplace_back(std::make_unique<http::Router>());
  router.add(http::Method::post, "/api/messages", *messages_[shard]);
  if (proactive_paths_) {
    router.add_below("/proactive", *proactive_paths_);
  }
  if (direct_line_) {
    router.add_below(std::string(direct_line::root_path), *direct_line_);
  }
  if (chat_page_) {
    chat_page_->add_to(router);
  }
  if (!parts.context.settings.metrics.port) {
    add_health(router);
  }
  own_routes_.add_to(router);
}

}  // namespace tern::app
