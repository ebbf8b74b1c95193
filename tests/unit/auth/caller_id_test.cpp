#include "auth/caller_id.hpp"
#include "auth/cloud.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::auth {
namespace {

std::string id_of(Identity::Kind kind, const char* app, const char* tenant, const char* cloud = "public") {
  const Identity caller{kind, app, tenant, {}};
  return has_own_caller_id(caller) ? own_caller_id_of(caller) : std::string(cloud_of(cloud)->caller_id);
}

TEST(CallerId, OfAChannelIsThatOfItsCloud) {
  constexpr auto channel = Identity::Kind::channel;
  EXPECT_EQ(id_of(channel, "https://api.botframework.com", ""), "urn:botframework:azure");
  EXPECT_EQ(id_of(channel, "https://api.botframework.us", "", "gcc_high"), "urn:botframework:azureusgov");
  EXPECT_EQ(id_of(channel, "https://api.botframework.us", "", "dod"), "urn:botframework:azureusgov");
  EXPECT_EQ(id_of(channel, "https://api.botframework.azure.cn", "", "china"), "") << "for which the SDKs have none";
}

TEST(CallerId, OfAnAppOfATenantNamesTheApp) {
  EXPECT_EQ(id_of(Identity::Kind::bot, "app", "tenant"), "urn:botframework:aadappid:app");
  EXPECT_EQ(id_of(Identity::Kind::bot, "app", "tenant", "china"), "urn:botframework:aadappid:app");
  EXPECT_EQ(id_of(Identity::Kind::channel, "messaging", "tenant"), "urn:botframework:aadappid:messaging");
}

TEST(CallerId, OfAnEmulatorIsThatOfAChannel) {
  EXPECT_EQ(id_of(Identity::Kind::emulator, "bot", "tenant"), "urn:botframework:azure");
}

}  // namespace
}  // namespace tern::auth
