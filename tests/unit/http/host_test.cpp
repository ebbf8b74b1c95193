#include "http/host.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::http {
namespace {

using Verdict = ServedHosts::Verdict;

TEST(Host, IsANameOrAnAddressWithAPortOrWithout) {
  for (const auto& [text, host] : {std::pair{"a", "a"},
                                   {"a.b-c_d.e", "a.b-c_d.e"},
                                   {"A:80", "A"},
                                   {"a:", "a"},
                                   {"127.0.0.1:3978", "127.0.0.1"},
                                   {"[::1]", "[::1]"},
                                   {"[::1]:65535", "[::1]"},
                                   {"localhost.", "localhost."}}) {
    EXPECT_EQ(host_of(text), host) << text;
  }
}

TEST(Host, IsNothingThatTwoReadersUnderstandDifferently) {
  for (const std::string text : {"",    " ",       ":",    ":80",     "a b",   "a/b",  "u@a",      "a, b",   "a,b",
                                 "a:b", "a:80:80", "a:-1", "a:65536", "a:8 0", "[::1", "::1",      "[::1]x", "[::1%lo]",
                                 "[a]", "a\tb",    "a?b",  "a#b",     "a%41",  "[]",   "http://a", "a\x80",  "*"}) {
    EXPECT_EQ(host_of(text), std::nullopt) << text;
  }
  EXPECT_EQ(host_of(std::string(254, 'a')), std::nullopt);
}

TEST(Host, OfLoopbackIsKnownInAnyCase) {
  for (const char* host : {"localhost", "LocalHost", "localhost.", "bot.localhost", "a.b.LOCALHOST", "127.0.0.1",
                           "127.255.1.2", "[::1]", "[0:0:0:0:0:0:0:1]"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host : {"notlocalhost", "localhost.example.com", "127.1", "0127.0.0.1", "128.0.0.1", "0.0.0.0",
                           "[::2]", "[::ffff:127.0.0.1]", ".localhost", "127.0.0.1.example.com"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(Host, ListsAreOfNames) {
  EXPECT_EQ(parse_host_list(""), std::vector<std::string>());
  EXPECT_EQ(parse_host_list("a.example, *.b.example.,[::2],192.0.2.1"),
            (std::vector<std::string>{"a.example", "*.b.example", "[::2]", "192.0.2.1"}));
  for (const char* text : {",", ",a", "a b", "a:80", "*", "*.", "http://a", "a,,b", "*.[::1]", "a*"}) {
    EXPECT_EQ(parse_host_list(text), std::nullopt) << text;
  }
}

TEST(ServedHosts, AreAllUnlessToldOtherwise) {
  ServedHosts hosts;
  EXPECT_EQ(hosts.judge("example.com:80"), Verdict::served);
  EXPECT_EQ(hosts.judge("a b"), Verdict::malformed);
  EXPECT_EQ(hosts.judge(""), Verdict::malformed);
}

TEST(ServedHosts, OfAListenerOfThisMachineAreItsNamesAndThoseListed) {
  auto hosts = ServedHosts::loopback_and({"bot.example", "*.tunnel.example"});
  for (int i = 0; i < 2; ++i) {  // the second time one may be remembered
    for (const char* host : {"localhost:3978", "127.0.0.1", "[::1]:1", "BOT.example.", "bot.example:443",
                             "a.tunnel.example", "a.b.Tunnel.Example:8"}) {
      EXPECT_EQ(hosts.judge(host), Verdict::served) << host;
    }
    for (const char* host : {"evil.example", "tunnel.example", "xtunnel.example", "a.bot.example", "192.0.2.1", "[::2]",
                             "0.0.0.0:3978", "localhost.evil.example"}) {
      EXPECT_EQ(hosts.judge(host), Verdict::other) << host;
    }
  }
}

TEST(ServedHosts, OfAListIncludeAddressesWhereOthersReachTheListener) {
  auto hosts = ServedHosts::addresses_and({"bot.example"});
  for (const char* host : {"bot.example", "10.0.0.7:3978", "[2001:db8::1]", "localhost"}) {
    EXPECT_EQ(hosts.judge(host), Verdict::served) << host;
  }
  EXPECT_EQ(hosts.judge("evil.example"), Verdict::other);
}

}  // namespace
}  // namespace tern::http
