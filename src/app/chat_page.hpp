#pragma once

#include "direct_line/page.hpp"

#include <tern/app/config.hpp>
#include <tern/app/routes.hpp>

#include <memory>

namespace tern::app {

/// The page at `/chat` that the configuration asks for; nullptr when it asks for none, and for `auto` also where others
/// reach the bot, and where the bot has a route of its own there.
///
/// Lifetime: what `tokens` refers to, and `clock`, outlive the page.
/// Errors: `ConfigError` when the page cannot be served as it is configured.
std::unique_ptr<direct_line::Page> make_chat_page(const Settings& settings, const Routes& routes,
                                                  direct_line::Page::Tokens tokens, Clock& clock);

}  // namespace tern::app
