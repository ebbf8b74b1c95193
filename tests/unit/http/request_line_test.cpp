#include "http/request_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace tern::http {
namespace {

TEST(RequestLine, TargetsAreTakenApart) {
  for (const auto& [text, path, query] : {std::tuple{"/", "/", ""},
                                          {"/a//b/?", "/a//b/", ""},
                                          {"/http://h", "/http://h", ""},
                                          {"/a%2Fb?x=%20&y[]={|}^`?/", "/a%2Fb", "x=%20&y[]={|}^`?/"},
                                          {"/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@", ""}}) {
    const auto target = parse_target(Method::get, text);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(target->path, path);
    EXPECT_EQ(target->query, query);
    EXPECT_EQ(target->authority, std::nullopt);
  }
}

TEST(RequestLine, UrlsNameTheirHost) {
  for (const auto& [text, authority, path, query] : {std::tuple{"https://h", "h", "/", ""},
                                                     {"HTTP://h:80/p?q", "h:80", "/p", "q"},
                                                     {"http://h?x=/", "h", "/", "x=/"},
                                                     {"http://u@h/", "u@h", "/", ""}}) {
    const auto target = parse_target(Method::get, text);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(target->authority, authority);
    EXPECT_EQ(target->path, path);
    EXPECT_EQ(target->query, query);
  }
}

TEST(RequestLine, TheWholeServerIsAskedForWithOptionsAlone) {
  EXPECT_EQ(parse_target(Method::options, "*")->path, "*");
  EXPECT_FALSE(parse_target(Method::get, "*"));
  EXPECT_FALSE(parse_target(Method::options, "**"));
}

TEST(RequestLine, MalformedTargetsAreNone) {
  for (const char* text : {"a",    "h:443", "ftp://h/", "http:/h",   "http://", "http:", "?",     "/%",
                           "/%2",  "/%zz",  "/a%2",     "/a#b",      "/a?b#c",  "/<",    "/\"",   "/a\\b",
                           "/a|b", "/a{b",  "/a[b",     "/\xc3\xbc", "/?\"",    "/?%g0", "//\x7f"}) {
    EXPECT_FALSE(parse_target(Method::get, text)) << text;
  }
}

TEST(RequestLine, EndsInItsVersion) {
  EXPECT_EQ(version_in("GET / HTTP/1.1\r\nHost: x"), "HTTP/1.1");
  EXPECT_EQ(version_in("GET / HTTP/2.0"), "HTTP/2.0");
  for (const char* text :
       {"", "GET", "GET / HTTP/11", "GET / HTTP/1.1x\r\n", "GET / HTTQ/1.1\r\n", "GET / http/1.1\r\n"}) {
    EXPECT_EQ(version_in(text), "") << text;
  }
}

}  // namespace
}  // namespace tern::http
