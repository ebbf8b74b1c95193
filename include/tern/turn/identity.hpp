#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

namespace tern {

namespace json = boost::json;

/// Who sent the activity of a turn, as an `Authenticator` has found out.
struct Identity {
  /// The kind of a caller.
  enum class Kind : std::uint8_t {
    anonymous,  ///< nobody was asked: the bot has no authenticator, or no activity from outside began the turn
    channel,    ///< a channel, or the service that speaks for channels
    emulator,   ///< a tool of developers
    bot,        ///< another bot
    other       ///< any other program
  };
  Kind kind = Kind::anonymous;  ///< the kind
  std::string app_id;           ///< the caller's app id, or another name that no other caller has; "" for none
  std::string tenant_id;        ///< the tenant that the caller belongs to; "" for none
  json::object claims;          ///< what else the caller has shown, such as the claims of its token

  /// Whether nobody was asked.
  bool is_anonymous() const noexcept { return kind == Kind::anonymous; }
  /// Whether both are the same caller: kind, app id and tenant id. Claims are not compared, because the same caller
  /// shows others with its next token.
  bool is_same_caller(const Identity& other) const noexcept {
    return kind == other.kind && app_id == other.app_id && tenant_id == other.tenant_id;
  }
};

}  // namespace tern
