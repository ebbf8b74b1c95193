#pragma once

#include "http_client/target.hpp"
#include "net/proxies.hpp"

#include <tern/http/http_client.hpp>

#include <string>
#include <string_view>

namespace tern::http_client {

/// Throws `errc::invalid_argument` unless the method and the headers may be sent as they are. `target` is for the
/// message.
void check_request(const HttpRequest& request, const Target& target);

/// The bytes of a request, with its head and body. `proxy`: the proxy that the request itself goes to, for http;
/// nullptr for a request that goes to the host, maybe through a tunnel. Preconditions: `check_request` has passed.
std::string request_text(const HttpRequest& request, const Target& target, const net::Proxy* proxy,
                         std::string_view user_agent);

/// True when a request with this method may be repeated: it asks for the same however often it arrives (RFC 9110,
/// 9.2.2).
bool is_idempotent(std::string_view method) noexcept;

/// Whether the texts are equal when the case of ASCII letters is ignored.
bool same_name(std::string_view a, std::string_view b) noexcept;

}  // namespace tern::http_client
