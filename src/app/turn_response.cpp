#include "app/turn_response.hpp"

#include "runtime/refusal.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace tern::app {

unsigned status_of(const runtime::TurnReply& reply) noexcept {
  switch (reply.outcome) {
    case TurnOutcome::goes_on:
      return 202;
    case TurnOutcome::failed:
      return 500;
    case TurnOutcome::timed_out:
      return 504;
    case TurnOutcome::overloaded:
    case TurnOutcome::shutting_down:
      return 503;
    case TurnOutcome::forgotten:
      return 409;  // not 5xx: to send the activity again would not help
    case TurnOutcome::done:
      break;
  }
  return reply.invoke_status != 0 ? static_cast<unsigned>(reply.invoke_status) : 200;
}

http::HttpResponse response_of(runtime::TurnReply reply) {
  auto body = reply.is_error() ? runtime::error_text(reply) : std::move(reply.body);
  const bool empty = body.empty();
  http::HttpResponse response(status_of(reply), std::move(body),
                              empty ? std::string_view() : "application/json; charset=utf-8");
  if (reply.retry_after.count() > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(reply.retry_after.count()));
  }
  return response;
}

}  // namespace tern::app
