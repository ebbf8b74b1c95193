#include "http/trusted_proxies.hpp"

#include "http/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace tern::http {

namespace {

constexpr unsigned bits_of_byte = 8;

std::string_view trimmed(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);  // npos + 1 is 0
}

template <class Bytes>
bool same_beginning(const Bytes& one, const Bytes& other, unsigned bits) noexcept {
  const std::size_t whole = bits / bits_of_byte;
  if (!std::equal(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(whole), other.begin())) {
    return false;
  }
  const unsigned rest = bits % bits_of_byte;
  return rest == 0 || ((one[whole] ^ other[whole]) >> (bits_of_byte - rest)) == 0;
}

// The address without the bits behind the first `prefix`.
template <class Bytes>
Bytes prefix_of(Bytes bytes, unsigned prefix) noexcept {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto before = static_cast<unsigned>(i) * bits_of_byte;
    const unsigned kept = prefix <= before ? 0 : std::min(prefix - before, bits_of_byte);
    bytes[i] = static_cast<unsigned char>(bytes[i] & (0xFF00U >> kept));
  }
  return bytes;
}

asio::ip::address first_of(const asio::ip::address& address, unsigned prefix) {
  if (address.is_v4()) {
    return asio::ip::make_address_v4(prefix_of(address.to_v4().to_bytes(), prefix));
  }
  return asio::ip::make_address_v6(prefix_of(address.to_v6().to_bytes(), prefix));
}

}  // namespace

asio::ip::address unmapped(const asio::ip::address& address) noexcept {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

std::optional<TrustedProxies::Network> TrustedProxies::parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto name = text.substr(0, slash);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(name, error);
  if (error || name.find('%') != std::string_view::npos) {
    return std::nullopt;
  }
  const unsigned most = address.is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) {
    return Network{unmapped(address), address.is_v6() && address.to_v6().is_v4_mapped() ? 32 : most};
  }
  const auto digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (digits.empty() || failed != std::errc{} || end != digits.data() + digits.size() || prefix > most) {
    return std::nullopt;
  }
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {  // clients' addresses are compared in their own form
    constexpr unsigned before = 96;
    return prefix < before ? std::nullopt : std::optional(Network{unmapped(address), prefix - before});
  }
  return Network{address, prefix};
}

std::optional<TrustedProxies> TrustedProxies::parse(std::string_view text) {
  TrustedProxies proxies;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto part = trimmed(text.substr(0, end));
    if (same_text(part, "unix")) {
      proxies.unix_ = true;
    } else if (const auto network = parse_network(part)) {
      proxies.networks_.push_back(*network);
    } else {
      return std::nullopt;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return proxies;
}

std::string fault_of_proxies(std::string_view text) {
  const auto proxies = TrustedProxies::parse(text);
  if (!proxies) {
    return "it is not a list of IP addresses and networks separated by commas";
  }
  for (const auto& network : proxies->networks_) {
    const auto address = network.first.to_string();
    const auto length = "/" + std::to_string(network.prefix);
    if (network.prefix == 0) {
      return address + length +
             " is every address, so that every client would be believed when it says that it is "
             "another; name the addresses of the proxies";
    }
    if (const auto first = first_of(network.first, network.prefix); first != network.first) {
      std::string fault = address + length;
      fault.append(" is an address and no network: write ").append(first.to_string()).append(length);
      return fault.append(" for the network, or ").append(address).append(" for the one address");
    }
  }
  return {};
}

bool TrustedProxies::contains(const Network& network, const asio::ip::address& address) noexcept {
  if (network.first.is_v4() != address.is_v4()) {
    return false;
  }
  return address.is_v4() ? same_beginning(network.first.to_v4().to_bytes(), address.to_v4().to_bytes(), network.prefix)
                         : same_beginning(network.first.to_v6().to_bytes(), address.to_v6().to_bytes(), network.prefix);
}

bool TrustedProxies::trusts(const Hop& hop) const noexcept {
  if (!hop) {
    return unix_;
  }
  const auto address = unmapped(*hop);
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const Network& network) { return contains(network, address); });
}

}  // namespace tern::http
