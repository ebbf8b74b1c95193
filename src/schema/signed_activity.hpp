#pragma once

#include <tern/schema/parse.hpp>

#include <string_view>

namespace tern::detail {

/// As `parse_activity`, but `callerId` is there, and null, until `sign_activity` has set it. An object that grows by
/// one member is copied, and gets a hash table when it has more than 18: that costs more than all else about a known
/// token.
boost::system::result<Activity, ParseError> parse_activity_to_sign(std::string_view text);

/// States who has sent the activity; with "" it does not say so.
void sign_activity(Activity& activity, std::string_view caller_id);

}  // namespace tern::detail
