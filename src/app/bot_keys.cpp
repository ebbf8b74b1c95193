#include "app/bot_keys.hpp"

#include "app/config_makers.hpp"
#include "app/credential_keys.hpp"
#include "app/destinations.hpp"
#include "auth/cloud.hpp"
#include "auth/guid.hpp"
#include "http/ascii.hpp"
#include "net/url.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <utility>

namespace tern::app {

namespace {

using S = Settings;
using B = BotSettings;

constexpr std::string_view every_app = "*";

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), http::lower);
  return lower;
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) {
    all += (all.empty() ? "" : ",") + word;
  }
  return all;
}

/// A GUID or nothing. It is kept in lower case, because the ids of state are made of it.
template <class P>
ConfigKey guid_key(std::string name, P setting, std::string help) {
  const std::string allowed = "a GUID, such as 12345678-9abc-def0-1234-56789abcdef0, or empty";
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            const bool is_text = value.is_string();
            const std::string_view text = is_text ? std::string_view(value.get_string()) : std::string_view();
            if (!is_text || !(text.empty() || auth::is_guid(text))) {
              throw std::invalid_argument(allowed);
            }
            setting.in(settings) = in_lower_case(text);
          },
          [=](const Settings& settings) { return json::value(setting.in(settings)); }};
}

/// GUIDs, separated by commas. `or_star`: "*" may stand among them.
template <class P>
ConfigKey guids_key(std::string name, P setting, bool or_star, std::string help) {
  const std::string allowed =
      std::string("GUIDs separated by commas") + (or_star ? ", among which may be *" : "") + ", or empty";
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            auto words = value.is_string() ? words_of(value.get_string()) : std::vector<std::string>{""};
            for (auto& word : words) {
              if (!auth::is_guid(word) && !(or_star && word == every_app)) {
                throw std::invalid_argument(allowed);
              }
              word = in_lower_case(word);
            }
            setting.in(settings) = joined(words);
          },
          [=](const Settings& settings) { return json::value(setting.in(settings)); }};
}

/// Whether requests for the keys of an issuer may go there.
bool is_url_of_authority(std::string_view text) {
  net::Origin origin;
  std::string_view path;
  return text.empty() || (net::parse_origin(text, origin, path) == nullptr && net::path_length(path) == path.size() &&
                          (origin.tls || net::is_loopback(origin)));
}

bool is_issuer(std::string_view text) {
  constexpr std::size_t longest = 256;
  return text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

constexpr const char* url_of_authority = "an https URL without a query, or an http URL of this machine, or empty";

/// Of an authority that is not one of the clouds'.
std::vector<ConfigKey> authority_keys() {
  return {
      checked_key("bot.channel_issuer", Setting{&S::bot, &B::channel_issuer}, is_issuer,
                  "a text without spaces and quotes, or empty",
                  "The issuer of the tokens of channels (iss), when it is not that of bot.cloud."),
      checked_key("bot.openid_url", Setting{&S::bot, &B::openid_url}, is_url_of_authority, url_of_authority,
                  "The OpenID document of that issuer, which names its keys, when it is not that of bot.cloud."),
      checked_key(
          "bot.login_url", Setting{&S::bot, &B::login_url}, is_url_of_authority, url_of_authority,
          "Where tenants have their OpenID documents, at TENANT/v2.0/.well-known/openid-configuration below it, and "
          "their token endpoints, at TENANT/oauth2/v2.0/token, when it is not that of bot.cloud. The issuer of their "
          "tokens of version 2.0 begins with it."),
      checked_key("bot.sts_url", Setting{&S::bot, &B::sts_url}, is_issuer, "a text without spaces and quotes, or empty",
                  "What the issuer of tenants' tokens of version 1.0 begins with, when it is not that of bot.cloud."),
      text_key(
          "bot.ca_file", Setting{&S::bot, &B::ca_file}, "the path of a file, or empty",
          "Certificates (PEM) of further authorities, which are trusted like those of the system where the keys of "
          "issuers are fetched and tokens are got."),
  };
}

/// The keys that say nothing without an app id, and whether they are set.
using Dependent = std::pair<const char*, bool (*)(const B&)>;
constexpr std::array dependents{
    Dependent{"bot.further_app_ids", [](const B& bot) { return !bot.further_app_ids.empty(); }},
    Dependent{"bot.tenant_id", [](const B& bot) { return !bot.tenant_id.empty(); }},
    Dependent{"bot.allowed_tenants", [](const B& bot) { return !bot.allowed_tenants.empty(); }},
    Dependent{"bot.allowed_callers", [](const B& bot) { return !bot.allowed_callers.empty(); }},
    Dependent{"bot.allow_emulator", [](const B& bot) { return !bot.allow_emulator; }},
    Dependent{"bot.cloud", [](const B& bot) { return bot.cloud != B().cloud; }},
    Dependent{"bot.channel_issuer", [](const B& bot) { return !bot.channel_issuer.empty(); }},
    Dependent{"bot.openid_url", [](const B& bot) { return !bot.openid_url.empty(); }},
    Dependent{"bot.login_url", [](const B& bot) { return !bot.login_url.empty(); }},
    Dependent{"bot.sts_url", [](const B& bot) { return !bot.sts_url.empty(); }},
    Dependent{"bot.ca_file", [](const B& bot) { return !bot.ca_file.empty(); }},
};

void check_authority(const B& bot) {
  if (!bot.channel_issuer.empty() && bot.openid_url.empty()) {
    throw ConfigError(
        "bot.channel_issuer is set, but bot.openid_url is not, so that nobody knows where the keys of that issuer are. "
        "Set bot.openid_url to its OpenID document.");
  }
  if (!bot.ca_file.empty() && !std::ifstream(bot.ca_file)) {
    throw ConfigError("bot.ca_file is \"" + bot.ca_file +
                      "\", which cannot be read; give a file of certificates (PEM), or leave the key out.");
  }
}

}  // namespace

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  if (list.find_first_not_of(' ') == std::string_view::npos) {
    return words;
  }
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(',', begin), list.size());
    auto word = list.substr(begin, end - begin);
    word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
    word.remove_suffix(word.size() - (word.find_last_not_of(' ') + 1));
    words.emplace_back(word);
    begin = end + 1;
  }
  return words;
}

// Long: a table with one row for each key.
std::vector<ConfigKey> bot_keys() {
  using namespace std::string_view_literals;
  constexpr std::array clouds{std::pair{"public"sv, "public"sv}, std::pair{"gcc_high"sv, "gcc_high"sv},
                              std::pair{"dod"sv, "dod"sv}, std::pair{"china"sv, "china"sv}};
  std::vector<ConfigKey> keys{
      guid_key("bot.app_id", Setting{&S::bot, &B::app_id},
               "The bot's app id, for an agentic bot that of its blueprint. With it the token of each activity is "
               "checked, and listen.address may be one that others can reach."),
      guids_key("bot.further_app_ids", Setting{&S::bot, &B::further_app_ids}, false,
                "App ids of further bots that this process serves. Their state is kept below bot.app_id."),
      guid_key("bot.tenant_id", Setting{&S::bot, &B::tenant_id},
               "The tenant of the bot's app registration. Tokens of this tenant are accepted."),
      guids_key("bot.allowed_tenants", Setting{&S::bot, &B::allowed_tenants}, false,
                "Further tenants whose tokens are accepted: those of agentic users, and of other bots that call."),
      guids_key("bot.allowed_callers", Setting{&S::bot, &B::allowed_callers}, true,
                "App ids of other bots that may call this one. *: all apps of bot.tenant_id and bot.allowed_tenants."),
      bool_key("bot.allow_emulator", Setting{&S::bot, &B::allow_emulator},
               "Accept a token that the bot's own credentials have got for the bot itself, as the Emulator sends it."),
      choice_key("bot.cloud", Setting{&S::bot, &B::cloud}, clouds,
                 "The cloud of Microsoft that the bot is registered in. GCC is part of public."),
      bool_key("bot.allow_anonymous", Setting{&S::bot, &B::allow_anonymous},
               "Without authentication, listen and send beyond this machine all the same: anybody can speak to the "
               "bot. It never switches authentication off."),
      allowed_hosts_key(),
  };
  for (auto&& more : {credential_keys(), authority_keys()}) {
    keys.insert(keys.end(), more.begin(), more.end());
  }
  return keys;
}

void check_bot(const BotSettings& bot, bool has_authenticator) {
  check_credentials(bot);
  for (const auto& [name, is_set] : dependents) {
    if (bot.app_id.empty() && is_set(bot)) {
      throw ConfigError(std::string(name) +
                        " is set, but bot.app_id is not, and tokens are checked only for a bot that "
                        "has an app id. Set bot.app_id, or leave " +
                        name + " out.");
    }
  }
  check_authority(bot);
  const auto callers = words_of(bot.allowed_callers);
  if (std::find(callers.begin(), callers.end(), every_app) != callers.end() && bot.tenant_id.empty() &&
      bot.allowed_tenants.empty() && !has_authenticator) {
    throw ConfigError(
        "bot.allowed_callers has *, which means all apps of bot.tenant_id and bot.allowed_tenants, but both are empty. "
        "Set bot.tenant_id, or name the app ids of the callers.");
  }
}

bool checks_callers(const BotSettings& bot, bool has_authenticator) noexcept {
  return has_authenticator || !bot.app_id.empty();
}

}  // namespace tern::app
