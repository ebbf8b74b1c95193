#pragma once

#include "http/http_types.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::http {

/// The form of a response, as the request and the connection decide it.
struct ResponseForm {
  bool http10 = false;
  bool keep_alive = true;
  std::string_view date = {};  ///< "" leaves the header out
};

/// True when a response of this status has a body at all (not 204, 304).
bool has_body(unsigned status) noexcept;

/// True when the handler asks to close the connection, by a header `Connection: close`.
bool asks_to_close(const HttpResponse& response) noexcept;

/// Appends a handler's headers. One with a name of the framing (`Content-Length`, `Transfer-Encoding`, `Connection`),
/// or with a malformed name, is left out. A control character in a value becomes a space, so that no value can begin
/// another header.
void append_fields(std::string& out, const std::vector<std::pair<std::string, std::string>>& headers);

/// Appends the status line and the header. Only this function writes the framing.
void append_head(std::string& out, const HttpResponse& response, ResponseForm form);

/// Appends the line that precedes a chunk of `size` bytes.
void append_chunk_size(std::string& out, std::size_t size);

}  // namespace tern::http
