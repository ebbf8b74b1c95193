#pragma once

#include <span>
#include <string_view>

namespace tern::app {

/// The name among `names` that is most similar to `name`, which may be misspelt. Case does not matter. "" when none is
/// similar.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names);

}  // namespace tern::app
