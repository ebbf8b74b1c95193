#include "app/direct_line_keys.hpp"

#include "app/config_makers.hpp"
#include "auth/secret_file.hpp"
#include "direct_line/origins.hpp"
#include "direct_line/secrets.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace tern::app {

namespace {

using D = DirectLineSettings;

bool is_origin_list(std::string_view text) {
  return direct_line::parse_origin_list(text).has_value();
}

bool is_file_or_empty(std::string_view text) {
  return text.empty() || text.starts_with('/') || text.starts_with("./") || text.starts_with("../");
}

ConfigKey direct_line_secret_key() {
  const std::string allowed =
      "secrets of 16 to 1024 letters, digits and other characters of ASCII without spaces, with commas between them";
  return {"direct_line.secret",
          allowed,
          "A server with this secret gets tokens for its users and may read every conversation. Tokens are signed with "
          "the first of the secrets and accepted with all, so that a new one is written before the old one. Empty: one "
          "is made and kept in the storage.",
          [=](Settings& settings, const json::value& value) {
            if (!value.is_string() || !direct_line::Secrets::is_list(value.get_string())) {
              throw std::invalid_argument(allowed);
            }
            settings.direct_line.secret = std::string(value.get_string());
          },
          [](const Settings& settings) { return json::value(settings.direct_line.secret); },
          true};
}

ConfigKey direct_line_age_key() {
  constexpr std::chrono::hours longest_age{24 * 366};
  const std::string allowed = "a time from 1m to 8784h, as milliseconds or with ms, s, m, h";
  return {
      "limits.direct_line_age", allowed,
      "How long activities and files of Direct Line are kept; a conversation in which nothing happens for so long is "
      "forgotten.",
      [=](Settings& settings, const json::value& value) {
        const auto age = read_duration(value);
        if (!age || *age < std::chrono::minutes(1) || *age > longest_age) {
          throw std::invalid_argument(allowed);
        }
        settings.limits.direct_line_age = *age;
      },
      [](const Settings& settings) { return json::value(write_duration(settings.limits.direct_line_age)); }};
}

constexpr std::uint64_t largest_count = 1'000'000;

// What is kept: activities and files.
std::vector<ConfigKey> kept_limit_keys() {
  using S = Settings;
  using L = LimitSettings;
  return {
      number_key("limits.direct_line_history", Setting{&S::limits, &L::direct_line_history}, 1, largest_count,
                 "Activities that are kept of a conversation on Direct Line."),
      size_key("limits.direct_line_history_bytes", Setting{&S::limits, &L::direct_line_history_bytes}, 64ULL << 10,
               1ULL << 40, "What is kept of a conversation on Direct Line; the oldest activities leave first."),
      size_key("limits.direct_line_histories", Setting{&S::limits, &L::direct_line_histories}, 64ULL << 10, 1ULL << 40,
               "What is kept of all conversations on Direct Line, without files; a client that adds more: 429."),
      size_key(
          "limits.direct_line_address_bytes", Setting{&S::limits, &L::direct_line_address_bytes}, 0, 1ULL << 40,
          "What clients of one address may add to histories in 24 hours; more: 429. 0: no limit, as behind a proxy "
          "that is not trusted."),
      direct_line_age_key(),
      size_key("limits.direct_line_message", Setting{&S::limits, &L::direct_line_message}, 1ULL << 10, 64ULL << 20,
               "An activity on Direct Line; a larger one of a client: 413."),
      size_key("limits.direct_line_upload", Setting{&S::limits, &L::direct_line_upload}, 1ULL << 10, 64ULL << 20,
               "The files of one message on Direct Line; larger: 413."),
      size_key("limits.direct_line_uploads", Setting{&S::limits, &L::direct_line_uploads}, 1ULL << 10, 1ULL << 40,
               "All files of Direct Line's clients that are kept; more: 429."),
      size_key("limits.direct_line_conversation_uploads", Setting{&S::limits, &L::direct_line_conversation_uploads},
               1ULL << 10, 1ULL << 40, "The files of one conversation that are kept; more: 429."),
      size_key("limits.direct_line_address_uploads", Setting{&S::limits, &L::direct_line_address_uploads}, 1ULL << 10,
               1ULL << 40,
               "The files of one client address that are kept; more: 429. Behind a proxy that is not trusted all "
               "clients have one address."),
      number_key("limits.direct_line_downloads", Setting{&S::limits, &L::direct_line_downloads}, 1, largest_count,
                 "Files of Direct Line that are sent at once, a piece of 192 KiB of each in memory; more: 429. A "
                 "quarter of them may go to one client address, where further ones wait."),
  };
}

// What clients do at once, and how often.
std::vector<ConfigKey> use_limit_keys() {
  using S = Settings;
  using L = LimitSettings;
  return {
      number_key("limits.direct_line_sockets", Setting{&S::limits, &L::direct_line_sockets}, 1, largest_count,
                 "Open WebSockets of Direct Line; more: 429."),
      number_key("limits.direct_line_conversation_sockets", Setting{&S::limits, &L::direct_line_conversation_sockets},
                 1, largest_count, "Open WebSockets of one conversation; more: 429."),
      number_key("limits.direct_line_address_sockets", Setting{&S::limits, &L::direct_line_address_sockets}, 0,
                 largest_count,
                 "Open WebSockets of one client address; more: 429. 0: no limit, as behind a proxy that is not "
                 "trusted."),
      number_key("limits.direct_line_address_reads", Setting{&S::limits, &L::direct_line_address_reads}, 1,
                 largest_count,
                 "Reads of histories from the storage that run at once for one client address; further ones wait."),
      number_key(
          "limits.direct_line_token_rate", Setting{&S::limits, &L::direct_line_token_rate}, 0, largest_count,
          "Messages in a second of one conversation's clients; more: 429. As many pages of its history are read in "
          "a second. 0: no limit."),
      number_key(
          "limits.direct_line_address_rate", Setting{&S::limits, &L::direct_line_address_rate}, 0, largest_count,
          "Messages and conversations in a second from one client address; more: 429. As many pages of histories "
          "are read in a second. 0: no limit, as behind a proxy that is not trusted."),
      size_key("limits.direct_line_unsent", Setting{&S::limits, &L::direct_line_unsent}, 64ULL << 10, 1ULL << 30,
               "What waits to be sent on a WebSocket of Direct Line; more is read from the storage when the client has "
               "taken it. It is never less than limits.direct_line_message and 64 KiB."),
  };
}

std::vector<std::string> secrets_of(const DirectLineSettings& settings) {
  if (settings.secret_file.empty()) {
    return direct_line::Secrets::parse(settings.secret);
  }
  std::string listed;
  try {
    listed = auth::read_secret_line("direct_line.secret_file", settings.secret_file);
  } catch (const system_error& e) {
    throw ConfigError(message_of(e));
  }
  if (listed.empty() || !direct_line::Secrets::is_list(listed)) {
    throw ConfigError("The file of direct_line.secret_file has something else than what direct_line.secret allows.");
  }
  return direct_line::Secrets::parse(listed);
}

}  // namespace

std::vector<ConfigKey> direct_line_keys() {
  using S = Settings;
  using namespace std::string_view_literals;
  constexpr std::array pages{std::pair{"auto"sv, "auto"sv}, std::pair{"on"sv, "on"sv}, std::pair{"off"sv, "off"sv}};
  std::vector<ConfigKey> keys{
      bool_key("direct_line.enabled", Setting{&S::direct_line, &D::enabled},
               "Whether Web Chat and other clients of Direct Line 3.0 can speak to the bot, at the paths below "
               "/v3/directline/."),
      direct_line_secret_key(),
      checked_key("direct_line.secret_file", Setting{&S::direct_line, &D::secret_file}, is_file_or_empty,
                  "the name of a file, with / or ./ in front, or empty",
                  "A file with what direct_line.secret would have. It is read at the start."),
      duration_key(
          "direct_line.token_lifetime", Setting{&S::direct_line, &D::token_lifetime},
          "How long a token is good, unless it is refreshed. Clients made of botframework-directlinejs refresh "
          "theirs every 15 minutes, so a shorter time is for the page of this bot and for clients of one's own.",
          std::chrono::seconds(10)),
      checked_key("direct_line.origins", Setting{&S::direct_line, &D::origins}, is_origin_list,
                  "origins separated by commas, such as \"https://www.example.com\", or * for all, or empty",
                  "Pages of browsers that may use Direct Line, besides those that this bot serves itself. A token "
                  "that names trustedOrigins is good on those alone."),
      choice_key(
          "direct_line.page", Setting{&S::direct_line, &D::page}, pages,
          "Whether Web Chat is served at /chat. auto: when listen.address is one that only this machine reaches, "
          "and neither listen.hosts nor listen.trusted_proxies tells of a proxy. "
          "on: to everybody who reaches the bot, and each of them may speak to it. off: never."),
      text_key("direct_line.page_folder", Setting{&S::direct_line, &D::page_folder}, "the path of a folder, or empty",
               "The folder with webchat.js of the npm package botframework-webchat, and webchat.js.gz if there is one. "
               "Empty: share/tern/web-chat beside the bot's program or where Tern is installed, or build/web-chat of "
               "Tern's source tree."),
  };
  for (auto limits : {kept_limit_keys(), use_limit_keys()}) {
    std::move(limits.begin(), limits.end(), std::back_inserter(keys));
  }
  return keys;
}

void check_direct_line(const Settings& settings) {
  if (!settings.direct_line.secret.empty() && !settings.direct_line.secret_file.empty()) {
    throw ConfigError("direct_line.secret and direct_line.secret_file are both set. Leave one of the two out.");
  }
}

direct_line::Options direct_line_options(const Settings& settings, const std::string& bot_id) {
  const auto& limits = settings.limits;
  direct_line::Options options;
  options.secrets = secrets_of(settings.direct_line);
  options.origins = direct_line::parse_origin_list(settings.direct_line.origins).value_or(std::vector<std::string>());
  options.token_lifetime = std::chrono::duration_cast<std::chrono::seconds>(settings.direct_line.token_lifetime);
  options.ack_after = settings.turn.ack_after;
  options.reply_patience = settings.turn.reply_patience;
  options.bot_id = bot_id;
  options.tls = !settings.listen.certificate.empty();
  options.bounds.history = limits.direct_line_history;
  options.bounds.history_bytes = limits.direct_line_history_bytes;
  options.bounds.histories = limits.direct_line_histories;
  options.bounds.address_bytes = limits.direct_line_address_bytes;
  options.bounds.age = limits.direct_line_age;
  options.bounds.message = limits.direct_line_message;
  options.bounds.upload = limits.direct_line_upload;
  options.bounds.uploads = limits.direct_line_uploads;
  options.bounds.conversation_uploads = limits.direct_line_conversation_uploads;
  options.bounds.address_uploads = limits.direct_line_address_uploads;
  options.bounds.downloads = limits.direct_line_downloads;
  options.bounds.sockets = limits.direct_line_sockets;
  options.bounds.conversation_sockets = limits.direct_line_conversation_sockets;
  options.bounds.address_sockets = limits.direct_line_address_sockets;
  options.bounds.address_reads = limits.direct_line_address_reads;
  options.bounds.token_rate = limits.direct_line_token_rate;
  options.bounds.address_rate = limits.direct_line_address_rate;
  options.bounds.unsent = limits.direct_line_unsent;
  return options;
}

}  // namespace tern::app
