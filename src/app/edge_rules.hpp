#pragma once

#include <tern/app/config.hpp>

#include <string>
#include <vector>

namespace tern::app {

/// Throws `ConfigError` when the keys below `listen.` and `metrics.` make no sense together: an address that is none,
/// one that others reach although nobody is asked who they are, a key that does nothing beside the others.
/// `has_authenticator`: the bot has an authenticator of its own.
void check_edge(const Settings& settings, bool has_authenticator);

/// Throws `ConfigError` when `listen.trusted_proxies` is malformed, or believes more than whoever wrote it can mean.
void check_trusted_proxies(const ListenSettings& listen);

/// What is allowed and a danger all the same, for the log.
std::vector<std::string> dangers_at_the_edge(const Settings& settings, bool has_authenticator);

/// Whether an address of `listen.address` or `metrics.address` is reached from this machine alone.
/// Preconditions: it is well-formed.
bool is_of_this_machine(const std::string& address);

}  // namespace tern::app
