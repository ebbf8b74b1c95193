#pragma once

#include "direct_line/secrets.hpp"

#include <tern/async/clock.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// What a token allows: one conversation, as one user, from some origins, for some time.
struct TokenClaims {
  std::string conversation;          ///< the id of the conversation
  std::string user;                  ///< the id of the user; "": whoever brings the token chooses it
  std::string name;                  ///< the name of the user, or ""
  std::vector<std::string> origins;  ///< the origins of browsers; empty: those of the configuration
  bool page = false;                 ///< it was made for Tern's own page, so the channel is `webchat`
  std::string id;                    ///< random; for a ticket, which is used once
  WallTime expires;                  ///< in whole seconds

  /// The channel of the conversation.
  std::string_view channel() const noexcept { return page ? "webchat" : "directline"; }
};

/// What `TokenMaker::read` found.
struct ReadToken {
  std::optional<TokenClaims> claims;  ///< absent when the token is not ours, or expired
  bool expired = false;               ///< the token is ours, and its time is over
};

/// Makes and reads tokens: JSON with a signature, in the form of a JWT (`HS256`), because Web Chat looks for the user's
/// id in one.
///
/// Thread safety: all functions from any thread.
/// Source: Direct Line 3.0, "Authentication"; RFC 7519.
class TokenMaker {
 public:
  /// The longest token that is read, in bytes.
  static constexpr std::size_t max_bytes = 8 * 1024;

  /// `purpose`: tokens of one purpose are none for another. `lifetime`: in whole seconds, 1 or more.
  TokenMaker(const Secrets& secrets, std::string_view purpose, std::chrono::seconds lifetime)
      : seal_(secrets, purpose), lifetime_(lifetime) {}

  /// A token with these claims; `id` and `expires` are made here.
  std::string make(TokenClaims claims, WallTime now) const;
  ReadToken read(std::string_view token, WallTime now) const;

  std::chrono::seconds lifetime() const noexcept { return lifetime_; }

 private:
  Seal seal_;
  std::chrono::seconds lifetime_;
};

}  // namespace tern::direct_line
