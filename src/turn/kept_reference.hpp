#pragma once

#include <tern/schema/activity.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace tern::detail {

/// The most bytes of a name in a reference that is kept. Names are for people, and strangers choose them.
inline constexpr std::size_t longest_kept_name = 256;

/// The reference of an activity's conversation as it is kept, without the activity's id. Names are cut at
/// `longest_kept_name` bytes. One that has more than `most` bytes all the same loses what a send does not need; nullopt
/// when that does not suffice.
std::optional<std::string> kept_reference(const Activity& activity, std::size_t most);

}  // namespace tern::detail
