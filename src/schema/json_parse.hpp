#pragma once

#include <tern/schema/parse.hpp>

#include <boost/json/storage_ptr.hpp>

namespace tern::detail {

/// As `parse_json`; the values are allocated in `memory`.
boost::system::result<json::value, ParseError> parse_json_in(std::string_view text, const json::storage_ptr& memory);

}  // namespace tern::detail
