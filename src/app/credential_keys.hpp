#pragma once

#include "app/config_keys.hpp"

#include <tern/app/config.hpp>

#include <vector>

namespace tern::app {

/// The keys of the bot's credential.
std::vector<ConfigKey> credential_keys();

/// Throws `ConfigError` when these keys make no sense together: credentials of two kinds, half of one, or one without
/// an app id. It reads no file.
void check_credentials(const BotSettings& bot);

/// The kind of the bot's credential, for the log; nullptr when it has none.
const char* credential_kind(const BotSettings& bot) noexcept;

}  // namespace tern::app
