#include "app/bot_keys.hpp"

#include "app/token_authenticator.hpp"

#include "support/temporary_folder.hpp"

#include <tern/app/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace tern::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string app_id = "b0700000-0000-4000-8000-000000000001";
const std::string tenant = "7e4a4700-0000-4000-8000-000000000001";
const std::string other_tenant = "7e4a4700-0000-4000-8000-000000000002";

Settings read(const std::vector<std::string>& assignments, bool has_authenticator = false) {
  std::vector<const char*> words{"bot"};
  for (const auto& assignment : assignments) {
    words.push_back("--set");
    words.push_back(assignment.c_str());
  }
  return load_config(static_cast<int>(words.size()), words.data(), {}, Environment(), {}, has_authenticator).settings;
}

std::string why_not(const std::vector<std::string>& assignments) {
  try {
    read(assignments);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

TEST(BotKeys, AnAppIdIsAGuidAndIsKeptInLowerCase) {
  EXPECT_EQ(read({"bot.app_id=B0700000-0000-4000-8000-00000000000A"}).bot.app_id,
            "b0700000-0000-4000-8000-00000000000a");
  EXPECT_EQ(read({"bot.app_id="}).bot.app_id, "");
  for (const char* wrong : {"bot.app_id=x", "bot.app_id=b0700000-0000-4000-8000-0000000000012",
                            "bot.app_id={b0700000-0000-4000-8000-000000000001}", "bot.app_id= "}) {
    EXPECT_THAT(why_not({wrong}), AllOf(HasSubstr("bot.app_id (--set)"), HasSubstr("allowed is a GUID"))) << wrong;
  }
}

TEST(BotKeys, ListsAreGuidsSeparatedByCommas) {
  const auto settings =
      read({"bot.app_id=" + app_id, "bot.tenant_id=" + tenant, "bot.allowed_tenants= " + tenant + " , " + other_tenant,
            "bot.allowed_callers=*," + app_id, "bot.further_app_ids=" + other_tenant});
  EXPECT_EQ(settings.bot.allowed_tenants, tenant + "," + other_tenant);
  EXPECT_EQ(settings.bot.allowed_callers, "*," + app_id);
  for (const char* key : {"bot.allowed_tenants", "bot.allowed_callers", "bot.further_app_ids"}) {
    for (const char* wrong : {"contoso.onmicrosoft.com", ",", "a,b"}) {
      EXPECT_THAT(why_not({"bot.app_id=" + app_id, std::string(key) + "=" + wrong}),
                  AllOf(HasSubstr(std::string(key) + " (--set)"), HasSubstr("GUIDs separated by commas")));
    }
    EXPECT_EQ(why_not({"bot.app_id=" + app_id, std::string(key) + "= "}), "no error");
  }
  EXPECT_THAT(why_not({"bot.app_id=" + app_id, "bot.allowed_tenants=*"}), HasSubstr("bot.allowed_tenants"));
}

TEST(BotKeys, CloudsAreThoseOfMicrosoft) {
  for (const char* cloud : {"public", "gcc_high", "dod", "china"}) {
    EXPECT_EQ(read({"bot.app_id=" + app_id, std::string("bot.cloud=") + cloud}).bot.cloud, cloud);
  }
  EXPECT_THAT(why_not({"bot.cloud=germany"}), HasSubstr("public, gcc_high, dod, china"));
}

TEST(BotKeys, KeysComeOverHttpsOrFromThisMachine) {
  for (const char* key : {"bot.openid_url", "bot.login_url"}) {
    for (const char* url : {"https://login.example/", "https://login.example:8443/a/b", "http://127.0.0.1:8080/openid",
                            "http://localhost/", "http://[::1]/x"}) {
      EXPECT_EQ(why_not({"bot.app_id=" + app_id, std::string(key) + "=" + url}), "no error") << url;
    }
    for (const char* url : {"http://login.example/", "http://127.0.0.1.example/", "http://10.0.0.1/", "ftp://a/", "x",
                            "https://user@login.example/", "https://login.example/?a=b", "https://login.example/#a"}) {
      EXPECT_THAT(why_not({"bot.app_id=" + app_id, std::string(key) + "=" + url}),
                  AllOf(HasSubstr(std::string(key) + " (--set)"), HasSubstr("https URL")))
          << url;
    }
  }
}

TEST(BotKeys, OfTokensNeedAnAppId) {
  for (const auto& assignment :
       {"bot.tenant_id=" + tenant, "bot.allowed_tenants=" + tenant, "bot.allowed_callers=" + app_id,
        "bot.further_app_ids=" + app_id, std::string("bot.allow_emulator=false"), std::string("bot.cloud=dod"),
        std::string("bot.channel_issuer=https://a"), std::string("bot.openid_url=https://a/"),
        std::string("bot.login_url=https://a/"), std::string("bot.sts_url=https://a/"),
        std::string("bot.ca_file=/dev/null")}) {
    const auto key = assignment.substr(0, assignment.find('='));
    EXPECT_THAT(why_not({assignment}),
                AllOf(HasSubstr(key + " is set, but bot.app_id is not"), HasSubstr("Set bot.app_id, or leave " + key)));
  }
}

TEST(BotKeys, AnIssuerNeedsItsDocument) {
  EXPECT_THAT(why_not({"bot.app_id=" + app_id, "bot.channel_issuer=https://channels.example"}),
              AllOf(HasSubstr("bot.channel_issuer"), HasSubstr("Set bot.openid_url")));
  EXPECT_EQ(why_not({"bot.app_id=" + app_id, "bot.channel_issuer=https://channels.example",
                     "bot.openid_url=https://channels.example/openid"}),
            "no error");
  EXPECT_THAT(why_not({"bot.app_id=" + app_id, "bot.channel_issuer=a b", "bot.openid_url=https://a/"}),
              HasSubstr("bot.channel_issuer (--set)"));
}

TEST(BotKeys, EveryAppIsThoseOfATenant) {
  EXPECT_THAT(why_not({"bot.app_id=" + app_id, "bot.allowed_callers=*"}),
              AllOf(HasSubstr("bot.allowed_callers has *"), HasSubstr("Set bot.tenant_id")));
  EXPECT_EQ(why_not({"bot.app_id=" + app_id, "bot.allowed_callers=*", "bot.tenant_id=" + tenant}), "no error");
  EXPECT_EQ(why_not({"bot.app_id=" + app_id, "bot.allowed_callers=*", "bot.allowed_tenants=" + tenant}), "no error");
}

TEST(BotKeys, AFileOfAuthoritiesIsThere) {
  const test::TemporaryFolder folder;
  const auto file = (folder.path() / "ca.pem").string();
  EXPECT_THAT(why_not({"bot.app_id=" + app_id, "bot.ca_file=" + file}),
              AllOf(HasSubstr("bot.ca_file is \"" + file + "\""), HasSubstr("cannot be read")));
  std::ofstream(file) << "no certificate";
  EXPECT_EQ(why_not({"bot.app_id=" + app_id, "bot.ca_file=" + file}), "no error") << "what it has is read at the start";
}

TEST(BotKeys, WithAnAppIdTheBotMayListenWhereOthersReachIt) {
  EXPECT_EQ(why_not({"bot.app_id=" + app_id, "listen.address=0.0.0.0"}), "no error");
  EXPECT_THAT(why_not({"listen.address=0.0.0.0"}), AllOf(HasSubstr("listen.address"), HasSubstr("Set bot.app_id")));
}

TEST(BotKeys, BecomeWhatTheAuthenticatorTrusts) {
  const auto settings = read({"bot.app_id=" + app_id, "bot.further_app_ids=" + other_tenant, "bot.tenant_id=" + tenant,
                              "bot.allowed_tenants=" + other_tenant, "bot.allowed_callers=*", "bot.allow_emulator=off",
                              "bot.cloud=china", "bot.channel_issuer=https://c", "bot.openid_url=https://c/openid",
                              "bot.login_url=https://l", "bot.sts_url=https://s/"});
  const auto trust = token_options(settings.bot).trust;
  EXPECT_THAT(trust.app_ids, ElementsAre(app_id, other_tenant));
  EXPECT_THAT(trust.tenants, ElementsAre(tenant, other_tenant));
  EXPECT_THAT(trust.allowed_callers, ElementsAre("*"));
  EXPECT_FALSE(trust.allow_emulator);
  EXPECT_EQ(trust.cloud, auth::cloud_of("china"));
  EXPECT_EQ(trust.channel_issuer, "https://c");
  EXPECT_EQ(trust.channel_metadata, "https://c/openid");
  const auth::TokenRules rules(trust);
  EXPECT_EQ(rules.issuers()[0].name, "https://c");
  EXPECT_EQ(rules.issuers()[0].metadata_url, "https://c/openid");
  EXPECT_EQ(rules.issuers()[1].name, "https://l/" + tenant + "/v2.0") << "a slash is added where there is none";
  EXPECT_EQ(rules.issuers()[1].metadata_url, "https://l/" + tenant + "/v2.0/.well-known/openid-configuration");
}

TEST(BotKeys, WithoutOnesOfTheirOwnTheIssuersAreThoseOfTheCloud) {
  const auto trust = token_options(read({"bot.app_id=" + app_id, "bot.cloud=gcc_high"}).bot).trust;
  const auth::TokenRules rules(trust);
  EXPECT_EQ(rules.issuers()[0].name, "https://api.botframework.us");
  EXPECT_EQ(rules.issuers().size(), 2U) << "Microsoft's own tenant";
  EXPECT_FALSE(rules.issuers()[1].is_named);
}

}  // namespace
}  // namespace tern::app
