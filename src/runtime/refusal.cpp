#include "runtime/refusal.hpp"

#include <tern/schema/parse.hpp>

#include <string_view>

namespace tern::runtime {

namespace {

std::string_view error_code_of(TurnOutcome outcome) noexcept {
  switch (outcome) {
    case TurnOutcome::failed:
      return "ServiceError";
    case TurnOutcome::timed_out:
      return "GatewayTimeout";
    case TurnOutcome::overloaded:
    case TurnOutcome::shutting_down:
      return "ServiceUnavailable";
    case TurnOutcome::forgotten:
      return "Conflict";
    case TurnOutcome::done:
    case TurnOutcome::goes_on:
      break;
  }
  return {};
}

}  // namespace

std::string error_text(const TurnReply& reply) {
  const auto code = error_code_of(reply.outcome);
  return code.empty() ? reply.body : error_body(code, reply.why);
}

}  // namespace tern::runtime
