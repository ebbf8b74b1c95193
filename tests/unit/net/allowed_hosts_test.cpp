#include "net/allowed_hosts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tern::net {
namespace {

using Verdict = AllowedHosts::Verdict;

AllowedHosts listed(std::string_view list) {
  auto hosts = AllowedHosts::parse(list);
  EXPECT_TRUE(hosts) << list;
  return hosts ? std::move(*hosts) : AllowedHosts();
}

Origin origin_in(const std::string& url) {
  Origin origin;
  std::string_view rest;
  EXPECT_EQ(parse_origin(url, origin, rest), nullptr) << url;
  return origin;
}

Verdict judged(const AllowedHosts& hosts, const std::string& url) {
  return hosts.judge(origin_in(url));
}

bool connects(const AllowedHosts& hosts, std::string_view name, const char* address, std::uint16_t port = 443) {
  return hosts.may_connect(name, {boost::asio::ip::make_address(address), port});
}

TEST(AllowedHosts, NoneAreAllowedByAnEmptyList) {
  for (const char* list : {"", "  "}) {
    EXPECT_EQ(judged(listed(list), "https://channel.example"), Verdict::unknown);
    EXPECT_EQ(judged(listed(list), "https://localhost"), Verdict::unknown);
  }
}

TEST(AllowedHosts, ANameAllowsThatNameAlone) {
  const auto hosts = listed("Channel.example, other.example");
  EXPECT_EQ(judged(hosts, "https://channel.EXAMPLE/path"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://channel.example:8443"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://other.example"), Verdict::allowed);
  for (const char* url : {"https://a.channel.example", "https://channel.example.evil", "https://evilchannel.example",
                          "https://example", "https://channel.example.", "https://channel.exampl"}) {
    EXPECT_EQ(judged(hosts, url), Verdict::unknown) << url;
  }
}

TEST(AllowedHosts, APatternAllowsTheNamesBelowIt) {
  const auto hosts = listed("*.example.com");
  EXPECT_EQ(judged(hosts, "https://a.example.com"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://a.B.Example.com"), Verdict::allowed);
  for (const char* url : {"https://example.com", "https://aexample.com", "https://a.example.com.evil",
                          "https://a.example.co", "https://10.0.0.1"}) {
    EXPECT_EQ(judged(hosts, url), Verdict::unknown) << url;
  }
}

TEST(AllowedHosts, APortAllowsThatPortAlone) {
  const auto hosts = listed("a.example:8443,[::1]:3978,10.0.0.1:1");
  EXPECT_EQ(judged(hosts, "https://a.example:8443"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://a.example"), Verdict::unknown);
  EXPECT_EQ(judged(hosts, "https://[::1]:3978"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://[0:0::1]:3978"), Verdict::allowed) << "the same address in other words";
  EXPECT_EQ(judged(hosts, "https://[::1]"), Verdict::unknown);
  EXPECT_EQ(judged(hosts, "https://10.0.0.1:1"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://10.0.0.1:2"), Verdict::unknown);
}

TEST(AllowedHosts, PlainHttpHasToBeWrittenAndNeverCarriesAToken) {
  const auto hosts = listed("a.example,http://b.example,https://c.example,http://*.below.example");
  EXPECT_EQ(judged(hosts, "http://a.example"), Verdict::https_only);
  EXPECT_EQ(judged(hosts, "http://b.example"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://b.example"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "http://c.example"), Verdict::https_only);
  EXPECT_EQ(judged(hosts, "http://x.below.example"), Verdict::allowed);
  EXPECT_TRUE(hosts.allows_token(origin_in("https://b.example")));
  EXPECT_FALSE(hosts.allows_token(origin_in("http://b.example")));
  EXPECT_FALSE(hosts.allows_token(origin_in("https://d.example")));
}

TEST(AllowedHosts, WhatIsNoHostIsRefused) {
  for (const char* list : {"*",
                           "*.",
                           "*.*",
                           ",",
                           "a,",
                           ",a",
                           "a,,b",
                           "a b",
                           "a.example/path",
                           "https://a.example/",
                           "ftp://a",
                           "a:0",
                           "a:65536",
                           "a:",
                           "a:b",
                           "::1",
                           "[::1",
                           "[::1]x",
                           "[fe80::1%eth0]",
                           "a@b",
                           "a.",
                           ".a",
                           "a..b",
                           "*.10.0.0.1",
                           "127.1",
                           "1",
                           "2130706433",
                           "0x7f.0.0.1",
                           "a.0x1",
                           "10.0.0.256",
                           "010.0.0.1",
                           "0.0.0.0",
                           "[::]",
                           "[::ffff:0.0.0.0]",
                           "http://",
                           "http://http://a",
                           "a*.example",
                           "a.*.example"}) {
    EXPECT_FALSE(AllowedHosts::parse(list)) << list;
  }
}

TEST(AllowedHosts, APublicHostIsServedOverHttpsAlone) {
  AllowedHosts hosts;
  hosts.add_public("*.example.com");
  hosts.add_public("one.example");
  EXPECT_EQ(judged(hosts, "https://a.example.com"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "http://a.example.com"), Verdict::https_only);
  EXPECT_EQ(judged(hosts, "https://one.example"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://two.example"), Verdict::unknown);
}

TEST(AllowedHosts, AnyHostMayHaveAnAddressOfTheInternet) {
  AllowedHosts hosts = listed("*.pattern.example,full.example");
  hosts.add_public("public.example");
  for (const char* name : {"a.pattern.example", "full.example", "public.example"}) {
    EXPECT_TRUE(connects(hosts, name, "8.8.8.8")) << name;
    EXPECT_TRUE(connects(hosts, name, "2606:4700::1111")) << name;
    EXPECT_TRUE(connects(hosts, name, "64:ff9b::808:808")) << name;
  }
}

TEST(AllowedHosts, OnlyAHostThatIsNamedInFullMayBeInsideThisNetwork) {
  AllowedHosts hosts = listed("*.pattern.example,full.example,port.example:8443");
  hosts.add_public("public.example");
  for (const char* address : {"127.0.0.1", "::1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fc00::1",
                              "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"}) {
    EXPECT_TRUE(connects(hosts, "full.example", address)) << address;
    EXPECT_FALSE(connects(hosts, "a.pattern.example", address)) << address;
    EXPECT_FALSE(connects(hosts, "public.example", address)) << address;
    EXPECT_TRUE(connects(hosts, "port.example", address, 8443)) << address;
    EXPECT_FALSE(connects(hosts, "port.example", address, 443)) << address;
  }
}

TEST(AllowedHosts, NoNameMayLeadToWhatIsNoServer) {
  const auto hosts = listed("full.example");
  for (const char* address :
       {"169.254.169.254", "fd00:ec2::254", "169.254.1.1", "fe80::1", "224.0.0.1", "ff02::1", "255.255.255.255",
        "0.0.0.0", "::", "192.0.2.1", "240.0.0.1", "2001:db8::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"}) {
    EXPECT_FALSE(connects(hosts, "full.example", address)) << address;
  }
}

TEST(AllowedHosts, AnAddressThatIsNamedMayBeUsedByEveryHost) {
  const auto hosts = listed("*.pattern.example,10.0.0.1,[fd00::1]:8443,169.254.169.254");
  EXPECT_TRUE(connects(hosts, "10.0.0.1", "10.0.0.1"));
  EXPECT_TRUE(connects(hosts, "a.pattern.example", "10.0.0.1"));
  EXPECT_FALSE(connects(hosts, "a.pattern.example", "10.0.0.2"));
  EXPECT_TRUE(connects(hosts, "a.pattern.example", "fd00::1", 8443));
  EXPECT_FALSE(connects(hosts, "a.pattern.example", "fd00::1", 443));
  EXPECT_TRUE(connects(hosts, "169.254.169.254", "169.254.169.254"));
  EXPECT_EQ(judged(hosts, "https://10.0.0.1"), Verdict::allowed);
  EXPECT_EQ(judged(hosts, "https://[::ffff:10.0.0.1]"), Verdict::unknown) << "another spelling of a host";
}

}  // namespace
}  // namespace tern::net
