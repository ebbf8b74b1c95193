#pragma once

#include "auth/cloud.hpp"
#include "auth/key_set.hpp"

#include <tern/async/clock.hpp>
#include <tern/schema/activity.hpp>
#include <tern/turn/authenticator.hpp>
#include <tern/turn/identity.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tern::auth {

/// Whom a process of bots trusts.
struct TrustOptions {
  /// The app ids of the bots of this process; an agentic bot has that of its blueprint. At least one.
  std::vector<std::string> app_ids;
  /// The tenants, as GUIDs, whose tokens are accepted. Microsoft's own tenants of the cloud are added.
  std::vector<std::string> tenants;
  /// The app ids of other bots that may call; without an entry no other bot may. "*" is every app of the tenants that
  /// are named above. It is not every app of Microsoft's own tenants, because every multi-tenant bot of the world has
  /// its tokens from there: of these, the app ids are named one by one.
  std::vector<std::string> allowed_callers;
  /// Whether a token that a bot has got for itself is accepted, as the Emulator sends it.
  bool allow_emulator = true;
  /// The cloud.
  const Cloud* cloud = cloud_of("public");
  ///@{
  /// Of an authority of somebody's own, in place of what the cloud has; "" for that of the cloud. The issuer of the
  /// channels' tokens, and the URL of its OpenID document; where tenants have their OpenID documents, which is also
  /// what `iss` of version 2.0 begins with; and what `iss` of version 1.0 begins with.
  std::string channel_issuer;
  std::string channel_metadata;
  std::string login;
  std::string sts;
  ///@}
  /// How much clocks may differ. Zero or more.
  std::chrono::seconds skew{300};
};

/// An issuer whose tokens are accepted, and where its keys are.
struct Issuer {
  std::string name;          ///< the `issuer` of its OpenID document
  std::string metadata_url;  ///< where its OpenID document is
  std::string tenant;        ///< "" for the channels' issuer
  bool is_named = false;     ///< whether the options name the tenant; false for Microsoft's own
};

/// What a token claims, after the checks that need no key. It is worth nothing before the signature was verified.
struct Claimed {
  std::size_t issuer = 0;  ///< the number of its issuer
  std::string bot;         ///< the app id of the bot that the token is for
  WallTime not_before;     ///< from then on it is accepted; the skew is counted
  WallTime expires;        ///< from then on it is not accepted any more; the skew is counted
  Identity::Kind kind = Identity::Kind::channel;
  std::string caller;  ///< its app id; the channels' issuer has its own name
  /// Why the caller may not do this all the same; nullptr when it may. It is a literal.
  const char* forbidden = nullptr;
};

/// A token whose signature was verified.
struct Verified {
  std::shared_ptr<const Identity> identity;
  std::shared_ptr<const SigningKey> key;  ///< that has signed it
  std::string bot;                        ///< the app id of the bot that it is for
  WallTime not_before;                    ///< see `Claimed`
  WallTime expires;                       ///< from then on it must be verified again
  bool names_service = false;             ///< its claim `serviceurl` must be that of the activity
  std::string service;                    ///< that claim, when it is a usable URL; else ""
  const char* forbidden = nullptr;        ///< see `Claimed`
};

/// Decides which tokens are accepted, and for which activities. It does no I/O and knows no clock.
///
/// Four kinds of callers are accepted:
/// - A *channel*: `iss` is the channels' issuer, `aud` is a bot of this process, and `serviceurl` is the activity's.
/// - A channel that speaks to an *agentic user*: `iss` is a tenant, `aud` is the blueprint, and the caller is the
///   cloud's messaging app.
/// - An *emulator*: `iss` is a tenant, and the caller is the bot itself.
/// - A *bot*: `iss` is a tenant, and the caller is one of `allowed_callers`. The recipient of its activity may be
///   another bot of this process, because a skill is sent the activity that its caller got.
///
/// The caller of a tenant's token is `appid` (`ver` 1.0) or `azp` (`ver` 2.0). A token that was made for a user, which
/// has `scp`, is refused: its caller is any client that the user has signed in to. So is one of a public client
/// (`appidacr` or `azpacr` is "0"), which has proved nothing about itself. An audience is an app id, `api://id` or
/// `api://botid-id`. App ids and tenants are compared in lower case.
///
/// Thread safety: all functions from any thread.
/// Source: Bot Framework, "Authentication with the Bot Connector API"; the SDKs' `ChannelValidation`,
///   `EmulatorValidation`, `SkillValidation` and `InboundActivityTokenValidator`; Microsoft identity platform,
///   "Access token claims reference", `appidacr` and `azpacr`.
class TokenRules {
 public:
  /// Errors: `errc::invalid_argument` when there is no app id or cloud, an app id is empty, a tenant is no GUID, or the
  ///   skew is negative.
  explicit TokenRules(TrustOptions options);

  /// The issuers; the channels' is the first.
  const std::vector<Issuer>& issuers() const noexcept { return issuers_; }

  /// Reads the claims of a token that nobody has verified yet. The error is why it is refused, as the end of a
  /// sentence.
  boost::system::result<Claimed, TokenError> read(const Jwt& token, WallTime now) const;

  /// What is kept of a token whose signature was verified.
  Verified verified(Claimed claimed, json::object claims, std::shared_ptr<const SigningKey> key) const;

  /// Why the token may not bring this activity, as a sentence; nullptr when it may.
  const char* judge(const Verified& token, const Activity& activity) const;

 private:
  /// `named`: how many tenants the options name; they are the first.
  void add_issuers(std::size_t named);
  /// The bot that an audience names; "" for none.
  std::string bot_of(std::string_view audience) const;
  const char* read_times(const json::object& claims, WallTime now, Claimed& claimed) const;
  const char* read_caller(const json::object& claims, Claimed& claimed) const;
  /// What the caller of a tenant's token is, and whether it may call.
  void judge_caller(Claimed& claimed) const;
  static const char* judge_service(const Verified& token, std::optional<std::string_view> service);
  /// `recipient`: of the activity; nullptr for none.
  bool is_for_another_bot(const Verified& token, const json::object* recipient) const;

  TrustOptions options_;
  bool any_caller_ = false;  // "*" was among the allowed callers, and was taken out
  std::vector<Issuer> issuers_;
  std::unordered_map<std::string, std::size_t> issuer_numbers_;  // by `iss`
};

/// The answer to a token that is not accepted: 401, with the challenge of RFC 6750. `why`: the end of a sentence,
/// without quotes or backslashes.
AuthRefusal refuse_token(std::string_view why);

}  // namespace tern::auth
