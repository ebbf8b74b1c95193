#pragma once

#include <tern/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// A part of a multipart body. The views are into the body.
struct Part {
  std::string name;               ///< of the field
  std::string file_name;          ///< "" when it has none
  std::string_view content_type;  ///< "" when it has none
  std::string_view content;
};

/// Reads a `multipart/form-data` body. The error is a sentence for the sender.
/// `content_type`: the header of the request. `max_parts`: a body with more parts is refused.
/// Source: RFC 7578; RFC 2046, section 5.1.
boost::system::result<std::vector<Part>, std::string> read_multipart(std::string_view content_type,
                                                                     std::string_view body, std::size_t max_parts);

}  // namespace tern::direct_line
