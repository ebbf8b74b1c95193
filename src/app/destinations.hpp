#pragma once

#include "app/config_keys.hpp"
#include "connector/connector_client.hpp"

#include <tern/app/config.hpp>

namespace tern::app {

/// Where Tern's own sender sends to.
enum class Destinations { this_machine, listed, any };

/// `bot.allowed_hosts`.
ConfigKey allowed_hosts_key();

/// Throws `ConfigError` when `bot.allowed_hosts` is set, and the bot sends to this machine only all the same.
/// `has_authenticator`: the bot has one of its own.
void check_destinations(const BotSettings& bot, bool has_authenticator);

/// Sets where Tern's own sender sends to, and through which proxies, and returns it. With an app id the hosts of the
/// channels are allowed, too. The proxies are those of the environment.
/// Errors: `ConfigError`.
/// Source: docs/configuration.md, "Where a bot sends to".
Destinations set_destinations(connector::ConnectorOptions& options, const BotSettings& bot, bool has_authenticator);

}  // namespace tern::app
