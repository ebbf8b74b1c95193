#include "net/proxies.hpp"

#include <tern/error.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

namespace tern::net {
namespace {

using Values = std::map<std::string, std::string>;

Proxies proxies(const Values& values) {
  return Proxies([&values](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  });
}

/// Of a URL with this text, which outlives the origin.
Origin origin_at(std::string_view url) {
  Origin origin;
  std::string_view rest;
  EXPECT_EQ(parse_origin(url, origin, rest), nullptr) << url;
  return origin;
}

std::string way_to(const std::string& url, const Values& values) {
  const Proxies all = proxies(values);
  const Proxy* proxy = all.for_request_to(origin_at(url));
  return proxy != nullptr ? proxy->origin : "straight";
}

TEST(ProxiesTest, EachSchemeHasItsOwn) {
  const Values values{{"https_proxy", "http://secure.test:3128"}, {"http_proxy", "plain.test:8080/"}};
  EXPECT_EQ(way_to("https://api.example/", values), "http://secure.test:3128");
  EXPECT_EQ(way_to("http://api.example/", values), "http://plain.test:8080");
  EXPECT_EQ(way_to("https://api.example/", {{"HTTPS_PROXY", "http://upper.test:1"}}), "http://upper.test:1");
  EXPECT_EQ(way_to("https://api.example/", {{"HTTPS_PROXY", "http://upper.test:1"}, {"https_proxy", "lower.test:2"}}),
            "http://lower.test:2");
  EXPECT_EQ(way_to("https://api.example/", {{"HTTPS_PROXY", "http://upper.test:1"}, {"https_proxy", ""}}), "straight");
  EXPECT_EQ(way_to("https://api.example/", {}), "straight");
}

// A client of a CGI program sets HTTP_PROXY with a header (httpoxy).
TEST(ProxiesTest, TheUpperCaseNameForHttpIsNotRead) {
  EXPECT_EQ(way_to("http://api.example/", {{"HTTP_PROXY", "http://evil.test:1"}}), "straight");
}

TEST(ProxiesTest, ThisMachineIsNeverReachedThroughOne) {
  const Values values{{"http_proxy", "http://proxy.test:1"}};
  for (const char* url : {"http://localhost:3978/", "http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]/"}) {
    EXPECT_EQ(way_to(url, values), "straight") << url;
  }
}

TEST(ProxiesTest, NoProxyNamesHostsNamesBelowThemAddressesAndRanges) {
  const auto excepted = [](const std::string& list, const std::string& host) {
    return way_to("http://" + host + "/", {{"http_proxy", "http://proxy.test:1"}, {"no_proxy", list}}) == "straight";
  };
  EXPECT_TRUE(excepted("*", "api.example"));
  EXPECT_TRUE(excepted("a.test, api.EXAMPLE", "Api.example"));
  EXPECT_TRUE(excepted("example", "api.example"));
  EXPECT_TRUE(excepted(".example", "api.example"));
  EXPECT_TRUE(excepted("*.example", "a.api.example"));
  EXPECT_FALSE(excepted("api.example", "example"));
  EXPECT_FALSE(excepted("example", "counterexample"));
  EXPECT_TRUE(excepted("api.example:8080", "api.example:8080"));
  EXPECT_FALSE(excepted("api.example:8080", "api.example"));
  EXPECT_TRUE(excepted("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(excepted("192.0.2.1", "192.0.2.10"));
  EXPECT_TRUE(excepted("192.0.2.0/24", "192.0.2.10"));
  EXPECT_TRUE(excepted("10.0.0.0/9", "10.127.0.1"));
  EXPECT_FALSE(excepted("10.0.0.0/9", "10.128.0.1"));
  EXPECT_FALSE(excepted("10.0.0.0/8", "ten.example"));
  EXPECT_TRUE(excepted("2001:db8::/32", "[2001:db8::1]"));
  EXPECT_TRUE(excepted("[2001:db8::1]:8080", "[2001:db8::1]:8080"));
  EXPECT_FALSE(excepted("2001:db8::/32", "[2001:db9::1]"));
  EXPECT_TRUE(excepted("api.example", "api.example."));
  EXPECT_TRUE(excepted("api.example.", "api.example"));
  EXPECT_TRUE(excepted(".example.", "api.example."));
  EXPECT_TRUE(excepted("api.example.:8080", "api.example:8080"));
  EXPECT_FALSE(excepted("", "api.example"));
  EXPECT_FALSE(excepted(", ,/8,10.0.0.0/99,api.example:x,.", "api.example"));
}

TEST(ProxiesTest, UserAndPasswordBecomeAnAuthorization) {
  const Proxies all = proxies({{"https_proxy", "http://Aladdin:open%20sesame@proxy.test:1"}});
  EXPECT_EQ(all.for_request_to(origin_at("https://api.example/"))->authorization,
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // the example of RFC 7617
}

TEST(ProxiesTest, AnUnusableUrlIsRefusedWithoutItsPassword) {
  for (const char* url : {"socks5://user:secret@proxy.test:1", "https://user:secret@proxy.test", "http://u:secret@",
                          "http://u:secret@proxy.test:x", "http://u:secret@proxy.test/path", "secret word"}) {
    try {
      proxies({{"HTTPS_PROXY", url}});
      ADD_FAILURE() << url;
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), errc::invalid_argument);
      EXPECT_NE(std::string(error.what()).find("HTTPS_PROXY"), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
    }
  }
}

TEST(ProxiesTest, ATunnelNamesHostAndPortAndTheProxyGetsTheConnection) {
  HostSpec spec{"https://[2001:db8::1]:443", "[2001:db8::1]", "2001:db8::1", 443, {}, {}};
  lead_through({"http://proxy.test:3128", "proxy.test", 3128, ""}, "agent", spec);
  EXPECT_EQ(spec.peer.tunnel,
            "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\nUser-Agent: agent\r\n\r\n");
  EXPECT_EQ(spec.name, "proxy.test");
  EXPECT_EQ(spec.port, 3128);
  EXPECT_EQ(spec.proxy, "http://proxy.test:3128");
  EXPECT_EQ(spec.header, "[2001:db8::1]") << "the request is to the host";
}

}  // namespace
}  // namespace tern::net
