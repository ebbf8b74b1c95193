#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstdint>

namespace tern::net {

/// Whom an IP address leads to.
enum class AddressKind : std::uint8_t {
  global,        ///< somebody on the internet
  loopback,      ///< this machine
  private_use,   ///< the network that this machine is in (RFC 1918, RFC 4193)
  shared,        ///< the network of a provider (RFC 6598)
  link_local,    ///< a neighbour on the same link
  metadata,      ///< the service of a cloud that hands out credentials of this machine
  multicast,     ///< a group, or everybody on the link
  unspecified,   ///< nobody; Linux takes some of these addresses for this machine
  not_allocated  ///< nobody: addresses for documentation, tests, protocols and the future
};

/// The kind of an address. An IPv6 address that carries an IPv4 address (mapped, compatible, 6to4, or NAT64 with the
/// well-known prefix) has the kind of that IPv4 address, because that is where a connection ends.
/// Source: the registries of special-purpose addresses of IANA (RFC 6890).
AddressKind kind_of(const boost::asio::ip::address& address) noexcept;

/// The kind in words, such as "an address of a private network".
const char* description_of(AddressKind kind) noexcept;

}  // namespace tern::net
