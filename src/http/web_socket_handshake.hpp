#pragma once

#include "http/request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::http {

/// The answer to a request that is no handshake of a WebSocket (RFC 6455, 4.2.1), with a text that says why; nullopt
/// for a good handshake. `http10`: the request is of HTTP/1.0, which has no upgrades.
std::optional<HttpResponse> fault_of_handshake(const Request& request, bool http10);

/// Whether a text may be the value of Sec-WebSocket-Key: the base64 of 16 bytes.
bool is_web_socket_key(std::string_view key) noexcept;

/// Appends the head of the answer 101 to a good handshake. `accept`: the value of Sec-WebSocket-Accept. `headers`: as
/// in `HttpResponse`. `date`: "" leaves the header out.
void append_switching(std::string& out, std::string_view accept,
                      const std::vector<std::pair<std::string, std::string>>& headers, std::string_view date);

}  // namespace tern::http
