#include "http_client/target.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::http_client {
namespace {

std::string read(std::string_view url) {
  const auto target = parse_target(url);
  return target ? target->origin + " " + target->header + " " + target->path : std::string(target.error().why);
}

TEST(TargetTest, AUrlIsSplit) {
  EXPECT_EQ(read("https://API.example/v1/x?a=b&c[d]=%20#part"),
            "https://api.example:443 api.example /v1/x?a=b&c[d]=%20");
  EXPECT_EQ(read("http://api.example:8080"), "http://api.example:8080 api.example:8080 /");
  EXPECT_EQ(read("http://api.example?x"), "http://api.example:80 api.example /?x");
  EXPECT_EQ(read("HTTPS://[::1]:443/"), "https://[::1]:443 [::1] /");
}

TEST(TargetTest, WhatTwoReadersCouldUnderstandInDifferentWaysIsRefused) {
  for (const char* url : {"", "api.example", "ftp://api.example/", "http:///x", "http://user:secret@api.example/",
                          "http://api.example:0/", "http://api.example:99999/", "http://api example/", "http://a\\b/",
                          "http://api.example/a b", "http://api.example/\r\nX: y", "http://api.example/\xc3\xa4",
                          "http://api.example/<x>", "http://[::1/", "//api.example/", "http://.api.example/",
                          "http://api..example/", "http://api.example../", "http://./"}) {
    EXPECT_FALSE(parse_target(url)) << url;
  }
  EXPECT_EQ(read("http://api.example./"), "http://api.example.:80 api.example. /") << "a full name";
}

TEST(TargetTest, WhatIsNoUrlIsRefusedInTheBeginningAndNotWhenARedirectComes) {
  for (const char* url : {"http://api.example/[x]", "http://api.example/x]?y"}) {
    EXPECT_EQ(read(url), "has a [ or ] in its path, which a URL must write as %5B and %5D") << url;
  }
  for (const char* url : {"http://api.example/%", "http://api.example/%2", "http://api.example/100%?x",
                          "http://api.example/?x=%0g", "http://api.example/%%20"}) {
    EXPECT_EQ(read(url), "has a % without two hexadecimal digits behind it; the sign itself is written as %25") << url;
  }
  EXPECT_EQ(read("http://api.example/%aF?%5b#%"), "http://api.example:80 api.example /%aF?%5b");
}

TEST(TargetTest, ALocationLeadsFromWhereItCame) {
  const auto from = *parse_target("https://api.example/a/b?c");
  const auto led = [&from](std::string_view location) {
    const auto target = target_of_redirect(from, location);
    return target ? target->origin + target->path : std::string("nowhere");
  };
  EXPECT_EQ(led("/x?y"), "https://api.example:443/x?y");
  EXPECT_EQ(led("x"), "https://api.example:443/a/x");
  EXPECT_EQ(led("../x"), "https://api.example:443/x");
  EXPECT_EQ(led("?d"), "https://api.example:443/a/b?d");
  EXPECT_EQ(led("//other.example/x"), "https://other.example:443/x");
  EXPECT_EQ(led("http://other.example:81/x#y"), "http://other.example:81/x");
  EXPECT_EQ(led("http://user@other.example/"), "nowhere");
  EXPECT_EQ(led("javascript:x"), "nowhere");
  EXPECT_EQ(led("http://a b/"), "nowhere");
  EXPECT_EQ(led("/x?y[z]=1#[part]"), "https://api.example:443/x?y%5Bz%5D=1");
  EXPECT_EQ(led("/[x]"), "nowhere");
}

TEST(TargetTest, ALocationLeadsFromAQueryWithBracketsToo) {
  const auto target = target_of_redirect(*parse_target("https://api.example/a?b[c]=1"), "x");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/x");
}

}  // namespace
}  // namespace tern::http_client
