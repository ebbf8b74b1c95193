#include "schema/service_url.hpp"

#include <boost/url/parse.hpp>

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace {

using tern::detail::is_plain_service_url;
using tern::detail::is_service_url;

TEST(ServiceUrl, AcceptsAbsoluteHttpUrls) {
  for (const char* url : {"http://localhost:9999", "https://smba.trafficmanager.net/teams/",
                          "https://smba.trafficmanager.net/amer/0a1b-2c/", "http://localhost:56160/_connector",
                          "HTTPS://Example.org", "http://[::1]:3978/api", "http://127.0.0.1", "http://host:65535",
                          "https://host/a%20b", "https://host:/", "https://host?x=1", "https://user@host/"}) {
    EXPECT_TRUE(is_service_url(url)) << url;
  }
}

TEST(ServiceUrl, OfAChannelInTheProcessHasOneSpelling) {
  using tern::detail::is_channel_address;
  for (const char* address : {"urn:tern:direct-line", "urn:my-company:sms", "urn:a:b:c:d", "urn:a.b:c_d", "urn:1:2"}) {
    EXPECT_TRUE(is_channel_address(address)) << address;
    EXPECT_FALSE(is_service_url(address)) << "nothing that comes over HTTP has it";
  }
  for (const char* address :
       {"", "urn", "urn:", "urn:a", "urn:a:", "urn::a", "urn:a::b", "URN:a:b", "urn:A:b", "urn:a:b ", " urn:a:b",
        "urn:a:b/c", "urn:a:b?c", "urn:a:%62", "urn:a:b#c", "http://urn:1"}) {
    EXPECT_FALSE(is_channel_address(address)) << address;
  }
  EXPECT_FALSE(is_channel_address("urn:a:" + std::string(251, 'b')));
  EXPECT_FALSE(is_channel_address(std::string_view("urn:a:b\0", 8)));
}

TEST(ServiceUrl, IsOfAChannelWhenItIsTheAddressOrBelowIt) {
  using tern::detail::is_address_of;
  EXPECT_TRUE(is_address_of("urn:a:b", "urn:a:b"));
  EXPECT_TRUE(is_address_of("urn:a:b", "urn:a:b:c"));
  EXPECT_FALSE(is_address_of("urn:a:b", "urn:a:bc"));
  EXPECT_FALSE(is_address_of("urn:a:b", "urn:a"));
  EXPECT_FALSE(is_address_of("urn:a:b:c", "urn:a:b"));
}

TEST(ServiceUrl, RefusesTheRest) {
  for (const char* url : {"",
                          "http",
                          "http:",
                          "http://",
                          "https:///path",
                          "http://:80/",
                          "ftp://host/",
                          "ws://host/",
                          "urn:botframework:x",
                          "//host/path",
                          "/v3/conversations",
                          "host.example",
                          "not a url",
                          "http://ho st/",
                          "http://host/a b",
                          "http://host:port",
                          "http://host:80x/a",
                          "http://host:65536",
                          "http://host:0",
                          "http://host:99999999999999999999",
                          "http://host:-1",
                          "http://host/%zz",
                          "http://b\xC3\xBC"
                          "cher.example/",
                          "http://host\\evil",
                          "javascript:alert(1)",
                          " http://host",
                          "http://host\n",
                          "http//host",
                          "http://[::1",
                          "http:host"}) {
    EXPECT_FALSE(is_service_url(url)) << url;
  }
  EXPECT_FALSE(is_service_url(std::string_view("http://host/\0", 13)));
}

TEST(ServiceUrl, WhatIsPlainIsAlwaysValidForTheFullParser) {
  constexpr std::string_view pieces[] = {"http",  "https", "://", ":", "/",    "//",  "a",   "Z",  "0", "65535",
                                         "65536", "80",    ".",   "-", "_",    "~",   "%",   "%2", "?", "#",
                                         "@",     "[",     "]",   " ", "host", "a.b", "1.2", "\\"};
  std::mt19937 random(7);
  int plain = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string url = i % 2 ? "http://" : "https://";
    for (unsigned n = random() % 7; n > 0; --n) {
      url += pieces[random() % std::size(pieces)];
    }
    if (!is_plain_service_url(url)) {
      continue;
    }
    ++plain;
    const auto parsed = boost::urls::parse_uri(boost::urls::string_view(url.data(), url.size()));
    ASSERT_FALSE(parsed.has_error()) << url;
    ASSERT_FALSE(parsed->encoded_host().empty()) << url;
    ASSERT_FALSE(parsed->has_userinfo()) << url;
  }
  EXPECT_GT(plain, 1000);
}

}  // namespace
