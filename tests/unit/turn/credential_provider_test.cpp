#include <tern/turn/credential_provider.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tern {
namespace {

/// Always the same token.
class FixedToken final : public CredentialProvider {
 public:
  explicit FixedToken(const std::string& name, bool has_another = false)
      : token_(std::make_shared<const AccessToken>(name)), has_another_(has_another) {}
  TokenAnswer token(const TokenRequest& /*request*/) override { return token_; }
  bool refused(const TokenRequest& /*request*/, const std::shared_ptr<const AccessToken>& /*token*/) override {
    return has_another_;
  }

 private:
  std::shared_ptr<const AccessToken> token_;
  bool has_another_;
};

std::string token_of_account(CredentialProvider& bots, std::string_view account) {
  return bots.token({account, {}}).take_token()->authorization();
}

TEST(AccessTokenTest, HasOnlyWhatAHeaderMayHave) {
  EXPECT_EQ(AccessToken("abc.DEF-_~+/=").authorization(), "Bearer abc.DEF-_~+/=");
  for (const char* text : {"", "a b", "a\r\nX: y", "a\tb", "\xC3\xA9", "\x7F"}) {
    EXPECT_THROW(AccessToken{text}, Error) << text;
  }
  EXPECT_THROW(AccessToken(std::string_view("a\0b", 3)), Error);
}

TEST(CredentialsOfBotsTest, PickByTheAccountOfTheBot) {
  CredentialsOfBots bots;
  bots.add("AAAA-1", std::make_shared<FixedToken>("one")).add("bbbb-2", std::make_shared<FixedToken>("two", true));
  EXPECT_EQ(token_of_account(bots, "28:aaaa-1"), "Bearer one");
  EXPECT_EQ(token_of_account(bots, "28:BBBB-2"), "Bearer two");
  EXPECT_EQ(token_of_account(bots, "bbbb-2"), "Bearer two");
  EXPECT_EQ(token_of_account(bots, "a name that no bot has"), "Bearer one");
  EXPECT_EQ(token_of_account(bots, ""), "Bearer one");
  EXPECT_FALSE(bots.refused({"28:aaaa-1", {}}, nullptr));
  EXPECT_TRUE(bots.refused({"28:bbbb-2", {}}, nullptr));
}

TEST(CredentialsOfBotsTest, WrongUseIsTold) {
  CredentialsOfBots bots;
  EXPECT_THROW(bots.token({"a", {}}), NoToken);
  EXPECT_FALSE(bots.refused({"a", {}}, nullptr));
  EXPECT_THROW(bots.add("a", nullptr), Error);
  bots.add("28:a", std::make_shared<FixedToken>("one"));
  EXPECT_THROW(bots.add("A", std::make_shared<FixedToken>("two")), Error);
}

TEST(CredentialProviderTest, AnAnswerIsKnownOrComesLater) {
  TokenAnswer known(std::make_shared<const AccessToken>("one"));
  EXPECT_TRUE(known.is_known());
  EXPECT_EQ(known.take_token()->authorization(), "Bearer one");
  TokenAnswer none{std::shared_ptr<const AccessToken>()};
  EXPECT_TRUE(none.is_known());
  EXPECT_EQ(none.take_token(), nullptr);
  const auto make = []() -> awaitable<std::shared_ptr<const AccessToken>> { co_return nullptr; };
  TokenAnswer later(make());
  EXPECT_FALSE(later.is_known());
  EXPECT_TRUE(later.take_later().valid());
}

}  // namespace
}  // namespace tern
