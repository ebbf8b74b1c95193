#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/ip/udp.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace tern::net {

/// Reads name servers that are separated by commas, such as "192.0.2.53, [2001:db8::53]:5353". Each is a literal
/// address, with or without a port; the default is 53. An IPv6 address with a port needs brackets. An empty text means
/// no name server; nullopt when the text is malformed.
std::optional<std::vector<asio::ip::udp::endpoint>> parse_nameservers(std::string_view text);

}  // namespace tern::net
