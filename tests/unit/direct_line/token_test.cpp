#include "direct_line/token.hpp"

#include "auth/base64url.hpp"
#include "direct_line/used_tickets.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;

const std::string secret_one = "the-first-secret-of-the-bot";
const std::string secret_two = "the-second-secret-of-the-bot";
constexpr WallTime token_time{1'700'000'000s};

TokenMaker tokens_of(std::vector<std::string> secrets, std::string_view purpose = "token") {
  return {Secrets(std::move(secrets)), purpose, 1800s};
}

TokenClaims some_claims() {
  TokenClaims claims;
  claims.conversation = "c1";
  claims.user = "dl_user";
  claims.name = "The \"User\"";
  claims.origins = {"https://a.example", "https://b.example"};
  claims.page = true;
  return claims;
}

TEST(SecretsTest, ReadAListAndKnowEachOfIt) {
  const Secrets secrets(Secrets::parse(" " + secret_one + " ,," + secret_two));
  EXPECT_EQ(secrets.all(), (std::vector{secret_one, secret_two}));
  EXPECT_TRUE(secrets.knows(secret_one));
  EXPECT_TRUE(secrets.knows(secret_two));
  EXPECT_FALSE(secrets.knows(""));
  EXPECT_FALSE(secrets.knows(secret_one + "x"));
  EXPECT_FALSE(secrets.knows(secret_one + "," + secret_two));
}

TEST(SecretsTest, OfCommasAloneAreNoList) {
  EXPECT_TRUE(Secrets::is_list("")) << "one is made";
  for (const char* none : {",", " ", " , ,"}) {
    EXPECT_FALSE(Secrets::is_list(none)) << none;
  }
}

TEST(SecretsTest, AreLongAndPrintable) {
  EXPECT_TRUE(Secrets::is_list(""));
  EXPECT_TRUE(Secrets::is_list(secret_one + ", " + secret_two));
  EXPECT_FALSE(Secrets::is_list("short"));
  EXPECT_FALSE(Secrets::is_list(secret_one + ",short"));
  EXPECT_FALSE(Secrets::is_list("sixteen characters and blanks"));
  EXPECT_FALSE(Secrets::is_list(std::string(1025, 'x')));
}

TEST(TokensOfDirectLine, SayWhatTheyWereMadeFor) {
  const auto tokens = tokens_of({secret_one});
  const auto read = tokens.read(tokens.make(some_claims(), token_time), token_time + 1799s);
  ASSERT_TRUE(read.claims);
  EXPECT_EQ(read.claims->conversation, "c1");
  EXPECT_EQ(read.claims->user, "dl_user");
  EXPECT_EQ(read.claims->name, "The \"User\"");
  EXPECT_EQ(read.claims->origins, some_claims().origins);
  EXPECT_EQ(read.claims->channel(), "webchat");
  EXPECT_FALSE(read.claims->id.empty());
  TokenClaims plain;
  plain.conversation = "c2";
  const auto simple = tokens.read(tokens.make(plain, token_time), token_time);
  ASSERT_TRUE(simple.claims);
  EXPECT_EQ(simple.claims->channel(), "directline");
  EXPECT_TRUE(simple.claims->user.empty() && simple.claims->origins.empty());
}

TEST(TokensOfDirectLine, TellWebChatTheUserAsAJwtDoes) {
  const auto token = tokens_of({secret_one}).make(some_claims(), token_time);
  const auto first = token.find('.');
  const auto payload = auth::decode_base64url(token.substr(first + 1, token.rfind('.') - first - 1));
  EXPECT_EQ(boost::json::parse(*payload).at("user"), "dl_user");
}

TEST(TokensOfDirectLine, Expire) {
  const auto tokens = tokens_of({secret_one});
  const auto read = tokens.read(tokens.make(some_claims(), token_time), token_time + 1800s);
  EXPECT_FALSE(read.claims);
  EXPECT_TRUE(read.expired);
}

TEST(TokensOfDirectLine, LiveOnWhileTheirSecretIsListed) {
  const auto token = tokens_of({secret_one}).make(some_claims(), token_time);
  EXPECT_TRUE(tokens_of({secret_two, secret_one}).read(token, token_time).claims);
  const auto read = tokens_of({secret_two}).read(token, token_time);
  EXPECT_FALSE(read.claims);
  EXPECT_FALSE(read.expired) << "somebody else's token has no time";
}

TEST(TokensOfDirectLine, AreNoTicketsAndTicketsNoTokens) {
  const auto token = tokens_of({secret_one}, "ticket").make(some_claims(), token_time);
  EXPECT_FALSE(tokens_of({secret_one}).read(token, token_time).claims);
}

TEST(TokensOfDirectLine, ForgedInAnyByteAreRefused) {
  const auto tokens = tokens_of({secret_one});
  const auto token = tokens.make(some_claims(), token_time);
  for (std::size_t at = 0; at < token.size(); ++at) {
    auto forged = token;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens.read(forged, token_time).claims) << at;
  }
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(tokens.read(token.substr(0, size), token_time).claims) << size;
  }
}

TEST(TokensOfDirectLine, AreNotReadWithoutASignatureOrWithAnotherAlgorithm) {
  const auto tokens = tokens_of({secret_one});
  const auto token = tokens.make(some_claims(), token_time);
  const auto payload = token.substr(token.find('.'), token.rfind('.') - token.find('.'));
  for (const std::string header :
       {R"({"alg":"none"})", R"({"alg":"none","typ":"JWT"})", R"({"typ":"JWT","alg":"HS256"})"}) {
    const auto text = auth::encode_base64url(header) + payload;
    EXPECT_FALSE(tokens.read(text + ".", token_time).claims) << header;
    EXPECT_FALSE(tokens.read(text + token.substr(token.rfind('.')), token_time).claims) << header;
  }
  EXPECT_FALSE(tokens.read("", token_time).claims);
  EXPECT_FALSE(tokens.read(".", token_time).claims);
  EXPECT_FALSE(tokens.read("..", token_time).claims);
  EXPECT_FALSE(tokens.read(std::string(100'000, 'a'), token_time).claims);
}

TEST(UsedTicketsTest, AreUsedOnceAndForgottenWhenTheyExpire) {
  UsedTickets used(2, 2);
  const SteadyTime start{};
  EXPECT_EQ(used.use("a", "of-a", start, 60s), UsedTickets::Use::first);
  EXPECT_EQ(used.use("a", "of-a", start + 59s, 60s), UsedTickets::Use::again);
  EXPECT_EQ(used.use("b", "of-b", start + 1s, 60s), UsedTickets::Use::first);
  EXPECT_EQ(used.use("c", "of-c", start + 2s, 60s), UsedTickets::Use::full);
  EXPECT_EQ(used.use("c", "of-c", start + 60s, 60s), UsedTickets::Use::first);
  EXPECT_EQ(used.use("b", "of-b", start + 60s, 60s), UsedTickets::Use::again);
}

TEST(UsedTicketsTest, OfOneConversationLeaveRoomForOthers) {
  UsedTickets used(100, 2);
  const SteadyTime start{};
  EXPECT_EQ(used.use("a", "one", start, 60s), UsedTickets::Use::first);
  EXPECT_EQ(used.use("b", "one", start + 1s, 60s), UsedTickets::Use::first);
  EXPECT_EQ(used.use("c", "one", start + 2s, 60s), UsedTickets::Use::many);
  EXPECT_EQ(used.use("d", "other", start + 2s, 60s), UsedTickets::Use::first);
  EXPECT_EQ(used.use("c", "one", start + 60s, 60s), UsedTickets::Use::first);
  EXPECT_EQ(used.use("e", "one", start + 60s, 60s), UsedTickets::Use::many);
}

}  // namespace
}  // namespace tern::direct_line
