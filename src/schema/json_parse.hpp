#pragma once

#include <tern/schema/parse.hpp>

#include <boost/json/storage_ptr.hpp>

namespace tern::detail {

/// As `parse_json`; the values are allocated in `memory`. `added`: the name of a member that the object is given, with
/// null, so that it has a place without growing; "" for none. A member of that name in the text becomes null.
boost::system::result<json::value, ParseError> parse_json_in(std::string_view text, const json::storage_ptr& memory,
                                                             std::string_view added = {});

}  // namespace tern::detail
