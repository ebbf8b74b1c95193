#pragma once

#include <span>
#include <string_view>

namespace tern::app {

/// The one of `names` that somebody may have meant who wrote `name`: whose letters, large or small, are most like its.
/// "" when none is near.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names);

}  // namespace tern::app
