#pragma once

#include "app/client_gate.hpp"
#include "http/http_types.hpp"

namespace tern::app {

/// Lets each client address have only so many requests of a handler under way (`limits.client_requests`); one more is
/// answered 429 with Retry-After. A WebSocket that a request has become does not count, nor a preflight of a browser.
///
/// Lifetime: handler and gate outlive it.
/// Thread safety: that of the handler.
class GatedHandler final : public http::HttpHandler {
 public:
  GatedHandler(http::HttpHandler& handler, ClientGate& clients) noexcept : handler_(handler), clients_(clients) {}

  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;
  void complete_refusal(const http::HttpRequest& request, http::HttpResponse& response) override;

 private:
  awaitable<http::HttpResponse> handle_in_place(http::HttpRequest& request);

  http::HttpHandler& handler_;
  ClientGate& clients_;
};

}  // namespace tern::app
