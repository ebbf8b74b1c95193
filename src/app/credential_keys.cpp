#include "app/credential_keys.hpp"

#include "app/config_makers.hpp"
#include "auth/guid.hpp"
#include "http/ascii.hpp"
#include "net/url.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace tern::app {

namespace {

using Credentials = BotSettings;

/// A kind of credential: the key that chooses it, and its name in the log.
struct Kind {
  const char* key;
  const char* name;
  std::string Credentials::* member;
};

constexpr std::array kinds{
    Kind{"bot.app_password", "client secret", &Credentials::app_password},
    Kind{"bot.app_password_file", "client secret in a file", &Credentials::app_password_file},
    Kind{"bot.certificate", "certificate", &Credentials::certificate},
    Kind{"bot.managed_identity", "managed identity", &Credentials::managed_identity},
    Kind{"bot.federated_token_file", "federated token", &Credentials::federated_token_file},
};

/// A key that means something only beside another one.
struct Companion {
  const char* key;
  std::string Credentials::* member;
  const char* of;
  std::string Credentials::* of_member;
};

constexpr std::array companions{
    Companion{"bot.certificate", &Credentials::certificate, "bot.certificate_key", &Credentials::certificate_key},
    Companion{"bot.certificate_key", &Credentials::certificate_key, "bot.certificate", &Credentials::certificate},
    Companion{"bot.managed_identity_url", &Credentials::managed_identity_url, "bot.managed_identity",
              &Credentials::managed_identity},
};

// Somebody may write the key itself where its file belongs.
bool is_name_of_file(std::string_view text) {
  constexpr std::size_t longest = 4096;
  return text.size() <= longest && text.find("-----BEGIN") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= ' '; });
}

bool is_guid_or_empty(std::string_view text) {
  return text.empty() || auth::is_guid(text);
}

bool is_url_of_identity(std::string_view text) {
  net::Origin origin;
  std::string_view path;
  return text.empty() || (net::parse_origin(text, origin, path) == nullptr && net::path_length(path) == path.size());
}

template <class P>
ConfigKey file_key(std::string name, P setting, std::string help) {
  return checked_key(std::move(name), setting, is_name_of_file, "the name of a file, or empty", std::move(help));
}

}  // namespace

std::vector<ConfigKey> credential_keys() {
  using S = Settings;
  using B = BotSettings;
  return {
      text_key("bot.app_password", Setting{&S::bot, &B::app_password}, "text",
               "The client secret with which the bot gets its tokens. One kind of credential is set at most.", true),
      file_key("bot.app_password_file", Setting{&S::bot, &B::app_password_file},
               "A file with the client secret. It is read again for each token."),
      file_key(
          "bot.certificate", Setting{&S::bot, &B::certificate},
          "A file with the certificate (PEM) that shows who the bot is, in place of a secret. It is read again for "
          "each token."),
      file_key("bot.certificate_key", Setting{&S::bot, &B::certificate_key},
               "A file with the private key of bot.certificate (PEM, RSA, not encrypted); it may be the same file."),
      checked_key(
          "bot.managed_identity", Setting{&S::bot, &B::managed_identity}, is_guid_or_empty,
          "a GUID, such as 12345678-9abc-def0-1234-56789abcdef0, or empty",
          "The client id of a managed identity of this machine in Azure, in place of a secret. It is the same as "
          "bot.app_id."),
      checked_key("bot.managed_identity_url", Setting{&S::bot, &B::managed_identity_url}, is_url_of_identity,
                  "an http or https URL without a query, or empty",
                  "Where the managed identity is asked for; empty: at App Service's endpoint if the environment has "
                  "IDENTITY_ENDPOINT and IDENTITY_HEADER, otherwise at http://169.254.169.254."),
      file_key("bot.federated_token_file", Setting{&S::bot, &B::federated_token_file},
               "A file with a token of another authority that the app trusts (a workload identity), in place of a "
               "secret. It is read again for each token."),
  };
}

const char* credential_kind(const BotSettings& bot) noexcept {
  const auto* found =
      std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return !(bot.*kind.member).empty(); });
  return found != kinds.end() ? found->name : nullptr;
}

void check_credentials(const BotSettings& bot) {
  const char* first = nullptr;
  for (const Kind& kind : kinds) {
    if ((bot.*kind.member).empty()) {
      continue;
    }
    if (first != nullptr) {
      throw ConfigError(std::string(first) + " and " + kind.key +
                        " are both set, but a bot has one kind of credential. Leave one of the two out.");
    }
    first = kind.key;
  }
  for (const Companion& each : companions) {
    if (!(bot.*each.member).empty() && (bot.*each.of_member).empty()) {
      throw ConfigError(std::string(each.key) + " is set, but " + each.of +
                        " is not, and each says nothing alone. Set " + each.of + ", or leave " + each.key + " out.");
    }
  }
  if (first != nullptr && bot.app_id.empty()) {
    throw ConfigError(std::string(first) +
                      " is set, but bot.app_id is not, so that nobody knows whose credential it is. " +
                      "Set bot.app_id, or leave " + first + " out.");
  }
  if (!bot.managed_identity.empty() && !http::same_text(bot.managed_identity, bot.app_id)) {
    throw ConfigError(
        "bot.managed_identity is " + bot.managed_identity + ", but bot.app_id is " + bot.app_id +
        ": the token of a managed identity says the client id of that identity, and channels take no "
        "other app's. Register the bot with the identity, as the type \"User-Assigned Managed Identity\", "
        "and set bot.app_id to its client id, or choose another credential.");
  }
}

}  // namespace tern::app
