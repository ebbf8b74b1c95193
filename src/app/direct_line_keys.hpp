#pragma once

#include "app/config_keys.hpp"
#include "direct_line/options.hpp"

#include <tern/app/config.hpp>

#include <string>
#include <vector>

namespace tern::app {

/// The keys below `direct_line.`, and the limits that begin with `limits.direct_line_`.
std::vector<ConfigKey> direct_line_keys();

/// Checks what one key alone cannot tell. Errors: `ConfigError`.
void check_direct_line(const Settings& settings);

/// What Direct Line is made with. It reads the file of the secret, so it blocks. Errors: `ConfigError`.
direct_line::Options direct_line_options(const Settings& settings, const std::string& bot_id);

}  // namespace tern::app
