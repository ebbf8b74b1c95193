#pragma once

#include <set>
#include <string>
#include <string_view>

namespace tern::app {

class KeyTable;

/// Keys of the configuration, by name.
using Assignments = std::set<std::string, std::less<>>;

/// Whether a variable of the environment may be a key of the configuration. Its name begins with `TERN_`. Variables of
/// the build and the tests are none, nor are those that Kubernetes makes for a Service named `tern`, `tern-listen` and
/// the like.
bool may_be_key(std::string_view name, std::string_view value);

/// The warning about a variable that is not a key.
std::string unknown_variable(const KeyTable& keys, const std::string& name);

}  // namespace tern::app
