#include "http/client_group.hpp"

#include <gtest/gtest.h>

namespace tern::http {
namespace {

TEST(ClientGroup, IsTheAddressOrTheNetworkOfIpv6) {
  EXPECT_EQ(client_group("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client_group("2001:db8:0:1::7"), "2001:db8:0:1::/64");
  EXPECT_EQ(client_group("2001:db8:0:1:ffff:ffff:ffff:ffff"), client_group("2001:db8:0:1::"));
  EXPECT_NE(client_group("2001:db8:0:2::"), client_group("2001:db8:0:1::"));
  EXPECT_EQ(client_group("fe80::1%1"), "fe80::/64");
  EXPECT_EQ(client_group("::1"), "::1");
  EXPECT_EQ(client_group("unix"), "unix");
  EXPECT_EQ(client_group("a:b"), "a:b");
  EXPECT_EQ(client_group(""), "");
}

}  // namespace
}  // namespace tern::http
