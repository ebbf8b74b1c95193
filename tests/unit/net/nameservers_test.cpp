#include "net/nameservers.hpp"

#include <boost/asio/ip/address.hpp>

#include <gtest/gtest.h>

namespace tern::net {
namespace {

asio::ip::udp::endpoint server(const char* address, std::uint16_t port) {
  return {asio::ip::make_address(address), port};
}

TEST(Nameservers, AreAddressesWithAPortOrWithout) {
  const auto servers = parse_nameservers("192.0.2.53, 192.0.2.54:5353,2001:db8::53,[2001:db8::54],[2001:db8::55]:5353");
  ASSERT_TRUE(servers);
  ASSERT_EQ(servers->size(), 5U);
  EXPECT_EQ((*servers)[0], server("192.0.2.53", 53));
  EXPECT_EQ((*servers)[1], server("192.0.2.54", 5353));
  EXPECT_EQ((*servers)[2], server("2001:db8::53", 53));
  EXPECT_EQ((*servers)[3], server("2001:db8::54", 53));
  EXPECT_EQ((*servers)[4], server("2001:db8::55", 5353));
}

TEST(Nameservers, EmptyTextIsNone) {
  EXPECT_TRUE(parse_nameservers("").value().empty());
  EXPECT_TRUE(parse_nameservers("  ").value().empty());
}

TEST(Nameservers, AnythingElseIsRefused) {
  for (const char* wrong : {"dns.example", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.53:53x",
                            "192.0.2.53,", ",192.0.2.53", "192.0.2.53,,192.0.2.54", "192.0.2.53 192.0.2.54",
                            "[2001:db8::53", "[2001:db8::53]53", "[]:53", "2001:db8::53]", "fe80::1%eth0", ":53"}) {
    EXPECT_FALSE(parse_nameservers(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace tern::net
