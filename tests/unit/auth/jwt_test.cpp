#include "auth/jwt.hpp"

#include "auth/base64url.hpp"

#include "test_key.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::auth {
namespace {

constexpr std::string_view plain_header = R"({"alg":"RS256","kid":"k"})";

/// A token with these parts, and with a signature that nobody made.
std::string token_of(std::string_view header, std::string_view claims = "{}") {
  return test::unsigned_token(header, claims) + ".c2ln";
}

std::string error_of(std::string_view token) {
  const auto parsed = parse_jwt(token);
  return parsed ? "none" : parsed.error().why;
}

TEST(Jwt, GivesWhatATokenSays) {
  const std::string text =
      token_of(R"({"typ":"JWT","alg":"RS512","kid":"a b","x5t":"t"})", R"({"iss":"i","exp":5,"roles":["x",{"y":1}]})");
  const auto token = parse_jwt(text);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->algorithm, Algorithm::rs512);
  EXPECT_EQ(token->key_id, "a b");
  EXPECT_EQ(token->claims.at("iss"), "i");
  EXPECT_EQ(token->claims.at("exp"), 5);
  EXPECT_EQ(token->signed_part, text.substr(0, text.rfind('.')));
  EXPECT_EQ(token->signature, "sig");
}

TEST(Jwt, HasExactlyThreePartsThatAreNotEmpty) {
  const std::string good = token_of(plain_header);
  EXPECT_EQ(error_of(good), "none");
  for (const std::string& text : {std::string(), std::string("."), std::string(".."), std::string("..."),
                                  good.substr(0, good.rfind('.')), good.substr(0, good.rfind('.') + 1), good + ".",
                                  "." + good, good + ".c2ln", good + ".c2ln.c2ln", good.substr(good.find('.'))}) {
    EXPECT_EQ(error_of(text), "has not three parts") << text;
  }
}

TEST(Jwt, IsReadInOneSpellingOnly) {
  const std::string good = token_of(plain_header);
  EXPECT_EQ(error_of(good + "="), "has a signature that is no base64url");
  EXPECT_EQ(error_of(good + "\n"), "has a signature that is no base64url");
  EXPECT_EQ(error_of(" " + good), "has a part that is no base64url");
  EXPECT_EQ(error_of(encode_base64url(plain_header) + ".e31.c2ln"), "has a part that is no base64url");
  EXPECT_EQ(error_of(encode_base64url(plain_header) + ".e30=.c2ln"), "has a part that is no base64url");
}

TEST(Jwt, IsMadeOfJsonObjects) {
  for (const char* text : {"", " ", "null", "1", "\"{}\"", "[]", "[{}]", "{", "{}}", "{} {}", "{'a':1}", "{\"a\":}",
                           "{\"a\":1,}", "\xef\xbb\xbf{}", "{\"a\":\"\xff\"}", "{\"a\":1e400}", "{\"a\":NaN}"}) {
    EXPECT_NE(error_of(token_of(text)), "none") << text;
    EXPECT_NE(error_of(token_of(plain_header, text)), "none") << text;
  }
}

TEST(Jwt, HasNoMemberTwice) {
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":{}})", R"({"a":1,"\u0061":2})", R"({"a":{"b":1,"b":2}})",
        R"({"a":[{"b":1,"c":2,"b":3}]})", R"({"a":{"b":1},"a":{"c":1}})"}) {
    EXPECT_EQ(error_of(token_of(plain_header, text)), "has a member twice") << text;
  }
  EXPECT_EQ(error_of(token_of(R"({"alg":"RS256","kid":"k","kid":"k"})")), "has a member twice");
  EXPECT_EQ(error_of(token_of(R"({"alg":"none","alg":"RS256","kid":"k"})")), "has a member twice");
}

TEST(Jwt, MayHaveColonsInItsTexts) {
  EXPECT_EQ(error_of(token_of(plain_header, R"({"a:\"b:":"c\\\":\\","A":":::","d":[":",{"e":":"}]})")), "none");
}

TEST(Jwt, IsNotNestedDeep) {
  const auto nested = [](int depth) {
    std::string text = "1";
    for (int i = 1; i < depth; ++i) {
      text = "[" + text + "]";
    }
    return R"({"a":)" + text + "}";
  };
  EXPECT_EQ(error_of(token_of(plain_header, nested(max_token_depth))), "none");
  EXPECT_EQ(error_of(token_of(plain_header, nested(max_token_depth + 1))), "has a part that is nested too deep");
  EXPECT_NE(error_of(token_of(plain_header, nested(1000))), "none");
}

TEST(Jwt, IsNotLong) {
  const std::string good = token_of(plain_header);
  const auto filled = [&](std::size_t size) { return good + std::string(size - good.size(), 'A'); };
  // One length of four is none of base64url.
  const std::size_t longest = max_token_size - (max_token_size - good.size()) % 4;
  EXPECT_EQ(error_of(filled(longest)), "none");
  EXPECT_EQ(error_of(filled(max_token_size + 1)), "is too long");
  EXPECT_EQ(error_of(filled(longest + 4)), "is too long");
}

TEST(Jwt, IsSignedWithRsa) {
  for (const char* algorithm : {"RS256", "RS384", "RS512"}) {
    EXPECT_EQ(error_of(token_of(std::string(R"({"kid":"k","alg":")") + algorithm + R"("})")), "none");
  }
  for (const char* algorithm :
       {"\"none\"", "\"None\"", "\"NONE\"", "\"nOnE\"", "\"\"", "null", "[\"RS256\"]", "256", "\"HS256\"", "\"ES256\"",
        "\"PS256\"", "\"EdDSA\"", "\"rs256\"", "\"RS256 \"", "\"RS1\"", "\"RS256\\u0000\"", "\"dir\"", "{}"}) {
    EXPECT_EQ(error_of(token_of(std::string(R"({"kid":"k","alg":)") + algorithm + "}")),
              "is not signed with RS256, RS384 or RS512")
        << algorithm;
  }
  EXPECT_EQ(error_of(token_of(R"({"kid":"k"})")), "is not signed with RS256, RS384 or RS512");
}

TEST(Jwt, NamesItsKey) {
  const auto with_key = [](std::string_view key_id) {
    return error_of(token_of(R"({"alg":"RS256","kid":)" + std::string(key_id) + "}"));
  };
  EXPECT_EQ(with_key("\"" + std::string(256, 'k') + "\""), "none");
  for (const std::string& key_id : {std::string("\"\""), std::string("null"), std::string("7"), std::string("[\"k\"]"),
                                    "\"" + std::string(257, 'k') + "\""}) {
    EXPECT_EQ(with_key(key_id), "names no key") << key_id;
  }
  EXPECT_EQ(error_of(token_of(R"({"alg":"RS256"})")), "names no key");
  EXPECT_EQ(error_of(token_of(R"({"alg":"RS256","jwk":{"kty":"RSA"}})")), "names no key");
}

TEST(Jwt, HasNoExtensionThatMustBeUnderstood) {
  for (const char* member : {R"("crit":[])", R"("crit":["exp"])", R"("crit":null)", R"("crit":["b64"],"b64":false)"}) {
    EXPECT_EQ(error_of(token_of(std::string(R"({"alg":"RS256","kid":"k",)") + member + "}")),
              "has an extension that must be understood")
        << member;
  }
  EXPECT_EQ(error_of(token_of(R"({"alg":"RS256","kid":"k","b64":false})")), "has claims that are not encoded");
}

TEST(Jwt, MayHaveAnyTypeAsInTheSdks) {
  for (const char* member : {R"("typ":"JWT")", R"("typ":"at+jwt")", R"("typ":"jwt","cty":"JWT")", R"("typ":null)",
                             R"("zip":"DEF")", R"("b64":true)"}) {
    EXPECT_EQ(error_of(token_of(std::string(R"({"alg":"RS256","kid":"k",)") + member + "}")), "none") << member;
  }
}

}  // namespace
}  // namespace tern::auth
