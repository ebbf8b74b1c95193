#include "auth/token_rules.hpp"

#include "auth/guid.hpp"
#include "connector/service_url.hpp"
#include "http/ascii.hpp"
#include "schema/find_member.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::auth {

namespace {

using namespace std::chrono_literals;

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), http::lower);
  return lower;
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

/// The claim as a text; nullopt when it is absent, empty or something else.
std::optional<std::string_view> text_of(const json::object& claims, std::string_view name) noexcept {
  const json::value* found = claims.if_contains(name);
  const json::string* text = found != nullptr ? found->if_string() : nullptr;
  return text != nullptr && !text->empty() ? std::optional<std::string_view>(*text) : std::nullopt;
}

/// The claim as a time. nullopt when it is absent or no time between the years 1970 and 2200.
/// Source: RFC 7519, section 2, "NumericDate".
std::optional<WallTime> time_of(const json::object& claims, std::string_view name) noexcept {
  constexpr double year_2200 = 7'258'118'400;
  const json::value* found = claims.if_contains(name);
  if (found == nullptr || !found->is_number()) {
    return std::nullopt;
  }
  const double seconds = found->is_double()  ? found->get_double()
                         : found->is_int64() ? static_cast<double>(found->get_int64())
                                             : static_cast<double>(found->get_uint64());
  if (!(seconds >= 0 && seconds <= year_2200)) {
    return std::nullopt;
  }
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(seconds)));
}

/// Whether the token was got by a client that has no secret, and whose app id anybody can state.
/// Source: Microsoft identity platform, "Access token claims reference".
bool is_of_public_client(const json::object& claims) {
  for (const char* name : {"appidacr", "azpacr"}) {
    const json::value* how = claims.if_contains(name);
    if (how != nullptr && (*how == json::value("0") || *how == json::value(0))) {
      return true;
    }
  }
  return false;
}

/// Whether both are the same service: the scheme, the host and the port in any spelling, the path byte by byte, with
/// slashes at the end or without.
bool is_same_service(std::string_view a, std::string_view b) {
  const auto left = connector::parse_service_url(a);
  const auto right = connector::parse_service_url(b);
  return left && right && left->tls == right->tls && left->port == right->port && left->ipv6 == right->ipv6 &&
         http::same_text(left->host, right->host) && left->path == right->path;
}

/// What of an activity is held against its token. One walk over the members finds it all.
struct Stated {
  std::optional<std::string_view> service;  ///< `serviceUrl`
  std::string_view channel;                 ///< `channelId`; "" when there is none
  const json::object* recipient = nullptr;
};

std::optional<std::string_view> text_in(const json::value& member) noexcept {
  const json::string* text = member.if_string();
  return text != nullptr ? std::optional<std::string_view>(*text) : std::nullopt;
}

Stated stated_in(const Activity& activity) noexcept {
  Stated stated;
  for (const auto& member : activity.json()) {
    const auto size = member.key().size();
    if (size != std::string_view("serviceUrl").size() && size != std::string_view("channelId").size()) {
      continue;  // "recipient" is as long as "channelId"
    }
    if (tern::detail::is_named(member, "serviceUrl")) {
      stated.service = text_in(member.value());
    } else if (tern::detail::is_named(member, "channelId")) {
      stated.channel = text_in(member.value()).value_or("");
    } else if (tern::detail::is_named(member, "recipient")) {
      stated.recipient = member.value().if_object();
    }
  }
  return stated;
}

TrustOptions checked(TrustOptions options) {
  const auto refuse = [](const std::string& why) { throw_error(errc::invalid_argument, why); };
  if (options.cloud == nullptr) {
    refuse("There is no cloud of that name. The clouds are public, gcc_high, dod and china.");
  }
  if (options.skew < 0s) {
    refuse("The clock skew is negative.");
  }
  for (auto* list : {&options.app_ids, &options.tenants, &options.allowed_callers}) {
    std::transform(list->begin(), list->end(), list->begin(), [](const auto& text) { return in_lower_case(text); });
  }
  if (options.app_ids.empty() || contains(options.app_ids, "")) {
    refuse("Tokens are checked for bots that have an app id. Give the app id of the bot.");
  }
  for (const std::string& tenant : options.tenants) {
    if (!is_guid(tenant)) {
      refuse("The tenant \"" + tenant + "\" is no GUID. Give its tenant id, not a domain.");
    }
  }
  for (std::string* base : {&options.login, &options.sts}) {
    if (!base->empty() && !base->ends_with('/')) {
      base->push_back('/');
    }
  }
  return options;
}

/// What the options say, or else what the cloud says.
std::string own_or(const std::string& own, std::string_view of_cloud) {
  return own.empty() ? std::string(of_cloud) : own;
}

}  // namespace

AuthRefusal refuse_token(std::string_view why) {
  const std::string message = "The token " + std::string(why) + ".";
  return AuthRefusal::unauthorized(message, R"(Bearer error="invalid_token", error_description=")" + message + '"');
}

TokenRules::TokenRules(TrustOptions options) : options_(checked(std::move(options))) {
  any_caller_ = std::erase(options_.allowed_callers, "*") > 0;
  const std::size_t named = options_.tenants.size();
  for (const std::string_view tenant : options_.cloud->tenants) {
    if (!contains(options_.tenants, tenant)) {
      options_.tenants.emplace_back(tenant);
    }
  }
  add_issuers(named);
}

void TokenRules::add_issuers(std::size_t named) {
  const Cloud& cloud = *options_.cloud;
  const std::string channel = own_or(options_.channel_issuer, cloud.channel_issuer);
  const std::string login = own_or(options_.login, cloud.login);
  const std::string sts = own_or(options_.sts, cloud.sts);
  issuers_.push_back({channel, own_or(options_.channel_metadata, cloud.channel_metadata), "", false});
  issuer_numbers_.emplace(channel, 0);
  for (std::size_t i = 0; i < options_.tenants.size(); ++i) {
    const std::string& tenant = options_.tenants[i];
    const std::string name = login + tenant + "/v2.0";
    if (issuer_numbers_.try_emplace(name, issuers_.size()).second) {
      issuer_numbers_.emplace(sts + tenant + "/", issuers_.size());
      issuers_.push_back({name, name + "/.well-known/openid-configuration", tenant, i < named});
    }
  }
}

std::string TokenRules::bot_of(std::string_view audience) const {
  std::string id = in_lower_case(audience);
  for (const std::string_view prefix : {"api://botid-", "api://"}) {
    if (id.starts_with(prefix)) {
      id.erase(0, prefix.size());
      break;
    }
  }
  return contains(options_.app_ids, id) ? id : std::string();
}

const char* TokenRules::read_times(const json::object& claims, WallTime now, Claimed& claimed) const {
  const auto expires = time_of(claims, "exp");
  if (!expires) {
    return "does not say when it expires";
  }
  claimed.expires = *expires + options_.skew;
  if (now >= claimed.expires) {
    return "has expired";
  }
  if (claims.contains("nbf")) {
    const auto not_before = time_of(claims, "nbf");
    if (!not_before) {
      return "does not say from when it is valid";
    }
    claimed.not_before = *not_before - options_.skew;
  }
  return now < claimed.not_before ? "is not valid yet" : nullptr;
}

const char* TokenRules::read_caller(const json::object& claims, Claimed& claimed) const {
  const std::string& tenant = issuers_[claimed.issuer].tenant;
  if (tenant.empty()) {
    claimed.caller = issuers_[claimed.issuer].name;
    return nullptr;
  }
  const auto tenant_claim = text_of(claims, "tid");
  if (!tenant_claim || in_lower_case(*tenant_claim) != tenant) {
    return "is not of the tenant of its issuer";
  }
  const auto kind = text_of(claims, "idtyp");
  if (claims.contains("scp") || (claims.contains("idtyp") && kind != "app")) {
    return "was made for a user";
  }
  const auto version = text_of(claims, "ver");
  if (version != "1.0" && version != "2.0") {
    return "has no version";
  }
  const auto caller = text_of(claims, version == "1.0" ? "appid" : "azp");
  if (!caller) {
    return "does not say who sends it";
  }
  if (is_of_public_client(claims)) {
    return "was got by a client that has no secret";
  }
  claimed.caller = in_lower_case(*caller);
  judge_caller(claimed);
  return nullptr;
}

void TokenRules::judge_caller(Claimed& claimed) const {
  if (claimed.caller == options_.cloud->messaging_app) {
    claimed.kind = Identity::Kind::channel;
  } else if (claimed.caller == claimed.bot) {
    claimed.kind = Identity::Kind::emulator;
    claimed.forbidden = options_.allow_emulator ? nullptr : "This bot does not serve emulators.";
  } else {
    claimed.kind = Identity::Kind::bot;
    const bool allowed =
        (any_caller_ && issuers_[claimed.issuer].is_named) || contains(options_.allowed_callers, claimed.caller);
    claimed.forbidden = allowed ? nullptr : "The caller is not among the bots that may call this one.";
  }
}

boost::system::result<Claimed, TokenError> TokenRules::read(const Jwt& token, WallTime now) const {
  Claimed claimed;
  const auto issuer = text_of(token.claims, "iss");
  const auto number = issuer ? issuer_numbers_.find(std::string(*issuer)) : issuer_numbers_.end();
  if (number == issuer_numbers_.end()) {
    return TokenError{"is of an issuer that this bot does not trust"};
  }
  claimed.issuer = number->second;
  const auto audience = text_of(token.claims, "aud");
  claimed.bot = audience ? bot_of(*audience) : std::string();
  if (claimed.bot.empty()) {
    return TokenError{"is for another audience"};
  }
  if (const char* wrong = read_times(token.claims, now, claimed)) {
    return TokenError{wrong};
  }
  if (const char* wrong = read_caller(token.claims, claimed)) {
    return TokenError{wrong};
  }
  return claimed;
}

Verified TokenRules::verified(Claimed claimed, json::object claims, std::shared_ptr<const SigningKey> key) const {
  const std::string& tenant = issuers_[claimed.issuer].tenant;
  Verified token;
  token.key = std::move(key);
  token.bot = std::move(claimed.bot);
  token.not_before = claimed.not_before;
  token.expires = claimed.expires;
  // Tenants do not know where a channel's service is, so their tokens need not name it.
  token.names_service = tenant.empty() || claims.contains("serviceurl");
  if (const auto service = text_of(claims, "serviceurl"); service && connector::parse_service_url(*service)) {
    token.service = *service;
  }
  token.forbidden = claimed.forbidden;
  token.identity =
      std::make_shared<const Identity>(Identity{claimed.kind, std::move(claimed.caller), tenant, std::move(claims)});
  return token;
}

bool TokenRules::is_for_another_bot(const Verified& token, const json::object* recipient) const {
  if (recipient == nullptr) {
    return false;
  }
  if (const json::value* blueprint = tern::detail::find_member(*recipient, "agenticAppBlueprintId")) {
    const json::string* bot = blueprint->if_string();
    if (bot != nullptr && !bot->empty() && !http::same_text(*bot, token.bot)) {
      return true;
    }
  }
  // A bot that calls another one passes on what it got, with itself as the recipient.
  if (token.identity->kind != Identity::Kind::channel || options_.app_ids.size() < 2) {
    return false;
  }
  std::string_view id = text_of(*recipient, "id").value_or("");
  if (id.starts_with("28:")) {  // a bot, as Teams writes it
    id.remove_prefix(3);
  }
  return std::any_of(options_.app_ids.begin(), options_.app_ids.end(),
                     [&](const std::string& bot) { return bot != token.bot && http::same_text(bot, id); });
}

// Preconditions: the claim and the serviceUrl are not the same text.
const char* TokenRules::judge_service(const Verified& token, std::optional<std::string_view> service) {
  const auto claim = text_of(token.identity->claims, "serviceurl");
  if (!claim) {
    return "The token has no claim serviceurl.";
  }
  // An activity without a serviceUrl is answered in the response alone.
  return service && !is_same_service(*claim, *service)
             ? "The claim serviceurl of the token is not the serviceUrl of the activity."
             : nullptr;
}

const char* TokenRules::judge(const Verified& token, const Activity& activity) const {
  if (token.forbidden != nullptr) {
    return token.forbidden;
  }
  const Stated stated = stated_in(activity);
  const bool is_same_text = stated.service && !token.service.empty() && token.service == *stated.service;
  if (token.names_service && !is_same_text) {  // from almost all channels it is the same text
    if (const char* why = judge_service(token, stated.service)) {
      return why;
    }
  }
  // An activity without a channelId is of no channel that an endorsed key may speak for: otherwise a caller would get
  // around the endorsements by leaving it out.
  if (!token.key->endorses(stated.channel)) {
    return "The key of the token is not endorsed for the channel of the activity.";
  }
  return is_for_another_bot(token, stated.recipient)
             ? "The token is for another bot than the recipient of the activity."
             : nullptr;
}

}  // namespace tern::auth
