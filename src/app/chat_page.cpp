#include "app/chat_page.hpp"

#include "direct_line/page_files.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern::app {

namespace {

bool reached_by_this_machine_alone(const std::string& address) {
  boost::system::error_code none;
  return boost::asio::ip::make_address(address, none).is_loopback() && !none;
}

// A proxy brings others to an address of loopback.
bool is_behind_proxy(const ListenSettings& listen) {
  return !listen.hosts.empty() || !listen.trusted_proxies.empty();
}

// The path of a route that the bot has at the page or below it, or nullptr.
const std::string* route_at_page(const Routes& routes) {
  const auto& all = routes.all();
  const auto found = std::find_if(all.begin(), all.end(), [](const auto& route) {
    return route.path == "/chat" || route.path.starts_with("/chat/");
  });
  return found == all.end() ? nullptr : &found->path;
}

std::optional<direct_line::PageFile> web_chat(const std::string& folder) {
  if (!folder.empty()) {
    auto found = direct_line::read_web_chat({folder});
    if (!found) {
      throw ConfigError("direct_line.page_folder is \"" + folder +
                        "\", and there is no webchat.js in it that can be read. Put dist/webchat.js of the npm package "
                        "botframework-webchat there, or leave the key out.");
    }
    return found;
  }
  const auto folders = direct_line::usual_page_folders(direct_line::this_program());
  auto found = direct_line::read_web_chat(folders);
  if (!found) {
    std::string looked;
    for (const auto& each : folders) {
      looked += (looked.empty() ? "" : ", ") + each.string();
    }
    log::warn(
        "Web Chat is not there, so the page at /chat only says so: ./dev web-chat brings it, or "
        "direct_line.page_folder names its folder",
        {{"looked_in", looked}});
  }
  return found;
}

}  // namespace

std::unique_ptr<direct_line::Page> make_chat_page(const Settings& settings, const Routes& routes,
                                                  direct_line::Page::Tokens tokens, Clock& clock) {
  const auto& mode = settings.direct_line.page;
  const bool is_private = reached_by_this_machine_alone(settings.listen.address) && !is_behind_proxy(settings.listen);
  if (mode == "off" || (mode == "auto" && !is_private)) {
    return nullptr;
  }
  if (const auto* path = route_at_page(routes)) {
    if (mode == "on") {
      throw ConfigError("direct_line.page is on, and the bot has a route of its own at " + *path +
                        ", where the page is. Set direct_line.page to off, or give the route another path.");
    }
    log::info("the page of Web Chat is not served, because the bot has a route of its own there", {{"path", *path}});
    return nullptr;
  }
  return std::make_unique<direct_line::Page>(std::move(tokens), web_chat(settings.direct_line.page_folder), clock);
}

}  // namespace tern::app
