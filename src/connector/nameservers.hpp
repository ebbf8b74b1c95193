#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/ip/udp.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace tern::connector {

/// Reads name servers separated by commas: literal addresses, each with a port or without, which means 53. IPv6 stands
/// in brackets where a port follows: "192.0.2.53, [2001:db8::53]:5353". An empty text is none.
/// nullopt: it is something else.
std::optional<std::vector<asio::ip::udp::endpoint>> parse_nameservers(std::string_view text);

}  // namespace tern::connector
