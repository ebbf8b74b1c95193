#pragma once

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::http {

namespace asio = boost::asio;

/// Where a connection comes from: an address, or nullopt for a Unix socket.
using Hop = std::optional<asio::ip::address>;

/// The proxies that are believed when they say who their clients are.
///
/// Thread safety: it does not change; all functions from any thread.
class TrustedProxies {
 public:
  /// Nobody.
  TrustedProxies() = default;
  /// Reads addresses and networks that are separated by commas, such as `10.0.0.0/8, 2001:db8::7`, and `unix` for
  /// whoever connects to a Unix socket. nullopt when the text is malformed.
  static std::optional<TrustedProxies> parse(std::string_view text);

  bool empty() const noexcept { return networks_.empty() && !unix_; }
  /// An IPv4 address that is mapped to IPv6 is the IPv4 address.
  bool trusts(const Hop& hop) const noexcept;

 private:
  friend std::string fault_of_proxies(std::string_view text);

  struct Network {
    asio::ip::address first;
    unsigned prefix = 0;  // bits
  };
  static std::optional<Network> parse_network(std::string_view text);
  static bool contains(const Network& network, const asio::ip::address& address) noexcept;

  std::vector<Network> networks_;
  bool unix_ = false;
};

/// What is wrong with the list of proxies: it is malformed, has a network with bits behind its prefix, or has the
/// network of all addresses, so that everybody would be believed. "" when nothing is. The text says what to write.
std::string fault_of_proxies(std::string_view text);

/// The address as IPv4 if it is an IPv4 address that is mapped to IPv6.
asio::ip::address unmapped(const asio::ip::address& address) noexcept;

}  // namespace tern::http
