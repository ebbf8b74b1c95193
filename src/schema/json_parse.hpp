#pragma once

#include <tern/schema/parse.hpp>

#include <boost/json/storage_ptr.hpp>

namespace tern::detail {

/// A member with a text.
struct AddedMember {
  std::string_view name;  ///< "" for none
  std::string_view text;
};

/// As `parse_json`; the values are allocated in `memory`. `added`: a member that the object is given, as if it stood
/// last in the text.
boost::system::result<json::value, ParseError> parse_json_in(std::string_view text, const json::storage_ptr& memory,
                                                             const AddedMember& added = {});

}  // namespace tern::detail
