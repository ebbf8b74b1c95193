#include "app/gated_handler.hpp"

#include <tern/schema/parse.hpp>

namespace tern::app {

// This is no coroutine, so that a request costs no frame where there is no limit.
awaitable<http::HttpResponse> GatedHandler::handle(http::HttpRequest& request) {
  const bool counts = clients_.limited() && request.method() != http::Method::options;
  return counts ? handle_in_place(request) : handler_.handle(request);
}

awaitable<http::HttpResponse> GatedHandler::handle_in_place(http::HttpRequest& request) {
  const ClientGate::Place place(clients_, request.peer());
  if (!place) {
    http::HttpResponse refused(429, error_body("TooManyRequests", ClientGate::refusal), "application/json");
    refused.headers.emplace_back("Retry-After", "1");
    handler_.complete_refusal(request, refused);
    co_return refused;
  }
  auto response = co_await handler_.handle(request);
  co_return response;
}

void GatedHandler::complete_refusal(const http::HttpRequest& request, http::HttpResponse& response) {
  handler_.complete_refusal(request, response);
}

}  // namespace tern::app
