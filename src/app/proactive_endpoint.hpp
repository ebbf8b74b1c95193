#pragma once

#include "app/client_gate.hpp"
#include "app/proactive_call.hpp"
#include "http/http_types.hpp"
#include "proactive/proactive_service.hpp"

#include <tern/async/clock.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

/// The paths below /proactive/. Cron, a web shop or a program in another language sends through the bot with them.
/// Every request needs the secret: `Authorization: Bearer SECRET`.
///
/// Thread safety: from any shard, several requests at once.
/// Source: docs/proactive-http.md.
class ProactiveEndpoint final : public http::HttpHandler {
 public:
  /// `clients`: refuses a client with too many requests under way (429). `may_send_to`: whether the configuration lets
  /// this bot send to a serviceUrl.
  ProactiveEndpoint(proactive::ProactiveService& proactive, ClientGate& clients, Clock& clock, std::string secret,
                    std::function<bool(std::string_view)> may_send_to)
      : proactive_(proactive),
        clients_(clients),
        clock_(clock),
        secret_(std::move(secret)),
        may_send_to_(std::move(may_send_to)) {}

  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;

 private:
  using Segments = std::vector<std::string>;

  bool is_authorized(const http::HttpRequest& request) const;
  awaitable<http::HttpResponse> dispatch(http::HttpRequest& request);
  awaitable<http::HttpResponse> dispatch_schedule(http::HttpRequest& request, const Segments& path);
  awaitable<http::HttpResponse> dispatch_dead(http::HttpRequest& request, const Segments& path);
  awaitable<ConversationReference> resolve(Recipient to);
  awaitable<http::HttpResponse> send(std::string body);
  awaitable<http::HttpResponse> schedule(std::string body);
  awaitable<http::HttpResponse> continue_with(std::string name, std::string body);
  awaitable<http::HttpResponse> list(std::string query);
  awaitable<http::HttpResponse> show(SendHandle handle);
  awaitable<std::optional<PendingSend>> find_pending(SendHandle handle);
  awaitable<void> require_no_step(SendHandle handle);
  awaitable<http::HttpResponse> cancel(SendHandle handle);
  awaitable<http::HttpResponse> reschedule(SendHandle handle, std::string body);
  awaitable<http::HttpResponse> list_dead(std::string query);
  awaitable<http::HttpResponse> redrive(SendHandle handle);
  awaitable<http::HttpResponse> redrive_all(std::string query);
  awaitable<http::HttpResponse> discard(SendHandle handle);
  awaitable<http::HttpResponse> counts();

  proactive::ProactiveService& proactive_;
  ClientGate& clients_;
  Clock& clock_;
  const std::string secret_;
  std::function<bool(std::string_view)> may_send_to_;
};

}  // namespace tern::app
