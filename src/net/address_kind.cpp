#include "net/address_kind.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace tern::net {

namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;
using Kind = AddressKind;

struct Network4 {
  std::uint32_t base;
  int bits;
  Kind kind;
};

struct Network6 {
  std::array<std::uint16_t, 8> base;
  int bits;
  Kind kind;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) noexcept {
  return (a << 24) | (b << 16) | (c << 8) | d;
}

// The first network that has the address counts. 168.63.129.16 is where Azure's machines find the agent and the name
// server of their host; 100.100.100.200 is Alibaba's metadata service; 192.0.0.192 is Oracle's older one.
constexpr std::array networks4{
    Network4{v4(169, 254, 169, 254), 32, Kind::metadata},   Network4{v4(169, 254, 170, 2), 32, Kind::metadata},
    Network4{v4(168, 63, 129, 16), 32, Kind::metadata},     Network4{v4(100, 100, 100, 200), 32, Kind::metadata},
    Network4{v4(192, 0, 0, 192), 32, Kind::metadata},       Network4{v4(0, 0, 0, 0), 8, Kind::unspecified},
    Network4{v4(10, 0, 0, 0), 8, Kind::private_use},        Network4{v4(100, 64, 0, 0), 10, Kind::shared},
    Network4{v4(127, 0, 0, 0), 8, Kind::loopback},          Network4{v4(169, 254, 0, 0), 16, Kind::link_local},
    Network4{v4(172, 16, 0, 0), 12, Kind::private_use},     Network4{v4(192, 0, 0, 0), 24, Kind::not_allocated},
    Network4{v4(192, 0, 2, 0), 24, Kind::not_allocated},    Network4{v4(192, 88, 99, 0), 24, Kind::not_allocated},
    Network4{v4(192, 168, 0, 0), 16, Kind::private_use},    Network4{v4(198, 18, 0, 0), 15, Kind::not_allocated},
    Network4{v4(198, 51, 100, 0), 24, Kind::not_allocated}, Network4{v4(203, 0, 113, 0), 24, Kind::not_allocated},
    Network4{v4(224, 0, 0, 0), 4, Kind::multicast},         Network4{v4(255, 255, 255, 255), 32, Kind::multicast},
    Network4{v4(240, 0, 0, 0), 4, Kind::not_allocated},
};

// The networks that carry an IPv4 address are not here, except for those of RFC 8215, which do not say where it is: it
// may be any, so only an entry that names the address allows it.
constexpr std::array networks6{
    Network6{{0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254}, 128, Kind::metadata},
    Network6{{0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023}, 128, Kind::metadata},
    Network6{{0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254}, 128, Kind::metadata},
    Network6{{0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe}, 128, Kind::metadata},
    Network6{{0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042}, 128, Kind::metadata},
    Network6{{0, 0, 0, 0, 0, 0, 0, 0}, 128, Kind::unspecified},
    Network6{{0, 0, 0, 0, 0, 0, 0, 1}, 128, Kind::loopback},
    Network6{{0xfc00, 0, 0, 0, 0, 0, 0, 0}, 7, Kind::private_use},
    Network6{{0xfe80, 0, 0, 0, 0, 0, 0, 0}, 10, Kind::link_local},
    Network6{{0xfec0, 0, 0, 0, 0, 0, 0, 0}, 10, Kind::private_use},
    Network6{{0xff00, 0, 0, 0, 0, 0, 0, 0}, 8, Kind::multicast},
    Network6{{0x0064, 0xff9b, 0x0001, 0, 0, 0, 0, 0}, 48, Kind::not_allocated},
    Network6{{0x2001, 0x0db8, 0, 0, 0, 0, 0, 0}, 32, Kind::not_allocated},
    Network6{{0x2001, 0, 0, 0, 0, 0, 0, 0}, 23, Kind::not_allocated},
    Network6{{0x3fff, 0, 0, 0, 0, 0, 0, 0}, 20, Kind::not_allocated},
};

// Whatever IANA has not given to anybody lies outside 2000::/3.
constexpr Network6 allocated6{{0x2000, 0, 0, 0, 0, 0, 0, 0}, 3, Kind::global};

bool has(const Network6& network, const address_v6::bytes_type& bytes) noexcept {
  for (int bit = 0; bit < network.bits; bit += 8) {
    const auto at = static_cast<std::size_t>(bit) / 8;
    const unsigned base = network.base[at / 2] >> (at % 2 == 0 ? 8 : 0);
    const int rest = std::min(network.bits - bit, 8);
    const unsigned mask = (0xFFU << (8 - rest)) & 0xFFU;
    if (((bytes[at] ^ base) & mask) != 0) {
      return false;
    }
  }
  return true;
}

bool has(const Network4& network, std::uint32_t address) noexcept {
  return ((address ^ network.base) >> (32 - network.bits)) == 0;
}

address_v4 v4_at(const address_v6::bytes_type& bytes, std::size_t at) noexcept {
  return address_v4({bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]});
}

// The IPv4 address that a connection to `bytes` ends at, if there is one.
std::optional<address_v4> carried_by(const address_v6::bytes_type& bytes) noexcept {
  constexpr std::array<std::array<std::uint16_t, 8>, 3> prefixes{{
      {0, 0, 0, 0, 0, 0xffff, 0, 0},       // mapped
      {0, 0, 0, 0, 0, 0, 0, 0},            // compatible
      {0x0064, 0xff9b, 0, 0, 0, 0, 0, 0},  // NAT64
  }};
  constexpr int prefix_bits = 96;
  for (const auto& prefix : prefixes) {
    if (has(Network6{prefix, prefix_bits, Kind::global}, bytes)) {
      return v4_at(bytes, prefix_bits / 8);
    }
  }
  if (has(Network6{{0x2002, 0, 0, 0, 0, 0, 0, 0}, 16, Kind::global}, bytes)) {
    return v4_at(bytes, 2);  // 6to4
  }
  return std::nullopt;
}

Kind kind_of(const address_v4& address) noexcept {
  const auto number = address.to_uint();
  const auto* found =
      std::find_if(networks4.begin(), networks4.end(), [&](const auto& one) { return has(one, number); });
  return found != networks4.end() ? found->kind : Kind::global;
}

Kind kind_of(const address_v6& address) noexcept {
  const auto bytes = address.to_bytes();
  const auto* found =
      std::find_if(networks6.begin(), networks6.end(), [&](const auto& one) { return has(one, bytes); });
  if (found != networks6.end()) {
    return found->kind;
  }
  if (const auto inner = carried_by(bytes)) {
    return kind_of(*inner);
  }
  return has(allocated6, bytes) ? Kind::global : Kind::not_allocated;
}

}  // namespace

AddressKind kind_of(const boost::asio::ip::address& address) noexcept {
  return address.is_v4() ? kind_of(address.to_v4()) : kind_of(address.to_v6());
}

const char* description_of(AddressKind kind) noexcept {
  switch (kind) {
    case Kind::global:
      return "an address of the internet";
    case Kind::loopback:
      return "an address of this machine";
    case Kind::private_use:
      return "an address of a private network";
    case Kind::shared:
      return "an address of a provider's own network";
    case Kind::link_local:
      return "an address of the local link";
    case Kind::metadata:
      return "the address of a cloud's metadata service";
    case Kind::multicast:
      return "an address of many machines";
    case Kind::unspecified:
      return "an address of no certain machine";
    case Kind::not_allocated:
      break;
  }
  return "an address that nobody on the internet has";
}

}  // namespace tern::net
