#include "app/token_authenticator.hpp"

#include <tern/error.hpp>
#include "app/bot_keys.hpp"

#include <string>
#include <utility>

namespace tern::app {

namespace {

std::shared_ptr<auth::HttpFetcher> make_fetcher(const Settings& settings, Clock& clock) {
  try {
    return std::make_shared<auth::HttpFetcher>(
        auth::HttpFetcher::Options{settings.bot.ca_file, settings.connector.nameservers}, clock);
  } catch (const system_error& error) {
    throw ConfigError("The keys of tokens cannot be fetched: " + message_of(error) +
                      (settings.bot.ca_file.empty() ? "." : ". bot.ca_file names a file of certificates (PEM)."));
  }
}

}  // namespace

auth::AuthenticatorOptions token_options(const BotSettings& bot) {
  auth::AuthenticatorOptions options;
  auto& trust = options.trust;
  trust.app_ids = words_of(bot.further_app_ids);
  trust.app_ids.insert(trust.app_ids.begin(), bot.app_id);
  trust.tenants = words_of(bot.allowed_tenants);
  if (!bot.tenant_id.empty()) {
    trust.tenants.insert(trust.tenants.begin(), bot.tenant_id);
  }
  trust.allowed_callers = words_of(bot.allowed_callers);
  trust.allow_emulator = bot.allow_emulator;
  trust.cloud = auth::cloud_of(bot.cloud);
  trust.channel_issuer = bot.channel_issuer;
  trust.channel_metadata = bot.openid_url;
  trust.login = bot.login_url;
  trust.sts = bot.sts_url;
  return options;
}

TokenAuthenticator::TokenAuthenticator(const Settings& settings, Clock& clock, Metrics& metrics)
    : cloud_(*auth::cloud_of(settings.bot.cloud)),
      fetcher_(make_fetcher(settings, clock)),
      thread_("keys of tokens"),
      tokens_(token_options(settings.bot), thread_.ex(), fetcher_, clock, metrics) {}

}  // namespace tern::app
