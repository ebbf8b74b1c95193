#include "auth/key_set.hpp"

#include "auth/base64url.hpp"

#include "test_key.hpp"

#include <boost/json/array.hpp>

#include <openssl/err.h>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tern::auth {
namespace {

Algorithms all_algorithms() {
  Algorithms all;
  all.add(Algorithm::rs256);
  all.add(Algorithm::rs384);
  all.add(Algorithm::rs512);
  return all;
}

Algorithms only(Algorithm algorithm) {
  Algorithms one;
  one.add(algorithm);
  return one;
}

KeyUse any_use() {
  return {all_algorithms(), ""};
}

/// The key of the tests with a member set to something else.
json::object key_with(std::string_view name, test::Value value) {
  auto key = test::test_key().jwk("k");
  key[name] = std::move(value.value);
  return key;
}

bool is_usable(const json::object& key, const KeyUse& use = any_use()) {
  return SigningKey::make(key, use) != nullptr;
}

TEST(SigningKey, VerifiesWhatItsOwnerHasSigned) {
  const auto key = SigningKey::make(test::test_key().jwk("k"), any_use());
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id(), "k");
  for (const auto algorithm : {Algorithm::rs256, Algorithm::rs384, Algorithm::rs512}) {
    const std::string signature = test::test_key().sign(algorithm, "text");
    EXPECT_TRUE(key->verify(algorithm, "text", signature));
    EXPECT_FALSE(key->verify(algorithm, "texs", signature));
    EXPECT_FALSE(key->verify(algorithm, "", signature));
  }
}

TEST(SigningKey, RefusesEverySignatureThatIsNotItsOwn) {
  const auto key = SigningKey::make(test::test_key().jwk("k"), any_use());
  const std::string signature = test::test_key().sign(Algorithm::rs256, "text");
  EXPECT_FALSE(key->verify(Algorithm::rs384, "text", signature));
  EXPECT_FALSE(key->verify(Algorithm::rs256, "text", test::other_key().sign(Algorithm::rs256, "text")));
  EXPECT_FALSE(key->verify(Algorithm::rs256, "text", ""));
  EXPECT_FALSE(key->verify(Algorithm::rs256, "text", signature.substr(1)));
  EXPECT_FALSE(key->verify(Algorithm::rs256, "text", signature + '\0'));
  EXPECT_FALSE(key->verify(Algorithm::rs256, "text", '\0' + signature));
  EXPECT_FALSE(key->verify(Algorithm::rs256, "text", std::string(256, '\0')));
  EXPECT_FALSE(key->verify(Algorithm::rs256, "text", std::string(256, '\xff')));
  for (std::size_t at = 0; at < signature.size(); at += 51) {
    std::string changed = signature;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(key->verify(Algorithm::rs256, "text", changed)) << at;
  }
}

TEST(SigningKey, LeavesNoErrorThatTlsWouldTakeForItsOwn) {
  ERR_clear_error();
  const auto key = SigningKey::make(test::test_key().jwk("k"), any_use());
  EXPECT_FALSE(key->verify(Algorithm::rs256, "text", std::string(256, 'x')));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(SigningKey, IsUsedOnlyWithWhatItsIssuerSignsWith) {
  const std::string signature = test::test_key().sign(Algorithm::rs512, "text");
  const auto plain = SigningKey::make(test::test_key().jwk("k"), {only(Algorithm::rs256), ""});
  EXPECT_TRUE(plain->allows(Algorithm::rs256));
  EXPECT_FALSE(plain->allows(Algorithm::rs512));
  EXPECT_FALSE(plain->verify(Algorithm::rs512, "text", signature));
  const auto named = SigningKey::make(key_with("alg", "RS512"), any_use());
  EXPECT_FALSE(named->allows(Algorithm::rs256));
  EXPECT_TRUE(named->verify(Algorithm::rs512, "text", signature));
  EXPECT_FALSE(is_usable(key_with("alg", "RS512"), {only(Algorithm::rs256), ""}));
  EXPECT_FALSE(is_usable(test::test_key().jwk("k"), {Algorithms(), ""}));
}

TEST(SigningKey, IsARsaKeyForSignatures) {
  EXPECT_TRUE(is_usable(key_with("x5c", json::array{"never looked at"})));
  EXPECT_TRUE(is_usable(key_with("key_ops", json::array{"verify"})));
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, json::value>>{{"kty", "EC"},
                                                                  {"kty", "oct"},
                                                                  {"kty", "rsa"},
                                                                  {"kty", nullptr},
                                                                  {"use", "enc"},
                                                                  {"use", nullptr},
                                                                  {"alg", "HS256"},
                                                                  {"alg", "PS256"},
                                                                  {"alg", "none"},
                                                                  {"alg", nullptr},
                                                                  {"kid", ""},
                                                                  {"kid", 1},
                                                                  {"kid", nullptr},
                                                                  {"key_ops", json::array{"sign"}},
                                                                  {"key_ops", "verify"},
                                                                  {"endorsements", "msteams"},
                                                                  {"endorsements", json::array{1}}}) {
    EXPECT_FALSE(is_usable(key_with(name, value))) << name << " " << value;
  }
  for (const char* name : {"kty", "kid", "n", "e"}) {
    auto key = test::test_key().jwk("k");
    key.erase(name);
    EXPECT_FALSE(is_usable(key)) << name;
  }
  auto key = test::test_key().jwk("k");
  key.erase("use");
  EXPECT_TRUE(is_usable(key));
}

TEST(SigningKey, HasNumbersThatAreLongEnoughAndNotTooLong) {
  EXPECT_FALSE(is_usable(test::TestKey(1024).jwk("k")));
  const auto number = [](std::size_t size, char last) {
    return encode_base64url("\xc1" + std::string(size - 2, 'x') + last);
  };
  EXPECT_TRUE(is_usable(key_with("n", number(256, '\1'))));
  EXPECT_FALSE(is_usable(key_with("n", number(255, '\1'))));
  EXPECT_FALSE(is_usable(key_with("n", number(256, '\2'))));
  EXPECT_TRUE(is_usable(key_with("n", number(1024, '\1'))));
  EXPECT_FALSE(is_usable(key_with("n", number(1025, '\1'))));
  EXPECT_FALSE(is_usable(key_with("n", number(100'000, '\1'))));
  EXPECT_FALSE(is_usable(key_with("n", "")));
  EXPECT_FALSE(is_usable(key_with("n", "=")));
  EXPECT_TRUE(is_usable(key_with("e", "Aw")));
  for (const char* exponent : {"", "AA", "AQ", "Ag", "AQAA", "AQAAAAE", "AQAB=", "AQ+B"}) {
    EXPECT_FALSE(is_usable(key_with("e", exponent))) << exponent;
  }
}

TEST(SigningKey, IsOfOneTenantUnlessItNamesAPlaceholder) {
  const KeyUse use{all_algorithms(), "11111111-0000-0000-0000-000000000000"};
  EXPECT_TRUE(is_usable(test::test_key().jwk("k"), use));
  EXPECT_TRUE(is_usable(key_with("issuer", "https://login.microsoftonline.com/{tenantid}/v2.0"), use));
  EXPECT_TRUE(is_usable(
      key_with("issuer", "https://login.microsoftonline.com/11111111-0000-0000-0000-000000000000/v2.0"), use));
  EXPECT_FALSE(is_usable(
      key_with("issuer", "https://login.microsoftonline.com/22222222-0000-0000-0000-000000000000/v2.0"), use));
}

TEST(SigningKey, SpeaksForTheChannelsThatItNames) {
  const auto endorsed = SigningKey::make(key_with("endorsements", json::array{"msteams", "webchat"}), any_use());
  EXPECT_TRUE(endorsed->endorses("msteams"));
  EXPECT_FALSE(endorsed->endorses("slack"));
  EXPECT_FALSE(endorsed->endorses("MSTeams"));
  EXPECT_FALSE(endorsed->endorses(""));
  EXPECT_FALSE(SigningKey::make(key_with("endorsements", json::array{}), any_use())->endorses("slack"));
  EXPECT_FALSE(SigningKey::make(key_with("endorsements", json::array{}), any_use())->endorses(""));
  EXPECT_TRUE(SigningKey::make(key_with("endorsements", nullptr), any_use())->endorses("slack"));
  EXPECT_TRUE(SigningKey::make(test::test_key().jwk("k"), any_use())->endorses(""));
}

TEST(KeySet, LeavesOutKeysThatCannotBeUsed) {
  auto ec = json::object{{"kty", "EC"}, {"crv", "P-256"}, {"kid", "ec"}, {"x", "AA"}, {"y", "AA"}};
  const auto set = KeySet::parse(
      test::key_document({1, nullptr, json::object(), ec, test::test_key().jwk("a"), test::test_key().jwk("b")}),
      any_use());
  ASSERT_TRUE(set);
  EXPECT_EQ(set->size(), 2U);
  EXPECT_EQ(set->find("a")->id(), "a");
  EXPECT_EQ(set->find("ec"), nullptr);
  EXPECT_EQ(set->find(""), nullptr);
  EXPECT_EQ(set->find("A"), nullptr);
}

TEST(KeySet, KeepsTheFirstOfTwoKeysWithTheSameName) {
  const auto set =
      KeySet::parse(test::key_document({test::test_key().jwk("a"), test::other_key().jwk("a")}), any_use());
  EXPECT_EQ(set->size(), 1U);
  EXPECT_TRUE(set->find("a")->verify(Algorithm::rs256, "text", test::test_key().sign(Algorithm::rs256, "text")));
}

TEST(KeySet, IsNoOtherDocument) {
  for (const char* text : {"", "{}", "[]", "{\"keys\":{}}", "{\"keys\":null}", "<html>", "{\"keys\":["}) {
    const auto set = KeySet::parse(text, any_use());
    ASSERT_FALSE(set) << text;
    EXPECT_STREQ(set.error().why, "is no JSON Web Key Set");
  }
  const auto empty = KeySet::parse("{\"keys\":[{}]}", any_use());
  ASSERT_FALSE(empty);
  EXPECT_STREQ(empty.error().why, "has no key for RSA signatures");
}

TEST(KeySet, KeepsTheSameKeysAndWithdrawsTheOthers) {
  auto changed = test::test_key().jwk("b");
  changed["endorsements"] = json::array{"msteams"};
  const auto old = KeySet::parse(
      test::key_document({test::test_key().jwk("a"), test::test_key().jwk("b"), test::test_key().jwk("c")}), any_use());
  auto set = KeySet::parse(test::key_document({test::test_key().jwk("a"), changed}), any_use());
  set->replace(*old);
  EXPECT_EQ(set->find("a"), old->find("a"));
  EXPECT_FALSE(old->find("a")->withdrawn());
  EXPECT_TRUE(old->find("b")->withdrawn());
  EXPECT_FALSE(set->find("b")->withdrawn());
  EXPECT_TRUE(old->find("c")->withdrawn());
}

}  // namespace
}  // namespace tern::auth
