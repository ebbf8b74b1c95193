#include "app/announcement.hpp"

#include "app/edge_rules.hpp"
#include "app/storage_factory.hpp"
#include "async/log_last.hpp"

#include <tern/async/log.hpp>

namespace tern::app {

namespace {

// Whoever it names decides who may speak to the bot.
void announce_authority(const BotSettings& bot) {
  if (!(bot.channel_issuer + bot.openid_url + bot.login_url + bot.sts_url).empty()) {
    log::info("an authority of the configuration's own is believed, in place of that of bot.cloud where it is named",
              {{"channel_issuer", bot.channel_issuer},
               {"openid_url", bot.openid_url},
               {"login_url", bot.login_url},
               {"sts_url", bot.sts_url}});
  }
}

// Whom the bot believes.
void announce_callers(const Settings& settings, const Callers* asked) {
  const auto& bot = settings.bot;
  if (bot.allow_anonymous && asked != nullptr) {
    log::warn("bot.allow_anonymous is on, but callers are checked all the same; leave it out",
              {{"authenticator", asked->name()}});
  } else if (bot.allow_anonymous) {
    log::warn("bot.allow_anonymous is on: anybody who reaches this address can speak to the bot");
  } else if (asked == nullptr && (!settings.listen.hosts.empty() || !settings.listen.trusted_proxies.empty())) {
    log::warn(
        "callers are not checked, and a proxy seems to bring them: whoever reaches the proxy can speak to the bot; set "
        "bot.app_id");
  }
  if (asked != nullptr && asked->checks_tokens()) {
    log::info("the tokens of callers are checked", {{"app_id", bot.app_id},
                                                    {"further_app_ids", bot.further_app_ids},
                                                    {"cloud", bot.cloud},
                                                    {"tenant_id", bot.tenant_id},
                                                    {"allowed_tenants", bot.allowed_tenants},
                                                    {"allowed_callers", bot.allowed_callers},
                                                    {"emulator", bot.allow_emulator}});
    announce_authority(bot);
  } else if (asked != nullptr && !bot.app_id.empty()) {
    log::info("bot.app_id is set, but the bot's own authenticator is asked, and Tern checks no token");
  }
}

// Whether those whom the bot writes to believe it.
void announce_credentials(const Announcement& about) {
  if (!about.has_credentials && !about.settings.bot.app_id.empty()) {
    log::warn(
        "the bot has an app id and no credential, so that it sends without a token, and channels of Azure refuse "
        "what it posts; set bot.app_password or another credential");
  }
}

}  // namespace

// Logged at any level, because with port 0 only this line says which port the bot has.
void announce(const Announcement& about) {
  const auto& settings = about.settings;
  const Callers* callers = about.callers;
  log::detail::write_always(log::Level::info, "serving",
                            {{"address", settings.listen.address},
                             {"port", about.port},
                             {"metrics_port", about.metrics_port},
                             {"tls", about.tls},
                             {"threads", about.threads},
                             {"storage", about.storage.name},
                             {"storage_place", place_of(settings)},
                             {"proactive", settings.proactive.enabled},
                             {"authenticator", callers != nullptr ? callers->name() : "none"},
                             {"credentials", about.credentials}});
  if (about.connections < settings.limits.connections) {
    log::warn(
        "fewer connections than limits.connections are accepted, because each needs a descriptor; raise ulimit -n",
        {{"limits.connections", settings.limits.connections},
         {"connections", about.connections},
         {"descriptors", about.descriptors}});
  }
  if (!about.storage.durable) {
    log::warn("state and scheduled sends are kept in memory only and end with this process",
              {{"storage", about.storage.name}});
  }
  for (const auto& danger : dangers_at_the_edge(settings, callers != nullptr && !callers->checks_tokens())) {
    log::warn(danger);
  }
  announce_callers(settings, callers);
  announce_credentials(about);
}

}  // namespace tern::app
