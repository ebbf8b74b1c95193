#include "connector/service_url.hpp"

#include <gtest/gtest.h>

namespace tern::connector {
namespace {

bool is_loopback_text(std::string_view text) {
  const auto url = parse_service_url(text);
  return url && is_loopback(*url);
}

std::string origin(std::string_view text) {
  const auto url = parse_service_url(text);
  std::string made;
  if (url) {
    origin_of(*url, made);
  }
  return made;
}

TEST(ServiceUrl, IsTakenApart) {
  const auto url = parse_service_url("http://LocalHost:56160/_connector");
  ASSERT_TRUE(url);
  EXPECT_FALSE(url->tls);
  EXPECT_EQ(url->host, "LocalHost");
  EXPECT_EQ(url->port, 56160);
  EXPECT_EQ(url->path, "/_connector");
  EXPECT_EQ(origin("HTTP://LocalHost:56160/_connector"), "http://localhost:56160");
}

TEST(ServiceUrl, SlashesAtTheEndAreLeftOut) {
  EXPECT_EQ(parse_service_url("https://smba.trafficmanager.net/teams/")->path, "/teams");
  EXPECT_EQ(parse_service_url("https://smba.trafficmanager.net/")->path, "");
  EXPECT_EQ(parse_service_url("https://smba.trafficmanager.net/a//b//")->path, "/a//b");
}

TEST(ServiceUrl, PortIsTheSchemesOwnWhenNoneIsGiven) {
  EXPECT_EQ(parse_service_url("https://h")->port, 443);
  EXPECT_EQ(parse_service_url("http://h:/x")->port, 80);
  EXPECT_EQ(host_header_of(*parse_service_url("https://h:443")), "h");
  EXPECT_EQ(host_header_of(*parse_service_url("https://h:80")), "h:80");
  EXPECT_EQ(host_header_of(*parse_service_url("http://[::1]:3978")), "[::1]:3978");
}

TEST(ServiceUrl, WhatTwoReadersCouldTakeDifferentlyIsRefused) {
  for (const char* text : {"",
                           "http://",
                           "http:///path",
                           "ftp://localhost",
                           "localhost:3978",
                           "//localhost",
                           " http://localhost",
                           "http://localhost ",
                           "http://localhost\r\nX: y",
                           "http://localhost/a\r\nX: y",
                           "http://localhost/a b",
                           "http://local host/",
                           "http://localhost@evil",
                           "http://localhost:80@evil",
                           "http://user:secret@localhost",
                           "http://evil\\@localhost",
                           "http://localhost\\.evil.com",
                           "http://localhost%2eevil.com",
                           "http://localhost/?q=1",
                           "http://localhost/#f",
                           "http://localhost?q",
                           "http://localhost:0",
                           "http://localhost:65536",
                           "http://localhost:+80",
                           "http://localhost:80:80",
                           "http://localhost:8o",
                           "http://[::1",
                           "http://[::1]80",
                           "http://[::1%25lo]",
                           "http://[127.0.0.1]",
                           "http://::1/",
                           "http://.localhost/",
                           "http://a..localhost/",
                           "http://localhost../",
                           "http://./",
                           "http://l\xc3\xb6"
                           "calhost/",
                           "http://localhost/\xc3\xb6"}) {
    EXPECT_FALSE(parse_service_url(text)) << text;
  }
}

TEST(ServiceUrl, LoopbackIsKnownInItsPlainFormsOnly) {
  for (const char* text : {"http://localhost", "http://LOCALHOST:3978/x", "https://localhost", "http://127.0.0.1:1",
                           "http://127.255.255.254", "http://[::1]:3978", "http://[0:0:0:0:0:0:0:1]"}) {
    EXPECT_TRUE(is_loopback_text(text)) << text;
  }
  for (const char* text : {"http://127.0.0.1.evil.com",
                           "http://localhost.",
                           "http://localhost.evil.com",
                           "http://[::ffff:127.0.0.1]",
                           "http://[::]",
                           "http://[::2]",
                           "http://localhost@evil",
                           "http://0x7f000001",
                           "http://2130706433",
                           "http://0177.0.0.1",
                           "http://127.0.0.01",
                           "http://127.1",
                           "http://127.0.0.1.",
                           "http://127.0.0.256",
                           "http://127.0.0",
                           "http://0.0.0.0",
                           "http://128.0.0.1",
                           "http://127.0.0.1.1",
                           "http://127..0.1",
                           "http://xlocalhost",
                           "http://192.168.0.1",
                           "http://example.com"}) {
    EXPECT_FALSE(is_loopback_text(text)) << text;
  }
}

}  // namespace
}  // namespace tern::connector
