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
