#pragma once

#include <set>
#include <string>
#include <string_view>

namespace tern::app {

class KeyTable;

/// Keys of the configuration, by name.
using Assignments = std::set<std::string, std::less<>>;

/// Whether a variable of the environment is meant for the configuration, by its name: it begins with `TERN_`, does not
/// belong to the build and the tests, and is none of those that Kubernetes makes for a Service called `tern`,
/// `tern-listen` and so on.
bool may_be_key(std::string_view name, std::string_view value);

/// What to say of one that is no key.
std::string unknown_variable(const KeyTable& keys, const std::string& name);

}  // namespace tern::app
