#include "direct_line/origins.hpp"

#include <gtest/gtest.h>

namespace tern::direct_line {
namespace {

TEST(Origins, AreReadInOneSpelling) {
  EXPECT_EQ(parse_origin("https://Chat.Example.com:8443"), "https://chat.example.com:8443");
  EXPECT_EQ(parse_origin("http://localhost/"), "http://localhost");
  EXPECT_EQ(parse_origin("http://[::1]:3978"), "http://[::1]:3978");
  for (const char* none : {"", "null", "*", "chat.example.com", "ftp://a.example", "https://", "https://:80",
                           "https://a.example/path", "https://a.example?x", "https://user@a.example", "https://a b"}) {
    EXPECT_FALSE(parse_origin(none)) << none;
  }
  EXPECT_FALSE(parse_origin("https://" + std::string(300, 'a')));
}

TEST(Origins, OfAListMayBeAll) {
  EXPECT_EQ(parse_origin_list(" https://a.example , http://b.example/"),
            (std::vector<std::string>{"https://a.example", "http://b.example"}));
  EXPECT_EQ(parse_origin_list("*"), (std::vector<std::string>{"*"}));
  EXPECT_EQ(parse_origin_list(""), std::vector<std::string>());
  EXPECT_FALSE(parse_origin_list("https://a.example, b.example"));
}

TEST(Origins, OwnAndListedOnesMayCall) {
  const OriginRule rule({"https://a.example"});
  EXPECT_TRUE(rule.allows("http://localhost:3978", "localhost:3978", {}));
  EXPECT_TRUE(rule.allows("https://bot.example", "bot.example", {})) << "behind a proxy with TLS";
  EXPECT_TRUE(rule.allows("https://bot.example", "bot.example:443", {}));
  EXPECT_TRUE(rule.allows("https://A.example", "bot.example", {}));
  EXPECT_FALSE(rule.allows("http://a.example", "bot.example", {}));
  EXPECT_FALSE(rule.allows("https://evil.example", "bot.example", {}));
  EXPECT_FALSE(rule.allows("http://localhost:3979", "localhost:3978", {}));
  EXPECT_FALSE(rule.allows("https://bot.example.evil.example", "bot.example", {}));
  EXPECT_FALSE(rule.allows("null", "bot.example", {}));
  EXPECT_FALSE(rule.allows("", "", {}));
  EXPECT_TRUE(OriginRule({"*"}).allows("https://evil.example", "bot.example", {}));
}

TEST(Origins, OfATokenReplaceTheOthers) {
  const OriginRule rule({"https://a.example", "*"});
  EXPECT_TRUE(rule.allows("https://b.example", "bot.example", {"https://b.example"}));
  EXPECT_FALSE(rule.allows("https://a.example", "bot.example", {"https://b.example"}));
  EXPECT_FALSE(rule.allows("https://bot.example", "bot.example", {"https://b.example"}));
  EXPECT_FALSE(rule.allows("https://bot.example", "bot.example", {"*"})) << "a token cannot name all";
}

}  // namespace
}  // namespace tern::direct_line
