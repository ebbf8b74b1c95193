#include "direct_line/access.hpp"

#include "direct_line/account.hpp"
#include "direct_line/refusal.hpp"
#include "http/ascii.hpp"
#include "http/web_socket_handshake.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace tern::direct_line {

namespace {

constexpr std::chrono::seconds lifetime_of_ticket{60};
constexpr std::size_t max_tickets = 100'000;
constexpr std::size_t max_tickets_of_one = 64;
constexpr std::size_t max_trusted_origins = 16;

std::string_view bearer_of(const http::HttpRequest& request) {
  constexpr std::string_view scheme = "bearer ";
  const auto header = request.only_header("authorization");
  if (!header || !http::same_text(header->substr(0, scheme.size()), scheme)) {
    throw Refusal(401, "Unauthorized",
                  "Send a token or the secret of Direct Line as Authorization: Bearer TOKEN, once.");
  }
  return header->substr(scheme.size());
}

// The server checks the rest of the handshake.
bool asks_for_socket(const http::HttpRequest& request) {
  return request.header("upgrade") && request.only_header("sec-websocket-version") == "13" &&
         request.only_header("sec-websocket-key");
}

[[noreturn]] void refuse_token(bool expired) {
  if (expired) {
    throw Refusal(403, "TokenExpired", "The token has expired. Get a new one, and refresh it in time.");
  }
  throw Refusal(401, "Unauthorized", "This is neither a token of this bot nor its secret of Direct Line.");
}

}  // namespace

Access::Access(const Secrets& secrets, std::vector<std::string> origins, std::chrono::seconds lifetime, Clock& clock)
    : secrets_(secrets),
      tokens_(secrets, "token", lifetime),
      tickets_(secrets, "ticket", lifetime_of_ticket),
      addresses_(secrets, "address"),
      origins_(std::move(origins)),
      clock_(clock),
      used_(max_tickets, max_tickets_of_one) {}

void Access::check_origin(const http::HttpRequest& request, const std::vector<std::string>& of_token) const {
  const auto origin = request.header("origin");
  if (origin && !origins_.allows(*origin, request.header("host").value_or(""), of_token)) {
    throw Refusal(401, "OriginNotAllowed",
                  "Pages of this origin may not use Direct Line here: neither the token (trustedOrigins) nor "
                  "direct_line.origins names it.");
  }
}

Caller Access::caller_of(const http::HttpRequest& request) const {
  const auto bearer = bearer_of(request);
  Caller caller;
  auto token = tokens_.read(bearer, clock_.wall_now());
  if (token.claims) {
    caller.claims = std::move(*token.claims);
  } else if (!token.expired && secrets_.knows(bearer)) {
    caller.has_secret = true;
  } else {
    refuse_token(token.expired);
  }
  check_origin(request, caller.claims.origins);
  return caller;
}

Caller Access::caller_of(const http::HttpRequest& request, std::string_view conversation) const {
  auto caller = caller_of(request);
  if (caller.has_secret) {
    caller.claims.conversation = conversation;
  } else if (caller.claims.conversation != conversation) {
    refuse_conversation();
  }
  return caller;
}

std::string Access::stand_in_for(std::string_view client) const {
  constexpr std::size_t kept = 22;  // characters of base64url: 128 bits
  return addresses_.sign(client).substr(0, kept);
}

std::string Access::make_token(TokenClaims claims) const {
  return tokens_.make(std::move(claims), clock_.wall_now());
}

std::string Access::make_ticket(TokenClaims claims) const {
  return tickets_.make(std::move(claims), clock_.wall_now());
}

TokenClaims Access::check_ticket(const http::HttpRequest& request, std::string_view conversation,
                                 std::string_view ticket) const {
  if (!asks_for_socket(request)) {
    throw Refusal(426, "UpgradeRequired",
                  "This address is a WebSocket: connect with ws:// or wss://. Behind a proxy let it pass on Upgrade, "
                  "Connection and the headers that begin with Sec-WebSocket.");
  }
  if (!http::is_web_socket_key(request.only_header("sec-websocket-key").value_or(""))) {
    refuse_argument("Sec-WebSocket-Key must be the base64 of 16 bytes.");
  }
  auto read = tickets_.read(ticket, clock_.wall_now());
  if (!read.claims) {
    refuse_token(read.expired);
  }
  if (read.claims->conversation != conversation) {
    refuse_conversation();
  }
  check_origin(request, read.claims->origins);
  return std::move(*read.claims);
}

void Access::use_ticket(const TokenClaims& claims) {
  switch (used_.use(claims.id, claims.conversation, clock_.now(), lifetime_of_ticket)) {
    case UsedTickets::Use::first:
      break;
    case UsedTickets::Use::again:
      throw Refusal(401, "Unauthorized",
                    "This streamUrl was used before. Get a new one with a GET of the conversation.");
    case UsedTickets::Use::many:
      throw Refusal(429, "TooManyRequests",
                    "This conversation has opened 64 sockets within a minute. Try again in a minute.",
                    lifetime_of_ticket);
    case UsedTickets::Use::full:
      throw Refusal(429, "TooManyRequests", "Too many sockets are being opened. Try again in a minute.",
                    lifetime_of_ticket);
  }
}

TokenClaims claims_in(const json::object& parameters) {
  TokenClaims claims;
  if (const auto* origins = parameters.if_contains("trustedOrigins"); origins != nullptr && !origins->is_null()) {
    const auto* list = origins->if_array();
    if (list == nullptr || list->size() > max_trusted_origins) {
      refuse_argument("trustedOrigins must be a list of at most 16 origins.");
    }
    for (const auto& each : *list) {
      auto origin = each.is_string() ? parse_origin(each.get_string()) : std::nullopt;
      if (!origin) {
        refuse_argument("trustedOrigins must have origins such as https://www.example.com alone.");
      }
      claims.origins.push_back(std::move(*origin));
    }
  }
  const auto account = account_in(parameters, "user");
  claims.user = account.id;
  claims.name = account.name;
  if (!claims.origins.empty() && !claims.user.empty() && !is_reserved(claims.user)) {
    refuse_argument("With trustedOrigins the id of the user must begin with dl_, so that nobody else can use it.");
  }
  return claims;
}

}  // namespace tern::direct_line
