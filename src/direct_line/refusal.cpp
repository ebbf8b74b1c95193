#include "direct_line/refusal.hpp"

#include <tern/schema/parse.hpp>

#include <algorithm>

namespace tern::direct_line {

http::HttpResponse Refusal::response() const {
  http::HttpResponse answer(status_, error_body(code_, message_), json_type);
  if (retry_after_.count() > 0) {
    answer.headers.emplace_back("Retry-After", std::to_string(retry_after_.count()));
  }
  constexpr unsigned unauthorized = 401;
  if (status_ == unauthorized) {
    answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  constexpr unsigned upgrade_required = 426;
  if (status_ == upgrade_required) {
    answer.headers.emplace_back("Upgrade", "websocket");
    answer.headers.emplace_back("Sec-WebSocket-Version", "13");
  }
  return answer;
}

void refuse_argument(std::string message) {
  throw Refusal(400, "BadArgument", std::move(message));
}

void refuse_conversation() {
  throw Refusal(
      404, "ConversationNotFound",
      "There is no such conversation: it has ended, is older than this bot keeps conversations, or is not the "
      "one of the token.");
}

namespace {

[[noreturn]] void refuse_for(std::chrono::nanoseconds wait, std::string message) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
  throw Refusal(429, "TooManyRequests", std::move(message), std::max(seconds, std::chrono::seconds(1)));
}

}  // namespace

void refuse_rate(std::chrono::nanoseconds wait, const char* key) {
  refuse_for(wait, std::string("Too many messages in a second (") + key + "). Wait a little.");
}

void refuse_bytes(std::chrono::nanoseconds wait, const char* key) {
  refuse_for(wait, std::string("This address has written too much (") + key + "). Wait a little.");
}

void refuse_reads(std::chrono::nanoseconds wait, const char* key) {
  refuse_for(wait, std::string("Too much is read of histories (") + key + "). Wait a little.");
}

}  // namespace tern::direct_line
