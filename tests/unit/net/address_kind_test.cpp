#include "net/address_kind.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::net {
namespace {

using Kind = AddressKind;

struct Case {
  const char* address;
  Kind kind;
};

Kind kind_at(const char* text) {
  return kind_of(boost::asio::ip::make_address(text));
}

// The first and the last address of each network, and their neighbours outside it.
TEST(AddressKinds, OfIpv4EndAtTheEdgesOfTheirNetworks) {
  for (const auto& [address, kind] : {
           Case{"0.0.0.0", Kind::unspecified},
           Case{"0.255.255.255", Kind::unspecified},
           Case{"1.0.0.0", Kind::global},
           Case{"9.255.255.255", Kind::global},
           Case{"10.0.0.0", Kind::private_use},
           Case{"10.255.255.255", Kind::private_use},
           Case{"11.0.0.0", Kind::global},
           Case{"100.63.255.255", Kind::global},
           Case{"100.64.0.0", Kind::shared},
           Case{"100.127.255.255", Kind::shared},
           Case{"100.128.0.0", Kind::global},
           Case{"126.255.255.255", Kind::global},
           Case{"127.0.0.0", Kind::loopback},
           Case{"127.255.255.255", Kind::loopback},
           Case{"128.0.0.0", Kind::global},
           Case{"169.253.255.255", Kind::global},
           Case{"169.254.0.0", Kind::link_local},
           Case{"169.254.255.255", Kind::link_local},
           Case{"169.255.0.0", Kind::global},
           Case{"172.15.255.255", Kind::global},
           Case{"172.16.0.0", Kind::private_use},
           Case{"172.31.255.255", Kind::private_use},
           Case{"172.32.0.0", Kind::global},
           Case{"191.255.255.255", Kind::global},
           Case{"192.0.0.0", Kind::not_allocated},
           Case{"192.0.0.255", Kind::not_allocated},
           Case{"192.0.1.0", Kind::global},
           Case{"192.0.1.255", Kind::global},
           Case{"192.0.2.0", Kind::not_allocated},
           Case{"192.0.2.255", Kind::not_allocated},
           Case{"192.0.3.0", Kind::global},
           Case{"192.88.98.255", Kind::global},
           Case{"192.88.99.0", Kind::not_allocated},
           Case{"192.88.99.255", Kind::not_allocated},
           Case{"192.88.100.0", Kind::global},
           Case{"192.167.255.255", Kind::global},
           Case{"192.168.0.0", Kind::private_use},
           Case{"192.168.255.255", Kind::private_use},
           Case{"192.169.0.0", Kind::global},
           Case{"198.17.255.255", Kind::global},
           Case{"198.18.0.0", Kind::not_allocated},
           Case{"198.19.255.255", Kind::not_allocated},
           Case{"198.20.0.0", Kind::global},
           Case{"198.51.99.255", Kind::global},
           Case{"198.51.100.0", Kind::not_allocated},
           Case{"198.51.100.255", Kind::not_allocated},
           Case{"198.51.101.0", Kind::global},
           Case{"203.0.112.255", Kind::global},
           Case{"203.0.113.0", Kind::not_allocated},
           Case{"203.0.113.255", Kind::not_allocated},
           Case{"203.0.114.0", Kind::global},
           Case{"223.255.255.255", Kind::global},
           Case{"224.0.0.0", Kind::multicast},
           Case{"239.255.255.255", Kind::multicast},
           Case{"240.0.0.0", Kind::not_allocated},
           Case{"255.255.255.254", Kind::not_allocated},
           Case{"255.255.255.255", Kind::multicast},
       }) {
    EXPECT_EQ(kind_at(address), kind) << address;
  }
}

TEST(AddressKinds, OfIpv6EndAtTheEdgesOfTheirNetworks) {
  for (const auto& [address, kind] : {
           Case{"::", Kind::unspecified},
           Case{"::1", Kind::loopback},
           Case{"100::", Kind::not_allocated},
           Case{"1fff:ffff::1", Kind::not_allocated},
           Case{"2000::", Kind::global},
           Case{"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::global},
           Case{"2001::", Kind::not_allocated},
           Case{"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::not_allocated},
           Case{"2001:200::", Kind::global},
           Case{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", Kind::global},
           Case{"2001:db8::", Kind::not_allocated},
           Case{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Kind::not_allocated},
           Case{"2001:db9::", Kind::global},
           Case{"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::global},
           Case{"3fff::", Kind::not_allocated},
           Case{"3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::not_allocated},
           Case{"3fff:1000::", Kind::global},
           Case{"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::global},
           Case{"4000::", Kind::not_allocated},
           Case{"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::not_allocated},
           Case{"fc00::", Kind::private_use},
           Case{"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::private_use},
           Case{"fe00::", Kind::not_allocated},
           Case{"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::not_allocated},
           Case{"fe80::", Kind::link_local},
           Case{"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::link_local},
           Case{"fec0::", Kind::private_use},
           Case{"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::private_use},
           Case{"ff00::", Kind::multicast},
           Case{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Kind::multicast},
       }) {
    EXPECT_EQ(kind_at(address), kind) << address;
  }
}

TEST(AddressKinds, ServicesThatHandOutCredentialsAreKnown) {
  for (const char* address :
       {"169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",
        "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "::ffff:169.254.169.254"}) {
    EXPECT_EQ(kind_at(address), Kind::metadata) << address;
  }
  EXPECT_EQ(kind_at("169.254.169.253"), Kind::link_local);
  EXPECT_EQ(kind_at("168.63.129.15"), Kind::global);
  EXPECT_EQ(kind_at("fd00:ec2::255"), Kind::private_use);
}

TEST(AddressKinds, AnIpv4AddressInsideAnIpv6AddressCounts) {
  for (const char* prefix : {"::ffff:", "::", "64:ff9b::"}) {
    for (const auto& [inner, kind] :
         {Case{"10.0.0.1", Kind::private_use}, Case{"127.0.0.1", Kind::loopback}, Case{"100.64.0.1", Kind::shared},
          Case{"169.254.1.1", Kind::link_local}, Case{"0.0.0.2", Kind::unspecified}, Case{"8.8.8.8", Kind::global},
          Case{"224.0.0.1", Kind::multicast}}) {
      const auto text = std::string(prefix) + inner;
      EXPECT_EQ(kind_at(text.c_str()), kind) << text;
    }
  }
  EXPECT_EQ(kind_at("2002:0a00:0001::1"), Kind::private_use) << "6to4";
  EXPECT_EQ(kind_at("2002:0808:0808::1"), Kind::global);
}

TEST(AddressKinds, NetworksOfTranslatorsThatDoNotSayWhereTheAddressIsMayHoldAny) {
  EXPECT_EQ(kind_at("64:ff9b:1::"), Kind::not_allocated);
  EXPECT_EQ(kind_at("64:ff9b:1:ffff:ffff:ffff:808:808"), Kind::not_allocated);
  EXPECT_EQ(kind_at("64:ff9b:2::808:808"), Kind::not_allocated);
  EXPECT_EQ(kind_at("64:ff9b:0:0:0:1:808:808"), Kind::not_allocated);
}

TEST(AddressKinds, EachHasItsWords) {
  for (const auto kind : {Kind::global, Kind::loopback, Kind::private_use, Kind::shared, Kind::link_local,
                          Kind::metadata, Kind::multicast, Kind::unspecified, Kind::not_allocated}) {
    for (const auto other : {Kind::global, Kind::loopback, Kind::private_use, Kind::shared, Kind::link_local,
                             Kind::metadata, Kind::multicast, Kind::unspecified, Kind::not_allocated}) {
      EXPECT_EQ(kind == other, std::string(description_of(kind)) == description_of(other));
    }
  }
}

}  // namespace
}  // namespace tern::net
