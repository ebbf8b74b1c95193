#include "app/destinations.hpp"

#include "app/config_makers.hpp"
#include "connector/channel_hosts.hpp"
#include "net/allowed_hosts.hpp"
#include "net/proxies.hpp"

#include <tern/error.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace tern::app {

namespace {

bool may_leave_this_machine(const BotSettings& bot, bool has_authenticator) noexcept {
  return !bot.app_id.empty() || bot.allow_anonymous || has_authenticator;
}

std::shared_ptr<const net::Proxies> proxies_of_environment() {
  try {
    return std::make_shared<const net::Proxies>(net::Proxies::of_environment());
  } catch (const system_error& error) {
    throw ConfigError("The channels cannot be reached through a proxy: " + message_of(error) + ".");
  }
}

}  // namespace

ConfigKey allowed_hosts_key() {
  return checked_key(
      "bot.allowed_hosts", Setting{&Settings::bot, &BotSettings::allowed_hosts},
      [](std::string_view text) { return net::AllowedHosts::parse(text).has_value(); },
      "hosts separated by commas: a name, *.name for all below it, or an IP address, one of IPv6 in brackets as in "
      "[2001:db8::1], with a port or without, and with http:// before a host that has no TLS, such as "
      "\"channel.example.com,http://localhost:3979\", or empty",
      "Hosts that the bot sends to, and gives its token to, besides those of the channels of bot.cloud. Only a host "
      "that "
      "is named in full may have an address of this machine or of a private network.");
}

void check_destinations(const BotSettings& bot, bool has_authenticator) {
  if (!bot.allowed_hosts.empty() && !may_leave_this_machine(bot, has_authenticator)) {
    throw ConfigError(
        "bot.allowed_hosts names hosts, but a bot that checks nobody who speaks to it sends to this machine only. "
        "Leave it out, or set bot.allow_anonymous to true if anybody may make the bot send to these hosts.");
  }
}

Destinations set_destinations(connector::ConnectorOptions& options, const BotSettings& bot, bool has_authenticator) {
  const bool is_listed =
      !bot.app_id.empty() || (!bot.allowed_hosts.empty() && may_leave_this_machine(bot, has_authenticator));
  options.loopback_only = !is_listed && !bot.allow_anonymous;
  options.proxies = options.loopback_only ? nullptr : proxies_of_environment();
  if (!is_listed) {
    return options.loopback_only ? Destinations::this_machine : Destinations::any;
  }
  auto hosts = net::AllowedHosts::parse(bot.allowed_hosts);
  if (!hosts) {
    throw ConfigError("bot.allowed_hosts is \"" + bot.allowed_hosts + "\"; allowed are " +
                      allowed_hosts_key().allowed() + ".");
  }
  if (!bot.app_id.empty()) {
    connector::add_channel_hosts(*hosts, bot.cloud);
  }
  options.allowed_hosts = std::make_shared<const net::AllowedHosts>(std::move(*hosts));
  return Destinations::listed;
}

}  // namespace tern::app
