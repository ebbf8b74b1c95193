#include "app/config_keys.hpp"

#include "app/config_values.hpp"
#include "connector/nameservers.hpp"
#include "http/host.hpp"
#include "proactive/limits/send_limits.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

namespace tern::app {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds none{0};
constexpr milliseconds shortest{1};
constexpr milliseconds longest{24 * 3'600'000};

template <class Group, class Member>
struct Place {
  Group Settings::* group;
  Member Group::* member;

  Member& in(Settings& settings) const { return settings.*group.*member; }
  const Member& in(const Settings& settings) const { return settings.*group.*member; }
};

template <class Group, class Member>
Place(Group Settings::*, Member Group::*) -> Place<Group, Member>;

template <class P>
ConfigKey number_key(std::string name, P place, std::uint64_t least, std::uint64_t most, std::string help) {
  auto allowed = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            const auto number = read_number(value);
            if (!number || *number < least || *number > most) {
              throw std::invalid_argument(allowed);
            }
            using Member = std::remove_reference_t<decltype(place.in(settings))>;
            place.in(settings) = static_cast<Member>(*number);
          },
          [=](const Settings& settings) { return json::value(static_cast<std::uint64_t>(place.in(settings))); }};
}

// Long enough that nobody guesses it, and nothing in it that a header cannot carry.
template <class P>
ConfigKey secret_key(std::string name, P place, std::string help) {
  constexpr std::size_t shortest_secret = 16;
  constexpr std::size_t longest_secret = 1024;
  const std::string allowed = "16 to 1024 letters, digits and other characters of ASCII without spaces";
  return {std::move(name),
          allowed,
          std::move(help),
          [=](Settings& settings, const json::value& value) {
            const bool text = value.is_string();
            const auto secret = text ? std::string(value.as_string()) : std::string();
            const bool printable =
                std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c <= '~'; });
            const bool long_enough = secret.size() >= shortest_secret && secret.size() <= longest_secret;
            if (!text || !printable || !(secret.empty() || long_enough)) {
              throw std::invalid_argument(allowed);
            }
            place.in(settings) = secret;
          },
          [=](const Settings& settings) { return json::value(place.in(settings)); },
          true};
}

template <class P>
ConfigKey size_key(std::string name, P place, std::uint64_t least, std::uint64_t most, std::string help) {
  auto allowed = "bytes from " + write_size(least) + " to " + write_size(most) + ", as a number or with KiB, MiB, GiB";
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            const auto size = read_size(value);
            if (!size || *size < least || *size > most) {
              throw std::invalid_argument(allowed);
            }
            place.in(settings) = *size;
          },
          [=](const Settings& settings) { return json::value(write_size(place.in(settings))); }};
}

template <class P>
ConfigKey duration_key(std::string name, P place, std::string help, milliseconds least = shortest) {
  const std::string allowed = "a time from " + write_duration(least) + " to 24h, as milliseconds or with ms, s, m, h";
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            const auto duration = read_duration(value);
            if (!duration || *duration < least || *duration > longest) {
              throw std::invalid_argument(allowed);
            }
            place.in(settings) = *duration;
          },
          [=](const Settings& settings) { return json::value(write_duration(place.in(settings))); }};
}

template <class P>
ConfigKey bool_key(std::string name, P place, std::string help) {
  return {std::move(name), "true or false", std::move(help),
          [=](Settings& settings, const json::value& value) {
            const auto flag = read_bool(value);
            if (!flag) {
              throw std::invalid_argument("true or false");
            }
            place.in(settings) = *flag;
          },
          [=](const Settings& settings) { return json::value(place.in(settings)); }};
}

template <class P>
ConfigKey text_key(std::string name, P place, std::string allowed, std::string help, bool secret = false) {
  return {std::move(name),
          allowed,
          std::move(help),
          [=](Settings& settings, const json::value& value) {
            if (!value.is_string()) {
              throw std::invalid_argument(allowed);
            }
            place.in(settings) = std::string(value.as_string());
          },
          [=](const Settings& settings) { return json::value(place.in(settings)); },
          secret};
}

/// A text that `is_allowed` takes.
template <class P>
ConfigKey checked_key(std::string name, P place, bool (*is_allowed)(std::string_view), std::string allowed,
                      std::string help) {
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            if (!value.is_string() || !is_allowed(value.get_string())) {
              throw std::invalid_argument(allowed);
            }
            place.in(settings) = std::string(value.get_string());
          },
          [=](const Settings& settings) { return json::value(place.in(settings)); }};
}

/// Not an address that has strayed here with its password, which would be the name of a folder.
bool is_folder_name(std::string_view name) {
  return !name.empty() && name.find("://") == std::string_view::npos;
}

bool is_schema_name(std::string_view name) {
  constexpr std::size_t longest_name = 63;
  return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// One of a few words; `convert` turns a word into the member's type.
template <class P, class Value, std::size_t N>
ConfigKey choice_key(std::string name, P place, std::array<std::pair<std::string_view, Value>, N> choices,
                     std::string help) {
  std::string allowed;
  for (const auto& [word, meaning] : choices) {
    allowed += (allowed.empty() ? "" : ", ") + std::string(word);
  }
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            for (const auto& [word, meaning] : choices) {
              if (value.is_string() && value.as_string() == word) {
                place.in(settings) = meaning;
                return;
              }
            }
            throw std::invalid_argument(allowed);
          },
          [=](const Settings& settings) {
            for (const auto& [word, meaning] : choices) {
              if (place.in(settings) == meaning) {
                return json::value(word);
              }
            }
            return json::value();
          }};
}

ConfigKey metrics_port_key() {
  const std::string allowed = "a port from 0 (any that is free) to 65535, or null for the port of the bot";
  return {"metrics.port", allowed, "Where /healthz, /readyz and /metrics are served, if not on listen.port.",
          [=](Settings& settings, const json::value& value) {
            if (value.is_null() || (value.is_string() && (value.as_string().empty() || value.as_string() == "null"))) {
              settings.metrics.port.reset();
              return;
            }
            const auto port = read_number(value);
            if (!port || *port > 65535) {
              throw std::invalid_argument(allowed);
            }
            settings.metrics.port = static_cast<std::uint16_t>(*port);
          },
          [](const Settings& settings) {
            return settings.metrics.port ? json::value(*settings.metrics.port) : json::value();
          }};
}

ConfigKey hosts_key() {
  const std::string allowed =
      "names of hosts separated by commas, *.name for all below a name, such as \"bot.example.com,*.tunnel.example\", "
      "or empty";
  return {
      "listen.hosts", allowed,
      "Hosts that requests may name besides localhost, 127.0.0.0/8 and [::1]; others: 421. Empty, a bot that listens "
      "beyond this machine serves every host; a list there adds every IP address.",
      [=](Settings& settings, const json::value& value) {
        if (!value.is_string() || !http::parse_host_list(value.as_string())) {
          throw std::invalid_argument(allowed);
        }
        settings.listen.hosts = std::string(value.as_string());
      },
      [](const Settings& settings) { return json::value(settings.listen.hosts); }};
}

ConfigKey nameservers_key() {
  const std::string allowed =
      "IP addresses separated by commas, with a port or without, such as \"192.0.2.53,[2001:db8::53]:5353\", or empty";
  return {"connector.nameservers", allowed,
          "Who is asked for the addresses of channels; empty: the name servers of /etc/resolv.conf.",
          [=](Settings& settings, const json::value& value) {
            if (!value.is_string() || !connector::parse_nameservers(value.as_string())) {
              throw std::invalid_argument(allowed);
            }
            settings.connector.nameservers = std::string(value.as_string());
          },
          [](const Settings& settings) { return json::value(settings.connector.nameservers); }};
}

std::vector<ConfigKey> service_keys() {
  using S = Settings;
  using namespace std::string_view_literals;
  constexpr std::array orders{std::pair{"conversation"sv, "conversation"sv}, std::pair{"none"sv, "none"sv}};
  constexpr std::array levels{std::pair{"trace"sv, log::Level::trace}, std::pair{"debug"sv, log::Level::debug},
                              std::pair{"info"sv, log::Level::info},   std::pair{"warn"sv, log::Level::warn},
                              std::pair{"error"sv, log::Level::error}, std::pair{"off"sv, log::Level::off}};
  constexpr std::array formats{std::pair{"text"sv, log::Format::text}, std::pair{"json"sv, log::Format::json}};
  return {
      text_key("bot.app_id", Place{&S::bot, &BotSettings::app_id}, "text",
               "The bot's app id. Without one there is no authentication and only this machine is served."),
      text_key("bot.app_password", Place{&S::bot, &BotSettings::app_password}, "text", "The app id's client secret.",
               true),
      bool_key("bot.allow_anonymous", Place{&S::bot, &BotSettings::allow_anonymous},
               "Without an app id, listen and send beyond this machine all the same: anybody can speak to the bot."),
      text_key("listen.address", Place{&S::listen, &ListenSettings::address}, "an IP address",
               "Where POST /api/messages is served."),
      number_key("listen.port", Place{&S::listen, &ListenSettings::port}, 0, 65535, "Its port; 0: any that is free."),
      number_key("listen.threads", Place{&S::listen, &ListenSettings::threads}, 0, 256,
                 "Shards, a thread each; 0: one for each core."),
      hosts_key(),
      text_key("metrics.address", Place{&S::metrics, &MetricsSettings::address}, "an IP address",
               "The address that goes with metrics.port."),
      metrics_port_key(),
      bool_key("proactive.enabled", Place{&S::proactive, &ProactiveSettings::enabled},
               "Messages outside a turn: now, later, to other conversations, from background work."),
      secret_key(
          "proactive.secret", Place{&S::proactive, &ProactiveSettings::secret},
          "Whoever sends it may send through the bot, at the paths below /proactive/. Without it there are none."),
      duration_key("turn.ack_after", Place{&S::turn, &TurnSettings::ack_after},
                   "A turn that takes longer is answered 202 and goes on."),
      duration_key("turn.deadline", Place{&S::turn, &TurnSettings::deadline},
                   "An invoke, or a turn with expectReplies, that takes longer is cut and answered 504."),
      duration_key(
          "turn.longest", Place{&S::turn, &TurnSettings::longest},
          "Any other turn is cut when it goes on for longer, counted from its 202 or, where there is none, from "
          "its beginning: the next turn of its conversation waits for it. Longer work belongs in the background."),
      duration_key(
          "turn.reply_patience", Place{&S::turn, &TurnSettings::reply_patience},
          "How long a reply waits for the limits of its channel, whether they are in send_limits or the channel "
          "answers 429. Other failures of a reply that surely did not arrive are tried again for some seconds."),
      choice_key("turn.order", Place{&S::turn, &TurnSettings::order}, orders,
                 "conversation: one turn at a time in each conversation, in order of arrival. none: no order."),
      number_key("connector.in_flight", Place{&S::connector, &ConnectorSettings::in_flight}, 1, 10'000,
                 "The most connections to one host, for each shard."),
      duration_key("connector.connect_timeout", Place{&S::connector, &ConnectorSettings::connect_timeout},
                   "For connecting to a channel, name resolution and TLS included."),
      duration_key("connector.request_timeout", Place{&S::connector, &ConnectorSettings::request_timeout},
                   "For a request to a channel as a whole."),
      duration_key("connector.attempt_delay", Place{&S::connector, &ConnectorSettings::attempt_delay},
                   "How long one address of a channel has before the next is tried beside it."),
      duration_key(
          "connector.connection_lifetime", Place{&S::connector, &ConnectorSettings::connection_lifetime},
          "How long a connection is used, however busy it is: the next one goes where the name leads by then."),
      nameservers_key(),
      duration_key(
          "drain.delay", Place{&S::drain, &DrainSettings::delay},
          "How long SIGTERM lets the bot serve on while /readyz already answers 503: for a balancer to notice.", none),
      duration_key("drain.deadline", Place{&S::drain, &DrainSettings::deadline},
                   "How long turns and background work then may go on."),
      choice_key("log.level", Place{&S::log, &LogSettings::level}, levels, "The least level that is written."),
      choice_key("log.format", Place{&S::log, &LogSettings::format}, formats, "Lines of text, or of JSON."),
      size_key("log.buffer", Place{&S::log, &LogSettings::buffer}, 4ULL << 10, 1ULL << 30,
               "Lines that wait for whoever reads standard error; beyond it they are dropped and counted."),
  };
}

std::vector<ConfigKey> storage_keys() {
  using S = Settings;
  using T = StorageSettings;
  using namespace std::string_view_literals;
  constexpr std::array kinds{std::pair{"memory"sv, "memory"sv}, std::pair{"rocksdb"sv, "rocksdb"sv},
                             std::pair{"postgres"sv, "postgres"sv}};
  return {
      choice_key("storage.kind", Place{&S::storage, &T::kind}, kinds,
                 "Where state is kept. memory: in this process, gone when it ends. rocksdb: in a folder of this "
                 "machine. postgres: in a database that several processes share."),
      checked_key("storage.path", Place{&S::storage, &T::path}, is_folder_name, "a folder",
                  "rocksdb: the folder, made when it is not there. One process at a time."),
      text_key("storage.url", Place{&S::storage, &T::url}, "postgresql://user:password@host:port/database",
               "postgres: the database. Parameters such as sslmode are added as in ?sslmode=verify-full.", true),
      number_key("storage.cache_mb", Place{&S::storage, &T::cache_mb}, 1, 1ULL << 20,
                 "rocksdb: MiB of memory for what was read. What is in it is answered without waiting."),
      bool_key("storage.sync", Place{&S::storage, &T::sync},
               "rocksdb: confirm a write only when the disk has it. Off, a power failure loses the last seconds."),
      checked_key("storage.schema", Place{&S::storage, &T::schema}, is_schema_name,
                  "1 to 63 letters, digits and underscores", "postgres: the schema that holds the tables."),
      bool_key("storage.create_schema", Place{&S::storage, &T::create_schema},
               "postgres: create and migrate that schema at start. Off, tern-storage schema prints the SQL to run."),
      bool_key("storage.pgbouncer", Place{&S::storage, &T::pgbouncer},
               "postgres: storage.url leads to PgBouncer in transaction mode."),
      number_key("storage.write_lanes", Place{&S::storage, &T::write_lanes}, 1, 64,
                 "postgres: connections that write, a thread each."),
      number_key("storage.read_lanes", Place{&S::storage, &T::read_lanes}, 1, 64,
                 "postgres: connections that read, a thread each."),
      duration_key("storage.statement_timeout", Place{&S::storage, &T::statement_timeout},
                   "postgres: the longest that the server may work on one statement, at least 100ms and at most 1h."),
  };
}

template <class P>
ConfigKey windows_key(std::string name, P place, std::string help) {
  const std::string allowed =
      "conversation=, bot= and tenant= with windows SENDS/TIME (ms, s, m, h) separated by commas, such as "
      "\"conversation=7/1s,60/30s tenant=50/1s\", or none";
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            if (!value.is_string() || !proactive::ChannelLimits::parse(value.as_string())) {
              throw std::invalid_argument(allowed);
            }
            place.in(settings) = std::string(value.as_string());
          },
          [=](const Settings& settings) { return json::value(place.in(settings)); }};
}

std::vector<ConfigKey> send_limit_keys() {
  using S = Settings;
  using L = SendLimitSettings;
  return {
      windows_key("send_limits.msteams", Place{&S::send_limits, &L::msteams},
                  "What replies and scheduled sends to Teams keep to."),
      windows_key("send_limits.slack", Place{&S::send_limits, &L::slack}, "Likewise to Slack."),
      windows_key("send_limits.telegram", Place{&S::send_limits, &L::telegram}, "Likewise to Telegram."),
      windows_key("send_limits.directline", Place{&S::send_limits, &L::directline},
                  "Likewise to Direct Line, which documents no figures; what its Retry-After asks for is kept."),
      windows_key("send_limits.others", Place{&S::send_limits, &L::others}, "Likewise to all other channels."),
      number_key("send_limits.slow_start", Place{&S::send_limits, &L::slow_start}, 0, 1'000'000,
                 "Scheduled sends in the first second after an outage, doubled each second for ten; 0: at full speed."),
  };
}

std::vector<ConfigKey> limit_keys() {
  using S = Settings;
  using L = LimitSettings;
  constexpr std::uint64_t million = 1'000'000;
  return {
      number_key("limits.connections", Place{&S::limits, &L::connections}, 1, million,
                 "Open connections, as far as the descriptors of the process allow (ulimit -n); more: 503."),
      number_key("limits.client_requests", Place{&S::limits, &L::client_requests}, 0, million,
                 "Requests under way from one client address, streamed ones until their end; more: 429. 0: no limit, "
                 "as behind a "
                 "proxy."),
      size_key("limits.body", Place{&S::limits, &L::body}, 1, 64ULL << 20, "A request's body; larger: 413."),
      size_key("limits.header", Place{&S::limits, &L::header}, 512, 1ULL << 20,
               "A request's header; larger: 431. What comes with the chunks of a body may have as much."),
      duration_key("limits.header_timeout", Place{&S::limits, &L::header_timeout}, "For a header to arrive; then 408."),
      duration_key("limits.body_timeout", Place{&S::limits, &L::body_timeout}, "For a body to arrive; then 408."),
      duration_key("limits.idle_timeout", Place{&S::limits, &L::idle_timeout},
                   "How long a connection is kept between requests."),
      number_key("limits.turns", Place{&S::limits, &L::turns}, 1, 100 * million,
                 "Turns that run or wait, in all; more: 503."),
      number_key("limits.conversation_queue", Place{&S::limits, &L::conversation_queue}, 0, million,
                 "Turns that wait in one conversation; more: 503."),
      size_key("limits.replies", Place{&S::limits, &L::replies}, 1ULL << 10, 1ULL << 30,
               "The replies of one turn with expectReplies; the send that would be beyond it fails."),
      size_key("limits.stream_buffer", Place{&S::limits, &L::stream_buffer}, 1ULL << 10, 1ULL << 30,
               "What a turn that streams may be ahead of its client; then its sends wait."),
      size_key("limits.stream_replay", Place{&S::limits, &L::stream_replay}, 0, 1ULL << 30,
               "What is kept of each stream for a repetition of its request; of a longer one: 409."),
      size_key("limits.reference", Place{&S::limits, &L::reference}, 512, 256ULL << 10,
               "A conversation reference as it is kept, names cut at 256 bytes; a larger one is not kept."),
      number_key("limits.background_tasks", Place{&S::limits, &L::background_tasks}, 1, 10 * million,
                 "Background tasks at once."),
      number_key("limits.connector_waiting", Place{&S::limits, &L::connector_waiting}, 1, 10 * million,
                 "Requests that wait for a connection to one host, for each shard."),
      number_key("limits.connector_hosts", Place{&S::limits, &L::connector_hosts}, 1, million,
                 "Hosts of channels that are remembered, for each shard; three quarters may never have answered."),
      duration_key("limits.retry_after", Place{&S::limits, &L::retry_after},
                   "The longest that a channel's Retry-After is obeyed; what asks for more is a warning."),
      number_key("limits.sends_in_flight", Place{&S::limits, &L::sends_in_flight}, 1, million,
                 "Scheduled sends under way at once, for each shard; continuations have places of their own."),
      number_key("limits.continuations_in_flight", Place{&S::limits, &L::continuations_in_flight}, 1, million,
                 "Scheduled continuations that run at once, for each shard."),
      size_key("limits.dedupe_bytes", Place{&S::limits, &L::dedupe_bytes}, 0, 64ULL << 30,
               "Memory for answers to activities that may be repeated."),
      duration_key("limits.dedupe_window", Place{&S::limits, &L::dedupe_window}, "How long such an answer is kept."),
      size_key("limits.storage_bytes", Place{&S::limits, &L::storage_bytes}, 1ULL << 10, 1ULL << 40,
               "Keys and documents in the memory storage."),
      number_key("limits.pending_sends", Place{&S::limits, &L::pending_sends}, 1, 1000 * million,
                 "Pending sends in the memory storage."),
      number_key("limits.storage_queue", Place{&S::limits, &L::storage_queue}, 1, million,
                 "Operations that wait for one lane of a durable storage; more fail as overloaded."),
  };
}

}  // namespace

std::string ConfigKey::variable() const {
  std::string variable(variable_prefix);
  for (const char c : name_) {
    variable += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return variable;
}

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = [] {
    auto all = service_keys();
    for (auto&& more : {send_limit_keys(), storage_keys(), limit_keys()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return keys;
}

}  // namespace tern::app
