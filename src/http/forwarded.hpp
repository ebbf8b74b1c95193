#pragma once

#include "http/trusted_proxies.hpp"

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace tern::http {

/// A client as a proxy names it; nullopt when the proxy does not say its address (`unknown`, or an obfuscated name).
using ForwardedNode = std::optional<asio::ip::address>;

/// Reads a node of `Forwarded`, or an entry of `X-Forwarded-For`: an address with a port or without. An IPv6 address
/// may have brackets, and has them if it has a port. The outer nullopt: it is malformed. Source: RFC 7239, 6.
std::optional<ForwardedNode> parse_forwarded_node(std::string_view text);

/// Reads the nodes `for` of a header `Forwarded`, from the left; an element without `for` is one without an address.
/// nullopt: it is malformed, or has the same parameter twice in an element.
/// Source: RFC 7239, 4.
std::optional<std::vector<ForwardedNode>> parse_forwarded(std::string_view text);

/// The headers of a request by which proxies say who the client is, each with the values of all its lines, which are
/// separated by commas; "" when it is absent.
struct ForwardedHeaders {
  std::string_view forwarded;
  std::string_view x_forwarded_for;
};

/// The client of a request that came from `peer`. As long as a hop is a trusted proxy, the hop before it is the one
/// that the proxy names: so it is the rightmost entry that is not trusted, or the leftmost one when all are. Without an
/// address it is the trusted hop that did not say more. When the header is malformed, or the two headers name different
/// clients, it is `peer`: somebody then wrote a header that the proxy did not check.
Hop client_of(const Hop& peer, const ForwardedHeaders& headers, const TrustedProxies& proxies);

}  // namespace tern::http
