// Who the client behind proxies is.
#include "http/forwarded.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace tern::http {
namespace {

std::string shown(const std::optional<asio::ip::address>& address) {
  return address ? address->to_string() : "-";
}

std::string node(std::string_view text) {
  const auto parsed = parse_forwarded_node(text);
  return parsed ? shown(*parsed) : "malformed";
}

std::string nodes(std::string_view text) {
  const auto parsed = parse_forwarded(text);
  if (!parsed) {
    return "malformed";
  }
  std::string all;
  for (const auto& each : *parsed) {
    all += (all.empty() ? "" : " ") + shown(each);
  }
  return all;
}

TEST(ForwardedNodeTest, IsAnAddressWithAPortOrWithout) {
  EXPECT_EQ(node("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(node("192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(node("192.0.2.1:_p-1.x"), "192.0.2.1");
  EXPECT_EQ(node("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(node("[2001:DB8::1]"), "2001:db8::1");
  EXPECT_EQ(node("[2001:db8::1]:65535"), "2001:db8::1");
  EXPECT_EQ(node("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(node("[::ffff:192.0.2.1]:1"), "192.0.2.1");
}

TEST(ForwardedNodeTest, MayHideItsAddress) {
  for (const char* text : {"unknown", "Unknown", "unknown:80", "_hidden", "_SEVKISEK", "_a.b-c:_port"}) {
    EXPECT_EQ(node(text), "-") << text;
  }
}

TEST(ForwardedNodeTest, IsNothingElse) {
  for (const char* text : {"",
                           " ",
                           "_",
                           "bot.example",
                           "192.0.2",
                           "192.0.2.256",
                           "192.0.2.1:",
                           "192.0.2.1:123456",
                           "192.0.2.1:x",
                           "192.0.2.1 ",
                           "[192.0.2.1]",
                           "[2001:db8::1",
                           "[2001:db8::1]x",
                           "[2001:db8::1]:",
                           "[]",
                           "2001:db8::1:99999",
                           "fe80::1%eth0",
                           "[fe80::1%2]",
                           "0x7f.1",
                           "unknown:",
                           "_a b"}) {
    EXPECT_EQ(node(text), "malformed") << text;
  }
}

// RFC 7239, 4 and 7.1, has most of these.
TEST(ForwardedTest, NamesTheNodesFromTheLeft) {
  EXPECT_EQ(nodes(""), "");
  EXPECT_EQ(nodes("for=192.0.2.43"), "192.0.2.43");
  EXPECT_EQ(nodes("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
  EXPECT_EQ(nodes("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
  EXPECT_EQ(nodes("for=192.0.2.43, for=198.51.100.17"), "192.0.2.43 198.51.100.17");
  EXPECT_EQ(nodes("for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown"), "192.0.2.43 2001:db8:cafe::17 -");
  EXPECT_EQ(nodes("for=_hidden, for=_SEVKISEK"), "- -");
  EXPECT_EQ(nodes("by=203.0.113.43;proto=https"), "-");
  EXPECT_EQ(nodes("for=192.0.2.1; proto=https ,, for=192.0.2.2;"), "192.0.2.1 192.0.2.2");
  EXPECT_EQ(nodes("for=192.0.2.1;host=\"a,b;c=\\\"d\\\"\",for=192.0.2.2"), "192.0.2.1 192.0.2.2");
  EXPECT_EQ(nodes("for=\"\\192.0.2.1\";x-own=1"), "192.0.2.1");
}

TEST(ForwardedTest, IsMalformedAsAWhole) {
  for (const char* text : {"for", "for=", "=192.0.2.1", "for=192.0.2.1;for=192.0.2.2", "for=192.0.2.1;FOR=192.0.2.1",
                           "for=192.0.2.1:80", "for=[2001:db8::1]", "for=\"2001:db8::1\"", "for=\"192.0.2.1",
                           "for=\"192.0.2.1\\", "for=192.0.2.1 for=192.0.2.2", "for =192.0.2.1", "for= 192.0.2.1",
                           "for=192.0.2.1;\"", "for=bot.example", "for=192.0.2.1\x01"}) {
    EXPECT_EQ(nodes(text), "malformed") << text;
  }
  std::string many;
  for (int i = 0; i < 17; ++i) {
    many += "p" + std::to_string(i) + "=1;";
  }
  EXPECT_EQ(nodes(many), "malformed");
}

Hop hop(const std::string& text) {
  return text == "unix" ? Hop() : Hop(asio::ip::make_address(text));
}

TEST(TrustedProxiesTest, AreAddressesAndNetworks) {
  const auto proxies = TrustedProxies::parse("10.0.0.0/8, 192.0.2.7,2001:db8:1::/48 , ::1");
  ASSERT_TRUE(proxies);
  EXPECT_FALSE(proxies->empty());
  for (const char* text : {"10.0.0.1", "10.255.255.255", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8:1:ffff::9", "::1"}) {
    EXPECT_TRUE(proxies->trusts(hop(text))) << text;
  }
  for (const char* text : {"9.255.255.255", "11.0.0.0", "192.0.2.8", "2001:db8:2::1", "::2", "::a00:1", "unix"}) {
    EXPECT_FALSE(proxies->trusts(hop(text))) << text;
  }
  EXPECT_TRUE(TrustedProxies::parse("unix")->trusts(hop("unix")));
  EXPECT_FALSE(TrustedProxies::parse("unix")->trusts(hop("127.0.0.1")));
  EXPECT_TRUE(TrustedProxies::parse("")->empty());
  EXPECT_TRUE(TrustedProxies::parse("0.0.0.0/0")->trusts(hop("203.0.113.9")));
  EXPECT_FALSE(TrustedProxies::parse("0.0.0.0/0")->trusts(hop("2001:db8::1")));
  EXPECT_TRUE(TrustedProxies::parse("10.9.8.7/12")->trusts(hop("10.0.0.1")))
      << "the bits behind the prefix are ignored";
  EXPECT_FALSE(TrustedProxies::parse("10.9.8.7/12")->trusts(hop("10.16.0.1")));
  EXPECT_TRUE(TrustedProxies::parse("::ffff:10.0.0.1")->trusts(hop("10.0.0.1")));
  EXPECT_TRUE(TrustedProxies::parse("::ffff:10.0.0.0/104")->trusts(hop("10.1.2.3")));
  EXPECT_FALSE(TrustedProxies::parse("::ffff:10.0.0.0/104")->trusts(hop("11.1.2.3")));
  EXPECT_FALSE(TrustedProxies::parse("::ffff:10.0.0.0/95")) << "it would be more than IPv4";
}

TEST(TrustedProxiesTest, AreNothingElse) {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/8/8", "::/129", "proxy.example",
                           "10.0.0", "10.0.0.1,,10.0.0.2", ",", "fe80::1%eth0", "10.0.0.1:80", "-1", "10.0.0.0/-1"}) {
    EXPECT_FALSE(TrustedProxies::parse(text)) << text;
  }
}

struct Case {
  const char* peer;
  const char* forwarded;
  const char* x_forwarded_for;
  const char* client;
  const char* why;
};

TEST(ClientBehindProxies, IsTheRightmostThatIsNotTrusted) {
  const auto proxies = TrustedProxies::parse("10.0.0.0/8,2001:db8:f::/48,unix").value();
  const Case cases[] = {
      {"203.0.113.5", "for=192.0.2.1", "192.0.2.1", "203.0.113.5", "a stranger is not believed"},
      {"10.0.0.1", "", "", "10.0.0.1", "the proxy says nothing"},
      {"10.0.0.1", "", "192.0.2.1", "192.0.2.1", "one proxy"},
      {"10.0.0.1", "for=192.0.2.1", "", "192.0.2.1", "one proxy"},
      {"unix", "", "192.0.2.1", "192.0.2.1", "a proxy on a Unix socket"},
      {"10.0.0.1", "", "192.0.2.1, 10.0.0.2", "192.0.2.1", "two proxies"},
      {"10.0.0.1", "for=192.0.2.1, for=10.0.0.2", "", "192.0.2.1", "two proxies"},
      {"10.0.0.1", "", "6.6.6.6, 192.0.2.1", "192.0.2.1", "what the client has said itself"},
      {"10.0.0.1", "for=6.6.6.6,for=192.0.2.1", "", "192.0.2.1", "what the client has said itself"},
      {"10.0.0.1", "", "10.0.0.9, 192.0.2.1, 10.0.0.2", "192.0.2.1", "a client that claims to be a proxy"},
      {"10.0.0.1", "", "nonsense, 192.0.2.1", "192.0.2.1", "nonsense of the client"},
      {"10.0.0.1", "", "\", 192.0.2.1", "192.0.2.1", "nonsense of the client"},
      {"10.0.0.1", "", "192.0.2.1, nonsense", "10.0.0.1", "nonsense where the proxy writes"},
      {"10.0.0.1", "", "192.0.2.1, nonsense, 10.0.0.2", "10.0.0.2", "nonsense behind a proxy"},
      {"10.0.0.1", "for=\"6.6.6.6, for=192.0.2.1", "", "10.0.0.1", "a quote without an end hides what follows"},
      {"10.0.0.1", "", "10.0.0.3, 10.0.0.2", "10.0.0.3", "all are trusted"},
      {"10.0.0.1", "for=10.0.0.3;by=_x, for=10.0.0.2", "", "10.0.0.3", "all are trusted"},
      {"10.0.0.1", "for=192.0.2.1, for=unknown", "", "10.0.0.1", "the proxy does not know"},
      {"10.0.0.1", "for=unknown, for=10.0.0.2", "", "10.0.0.2", "the proxy before does not know"},
      {"10.0.0.1", "for=192.0.2.1, proto=https", "", "10.0.0.1", "the proxy does not say"},
      {"10.0.0.1", "", "192.0.2.1, unknown", "10.0.0.1", "the proxy does not know"},
      {"10.0.0.1", "", "192.0.2.1:9999", "192.0.2.1", "with a port, as some write it"},
      {"10.0.0.1", "", "[2001:db8::1]:9999", "2001:db8::1", "with a port, as some write it"},
      {"2001:db8:f::1", "for=\"[2001:db8::1]\"", "", "2001:db8::1", "IPv6"},
      {"::ffff:10.0.0.1", "", "::ffff:192.0.2.1", "192.0.2.1", "IPv4 by IPv6"},
      {"10.0.0.1", "", " , 192.0.2.1 , ", "192.0.2.1", "empty entries"},
      {"10.0.0.1", "", ",", "10.0.0.1", "empty entries alone"},
      {"10.0.0.1", "for=192.0.2.1", "192.0.2.1", "192.0.2.1", "both headers, which agree"},
      {"10.0.0.1", "for=6.6.6.6", "192.0.2.1", "10.0.0.1", "one of the headers is the client's own"},
      {"10.0.0.1", "nonsense", "192.0.2.1", "10.0.0.1", "one of the headers is the client's own"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(shown(client_of(hop(each.peer), {each.forwarded, each.x_forwarded_for}, proxies)), each.client)
        << each.why << ": " << each.forwarded << " | " << each.x_forwarded_for;
  }
}

}  // namespace
}  // namespace tern::http
