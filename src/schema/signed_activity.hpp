#pragma once

#include <tern/schema/parse.hpp>

#include <string_view>

namespace tern::detail {

/// As `parse_activity`, with a `callerId` that says this; with "" it has none. It is parsed as a member of the text
/// would be: an object that grows by one member is copied, and gets a hash table when it has more than 18, which costs
/// more than all else about a known token.
boost::system::result<Activity, ParseError> parse_activity_of(std::string_view caller_id, std::string_view text);

}  // namespace tern::detail
