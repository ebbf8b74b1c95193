#include "net/nameservers.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace tern::net {

using asio::ip::udp;

namespace {

constexpr std::uint16_t dns_port = 53;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  const auto last = text.find_last_not_of(' ');
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  return whole && port != 0 ? std::optional(port) : std::nullopt;
}

std::optional<udp::endpoint> parse_one(std::string_view text) {
  std::string_view host = text;
  std::optional<std::uint16_t> port = dns_port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    host = text.substr(1, close == std::string_view::npos ? close : close - 1);
    const auto rest = close == std::string_view::npos ? text : text.substr(close + 1);
    if (!rest.empty()) {
      port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
    }
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos && colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = parse_port(text.substr(colon + 1));
  }
  boost::system::error_code failed;
  const auto address = asio::ip::make_address(std::string(host), failed);
  if (failed || !port || (address.is_v6() && address.to_v6().scope_id() != 0)) {
    return std::nullopt;
  }
  return udp::endpoint(address, *port);
}

}  // namespace

std::optional<std::vector<udp::endpoint>> parse_nameservers(std::string_view text) {
  std::vector<udp::endpoint> servers;
  if (trimmed(text).empty()) {
    return servers;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    const auto server = parse_one(trimmed(text.substr(begin, end - begin)));
    if (!server) {
      return std::nullopt;
    }
    servers.push_back(*server);
    begin = end + 1;
  }
  return servers;
}

}  // namespace tern::net
