#include "app/bot_credentials.hpp"

#include "app/bot_keys.hpp"
#include "app/credential_keys.hpp"
#include "auth/cloud.hpp"
#include "auth/token_grant.hpp"
#include "http/ascii.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace tern::app {

namespace {

const auth::Cloud& cloud_of(const BotSettings& bot) {
  const auth::Cloud* cloud = auth::cloud_of(bot.cloud);
  if (cloud == nullptr) {
    throw ConfigError("bot.cloud is \"" + bot.cloud + "\"; allowed is public, gcc_high, dod, china.");
  }
  return *cloud;
}

/// The token endpoint of the bot's tenant. A bot without a tenant is a multi-tenant bot of former days.
auth::TokenEndpoint endpoint_of(const BotSettings& bot) {
  const auth::Cloud& cloud = cloud_of(bot);
  std::string url(bot.login_url.empty() ? cloud.login : std::string_view(bot.login_url));
  url.append(url.ends_with('/') ? "" : "/").append(bot.tenant_id.empty() ? cloud.shared_tenant : bot.tenant_id);
  return {url.append("/oauth2/v2.0/token"), bot.app_id};
}

std::unique_ptr<auth::TokenGrant> grant_of(const BotSettings& bot) {
  if (!bot.managed_identity.empty()) {
    return auth::identity_grant(auth::identity_endpoint(bot.managed_identity_url, bot.managed_identity));
  }
  if (!bot.certificate.empty()) {
    return auth::certificate_grant(endpoint_of(bot), bot.certificate, bot.certificate_key);
  }
  if (!bot.federated_token_file.empty()) {
    return auth::federated_grant(endpoint_of(bot), {{}, bot.federated_token_file, "bot.federated_token_file"});
  }
  return auth::secret_grant(endpoint_of(bot), {bot.app_password, bot.app_password_file, "bot.app_password_file"});
}

/// What the tokens are for. In each cloud the issuer of the channels' tokens is also the name of their services.
std::string scope_of(const BotSettings& bot) {
  const std::string_view issuer = bot.channel_issuer.empty() ? cloud_of(bot).channel_issuer : bot.channel_issuer;
  return std::string(issuer) + "/.default";
}

auth::OAuthOptions options_of(const BotSettings& bot, const CredentialContext& context) {
  auth::OAuthOptions options;
  options.scope = scope_of(bot);
  options.scopes = std::max(options.scopes, words_of(bot.allowed_callers).size());  // each has one
  options.ca_file = bot.ca_file;
  options.nameservers = context.settings.connector.nameservers;
  return options;
}

bool looks_like_a_name(std::string_view file) noexcept {
  return file.starts_with('/') || file.starts_with("./") || file.starts_with("../");
}

/// What is wrong with the bot's certificate or its key, with the file. Its name is told only where it looks like one:
/// somebody may have written the key there.
std::string unusable(const BotSettings& bot, std::string_view why) {
  const bool is_key = why.starts_with("the key ");
  why.remove_suffix(why.ends_with('.') ? 1 : 0);
  const std::string& file = is_key ? bot.certificate_key : bot.certificate;
  return std::string("The file of ") + (is_key ? "bot.certificate_key" : "bot.certificate") +
         (looks_like_a_name(file) ? ", " + file + "," : "") + " cannot be used: " + std::string(why) +
         (is_key ? ". Give the private key that bot.certificate was made for: RSA, PEM, without a password"
                 : ". Give the certificate that was uploaded to the app registration, in PEM");
}

/// A grant that has made a request, so that files which cannot be used are found at the start.
std::unique_ptr<auth::TokenGrant> tried_grant(const BotSettings& bot, Clock& clock) {
  check_credentials(bot);
  if (credential_kind(bot) == nullptr) {
    throw ConfigError("The bot " + bot.app_id + " has no credential. Set bot.app_password or another one.");
  }
  try {
    auto grant = grant_of(bot);
    (void)grant->request(scope_of(bot), clock.wall_now());
    return grant;
  } catch (const system_error& e) {
    const auto why = message_of(e);
    constexpr std::string_view of_both = "Of bot.certificate and bot.certificate_key ";
    throw ConfigError(why.starts_with(of_both) ? unusable(bot, std::string_view(why).substr(of_both.size())) : why);
  }
}

std::vector<std::string> others_of(const BotSettings& bot) {
  auto others = words_of(bot.further_app_ids);
  std::erase(others, bot.app_id);
  return others;
}

bool is_bot(std::string_view account, std::string_view app_id) noexcept {
  constexpr std::string_view bot_of_teams = "28:";
  account.remove_prefix(account.starts_with(bot_of_teams) ? bot_of_teams.size() : 0);
  return http::same_text(account, app_id);
}

}  // namespace

BotCredentials::BotCredentials(const BotSettings& bot, const CredentialContext& context)
    : other_bots_(others_of(bot)),
      fetcher_(auth::oauth_fetcher(options_of(bot, context), tried_grant(bot, context.clock), context.clock)),
      thread_("tokens"),
      tokens_(options_of(bot, context), fetcher_, thread_.ex(), context.clock, context.metrics) {}

// The token of another bot would be answered 403, as if the conversation were gone.
TokenAnswer BotCredentials::token(const TokenRequest& request) {
  for (const std::string& other : other_bots_) {
    if (is_bot(request.bot, other)) {
      throw NoToken(NoToken::Why::refused,
                    "There is no credential for the bot " + other +
                        " of bot.further_app_ids: AppOptions::credentials brings it. Nothing was "
                        "sent.");
    }
  }
  return tokens_.token(request);
}

}  // namespace tern::app

namespace tern {

std::unique_ptr<CredentialProvider> bot_credentials(const BotSettings& bot, const CredentialContext& context) {
  try {
    return std::make_unique<app::BotCredentials>(bot, context);
  } catch (const system_error& e) {
    throw ConfigError("The bot cannot get tokens: " + message_of(e) + ".");
  }
}

}  // namespace tern
