#include "app/chat_page.hpp"
#include "support/temporary_folder.hpp"

#include <tern/async/clock.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace tern::app {
namespace {

using testing::HasSubstr;

awaitable<WebResponse> nothing(const WebRequest&, const BotContext&) {
  co_return WebResponse{};
}

class ChatPageTest : public testing::Test {
 protected:
  std::unique_ptr<direct_line::Page> make() {
    return make_chat_page(settings, routes, [] { return nullptr; }, system_clock());
  }
  std::string error_of_make() {
    try {
      make();
    } catch (const ConfigError& e) {
      return e.what();
    }
    return {};
  }

  Settings settings;
  Routes routes;
};

TEST_F(ChatPageTest, ByItselfItIsForThisMachineAlone) {
  EXPECT_TRUE(make());
  settings.listen.address = "::1";
  EXPECT_TRUE(make());
  for (const auto* address : {"0.0.0.0", "192.0.2.7", "unix:/run/bot.sock"}) {
    settings.listen.address = address;
    EXPECT_FALSE(make()) << address;
  }
  settings.direct_line.page = "on";
  EXPECT_TRUE(make());
  settings.direct_line.page = "off";
  settings.listen.address = "127.0.0.1";
  EXPECT_FALSE(make());
}

TEST_F(ChatPageTest, BehindAProxyItIsThereWhenItIsAskedForAlone) {
  settings.listen.hosts = "chat.example.com";
  EXPECT_FALSE(make());
  settings.direct_line.page = "on";
  EXPECT_TRUE(make());
  settings.direct_line.page = "auto";
  settings.listen.hosts.clear();
  settings.listen.trusted_proxies = "127.0.0.1";
  EXPECT_FALSE(make());
}

TEST_F(ChatPageTest, ARouteOfTheBotsOwnGoesFirst) {
  routes.add("GET", "/chat/rooms", nothing);
  EXPECT_FALSE(make());
  settings.direct_line.page = "on";
  EXPECT_THAT(error_of_make(), HasSubstr("/chat/rooms"));
}

TEST_F(ChatPageTest, AFolderThatIsNamedHasWebChat) {
  const test::TemporaryFolder folder;
  settings.direct_line.page_folder = folder.path().string();
  EXPECT_THAT(error_of_make(), HasSubstr("direct_line.page_folder is \"" + folder.path().string()));
  std::ofstream(folder.path() / "webchat.js") << "code";
  EXPECT_TRUE(make());
}

}  // namespace
}  // namespace tern::app
