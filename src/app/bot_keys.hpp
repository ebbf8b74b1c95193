#pragma once

#include "app/config_keys.hpp"

#include <tern/app/config.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

/// The keys below `bot.`.
std::vector<ConfigKey> bot_keys();

/// Throws `ConfigError` when the keys below `bot.` make no sense together. `has_authenticator`: the bot has an
/// authenticator of its own, which is asked in the place of Tern's.
void check_bot(const BotSettings& bot, bool has_authenticator);

/// Whether somebody checks who sends activities: Tern with `bot.app_id`, or an authenticator of the bot's own.
bool checks_callers(const BotSettings& bot, bool has_authenticator) noexcept;

/// The words of a list that is separated by commas, without the spaces around them.
std::vector<std::string> words_of(std::string_view list);

}  // namespace tern::app
