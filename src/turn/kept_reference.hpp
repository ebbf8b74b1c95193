#pragma once

#include "turn/trust.hpp"

#include <tern/schema/activity.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace tern::detail {

/// The most bytes of a name in a stored reference. Names are for people, and strangers choose them.
inline constexpr std::size_t longest_kept_name = 256;

/// The reference of an activity's conversation in its stored form, without the activity's id, and with whoever vouches
/// for it. Names are cut at `longest_kept_name` bytes. If the text has more than `most` bytes, the members that a send
/// does not need are left out; nullopt if it is still too long.
std::optional<std::string> kept_reference(const Activity& activity, const Trust& trust, std::size_t most);

}  // namespace tern::detail
