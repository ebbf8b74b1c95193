#pragma once

#include "direct_line/options.hpp"
#include "direct_line/origins.hpp"
#include "direct_line/secrets.hpp"
#include "direct_line/token.hpp"
#include "direct_line/used_tickets.hpp"
#include "http/http_types.hpp"

#include <tern/async/clock.hpp>
#include <tern/schema/json_object.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// Who makes a call.
struct Caller {
  bool has_secret = false;  ///< it is trusted with every conversation
  TokenClaims claims;       ///< of its token; empty when it has the secret
};

/// Decides who may make which call, and makes the tokens that it believes.
///
/// Lifetime: the clock outlives it.
/// Thread safety: all functions from any thread.
class Access {
 public:
  /// `lifetime`: that of a token.
  Access(const Secrets& secrets, std::vector<std::string> origins, std::chrono::seconds lifetime, Clock& clock);

  /// Who makes the request. Errors: `Refusal` with 401, and 403 `TokenExpired` for an expired token.
  Caller caller_of(const http::HttpRequest& request) const;
  /// The same for a call about one conversation. Errors: `Refusal` with 404 too, when the token is for another one.
  Caller caller_of(const http::HttpRequest& request, std::string_view conversation) const;

  /// A token with these claims. Its lifetime begins now.
  std::string make_token(TokenClaims claims) const;
  std::chrono::seconds token_lifetime() const noexcept { return tokens_.lifetime(); }
  const TokenMaker& tokens() const noexcept { return tokens_; }

  /// A ticket that opens one socket within a minute.
  std::string make_ticket(TokenClaims claims) const;
  /// Checks the ticket of a request for a socket, and uses nothing up.
  /// Errors: `Refusal` with 401, 403 for an expired ticket, 426 for a request that asks for no WebSocket, and 400 for
  /// one that cannot get it.
  TokenClaims check_ticket(const http::HttpRequest& request, std::string_view conversation,
                           std::string_view ticket) const;
  /// Uses a ticket with these claims: it opens no other socket.
  /// Errors: `Refusal` with 401 when it was used before, and 429.
  void use_ticket(const TokenClaims& claims);

  /// A text that stands for the address of a client in the store. Nobody without the secret finds the address.
  std::string stand_in_for(std::string_view client) const;

 private:
  void check_origin(const http::HttpRequest& request, const std::vector<std::string>& of_token) const;

  Secrets secrets_;
  TokenMaker tokens_;
  TokenMaker tickets_;
  Seal addresses_;
  OriginRule origins_;
  Clock& clock_;
  UsedTickets used_;
};

/// The claims that the body of `tokens/generate` or `conversations` asks for, with the secret: `user` and
/// `trustedOrigins`. Errors: `Refusal` with 400.
TokenClaims claims_in(const json::object& parameters);

}  // namespace tern::direct_line
