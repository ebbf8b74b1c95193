#include "app/config_keys.hpp"

#include "app/backend.hpp"
#include "app/bot_keys.hpp"
#include "app/config_makers.hpp"
#include "app/direct_line_keys.hpp"
#include "http/host.hpp"
#include "http/trusted_proxies.hpp"
#include "net/nameservers.hpp"
#include "proactive/limits/send_limits.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

namespace tern::app {

namespace {

constexpr std::chrono::milliseconds none{0};

ConfigKey metrics_port_key() {
  const std::string allowed = "a port from 0 (any that is free) to 65535, or null for the port of the bot";
  return {"metrics.port", allowed, "The port where /healthz, /readyz and /metrics are served.",
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
  return {"listen.hosts", allowed,
          "Hosts that requests may name besides localhost, 127.0.0.0/8 and [::1]; other hosts: 421. A bot that listens "
          "beyond this machine serves every IP address as well, and without a list every host.",
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
  return {
      "connector.nameservers", allowed,
      "The name servers that are asked for the addresses of channels and issuers; empty: those of /etc/resolv.conf.",
      [=](Settings& settings, const json::value& value) {
        if (!value.is_string() || !net::parse_nameservers(value.as_string())) {
          throw std::invalid_argument(allowed);
        }
        settings.connector.nameservers = std::string(value.as_string());
      },
      [](const Settings& settings) { return json::value(settings.connector.nameservers); }};
}

bool is_mode(std::string_view text) {
  text.remove_prefix(text.size() == 4 && text.front() == '0' ? 1 : 0);
  return text.size() == 3 && text.find_first_not_of("01234567") == std::string_view::npos;
}

bool is_proxy_list(std::string_view text) {
  return http::TrustedProxies::parse(text).has_value();
}

// The functions below are tables with one row for each key.
std::vector<ConfigKey> service_keys() {
  using S = Settings;
  return {
      text_key("listen.address", Setting{&S::listen, &ListenSettings::address},
               "an IP address, or unix: and the path of a socket, such as \"unix:/run/tern/bot.sock\"",
               "Where POST /api/messages is served."),
      number_key("listen.port", Setting{&S::listen, &ListenSettings::port}, 0, 65535, "Its port; 0: any that is free."),
      number_key("listen.threads", Setting{&S::listen, &ListenSettings::threads}, 0, 256,
                 "Shards, a thread each; 0: one for each core."),
      hosts_key(),
      checked_key("listen.mode", Setting{&S::listen, &ListenSettings::mode}, is_mode,
                  "an octal mode of a file as chmod takes it, from \"000\" to \"777\", such as \"660\" or \"0660\"",
                  "Who may connect when listen.address is a Unix socket: the mode of its file."),
      checked_key(
          "listen.trusted_proxies", Setting{&S::listen, &ListenSettings::trusted_proxies}, is_proxy_list,
          "IP addresses and networks separated by commas, such as \"10.0.0.0/8,2001:db8::7\", with unix for whoever "
          "connects to the Unix socket, or empty",
          "Proxies that are believed when they name their clients, by X-Forwarded-For or Forwarded. The limits of "
          "a client count by that."),
      text_key("listen.certificate", Setting{&S::listen, &ListenSettings::certificate},
               "the path of a PEM file, or empty",
               "The certificate for TLS, with those that lead to its root behind it. Empty: HTTP without TLS. It is "
               "read again when it changes, and on SIGHUP."),
      text_key("listen.certificate_key", Setting{&S::listen, &ListenSettings::certificate_key},
               "the path of a PEM file, or empty", "The private key of the certificate, without a password."),
      text_key("metrics.address", Setting{&S::metrics, &MetricsSettings::address}, "an IP address",
               "The address where metrics.port is served."),
      metrics_port_key(),
      bool_key("proactive.enabled", Setting{&S::proactive, &ProactiveSettings::enabled},
               "Messages outside a turn: now, later, to other conversations, from background work."),
      secret_key("proactive.secret", Setting{&S::proactive, &ProactiveSettings::secret},
                 "A caller with this secret may send through the bot, at the paths below /proactive/. Without a secret "
                 "there are no such paths."),
  };
}

std::vector<ConfigKey> turn_keys() {
  using S = Settings;
  using namespace std::string_view_literals;
  constexpr std::array orders{std::pair{"conversation"sv, "conversation"sv}, std::pair{"none"sv, "none"sv}};
  return {
      duration_key("turn.ack_after", Setting{&S::turn, &TurnSettings::ack_after},
                   "A turn that takes longer is answered 202 and goes on."),
      duration_key("turn.deadline", Setting{&S::turn, &TurnSettings::deadline},
                   "An invoke, or a turn with expectReplies, that takes longer is cut and answered 504."),
      duration_key(
          "turn.longest", Setting{&S::turn, &TurnSettings::longest},
          "Any other turn is cut when it takes longer, counted from its 202 or, without a 202, from its beginning, "
          "because the next turn of its conversation waits for it. Longer work belongs in the background."),
      duration_key(
          "turn.reply_patience", Setting{&S::turn, &TurnSettings::reply_patience},
          "How long a reply waits for the limits of its channel, whether they are in send_limits or the channel "
          "answers 429. Any other failure of a reply that surely did not arrive is tried four times in all, "
          "with pauses of two seconds together."),
      choice_key("turn.order", Setting{&S::turn, &TurnSettings::order}, orders,
                 "conversation: one turn at a time in each conversation, in order of arrival. none: no order."),
  };
}

std::vector<ConfigKey> connector_keys() {
  using S = Settings;
  return {
      number_key("connector.in_flight", Setting{&S::connector, &ConnectorSettings::in_flight}, 1, 10'000,
                 "The most connections to one host, for each shard."),
      duration_key("connector.connect_timeout", Setting{&S::connector, &ConnectorSettings::connect_timeout},
                   "For connecting to a channel, name resolution and TLS included."),
      duration_key("connector.request_timeout", Setting{&S::connector, &ConnectorSettings::request_timeout},
                   "For a request to a channel as a whole."),
      duration_key("connector.attempt_delay", Setting{&S::connector, &ConnectorSettings::attempt_delay},
                   "How long one address of a channel has before the next is tried beside it."),
      duration_key("connector.connection_lifetime", Setting{&S::connector, &ConnectorSettings::connection_lifetime},
                   "How long a connection is used, however busy it is. The next connection goes to the address that "
                   "the name has by then."),
      nameservers_key(),
  };
}

std::vector<ConfigKey> process_keys() {
  using S = Settings;
  using namespace std::string_view_literals;
  constexpr std::array levels{std::pair{"trace"sv, log::Level::trace}, std::pair{"debug"sv, log::Level::debug},
                              std::pair{"info"sv, log::Level::info},   std::pair{"warn"sv, log::Level::warn},
                              std::pair{"error"sv, log::Level::error}, std::pair{"off"sv, log::Level::off}};
  constexpr std::array formats{std::pair{"text"sv, log::Format::text}, std::pair{"json"sv, log::Format::json}};
  return {
      duration_key(
          "drain.delay", Setting{&S::drain, &DrainSettings::delay},
          "How long SIGTERM lets the bot serve on while /readyz already answers 503: for a balancer to notice.", none),
      duration_key(
          "drain.deadline", Setting{&S::drain, &DrainSettings::deadline},
          "How long work under way may go on after drain.delay; turns and background work have the first part of it."),
      choice_key("log.level", Setting{&S::log, &LogSettings::level}, levels,
                 "The lowest level of the lines that are written."),
      choice_key("log.format", Setting{&S::log, &LogSettings::format}, formats, "Lines of text, or of JSON."),
      size_key("log.buffer", Setting{&S::log, &LogSettings::buffer}, 4ULL << 10, 1ULL << 30,
               "Lines that wait to be written to standard error; further lines are dropped and counted."),
  };
}

ConfigKey storage_kind_key() {
  std::string kinds;
  std::string help = "Where state is kept.";
  for (const auto& backend : backends()) {
    kinds += (kinds.empty() ? "" : ", ") + backend.kind;
    help += ' ' + backend.kind + ": " + backend.summary + '.';
  }
  return {"storage.kind", kinds, help,
          [kinds](Settings& settings, const json::value& value) {
            if (!value.is_string() || find_backend(std::string_view(value.get_string())) == nullptr) {
              throw std::invalid_argument(kinds);
            }
            settings.storage.kind = std::string(value.get_string());
          },
          [](const Settings& settings) { return json::value(settings.storage.kind); }};
}

std::vector<ConfigKey> storage_keys() {
  std::vector<ConfigKey> keys{storage_kind_key()};
  for (const auto& backend : backends()) {
    keys.insert(keys.end(), backend.keys.begin(), backend.keys.end());
  }
  return keys;
}

template <class P>
ConfigKey windows_key(std::string name, P setting, std::string help) {
  const std::string allowed =
      "conversation=, bot= and tenant= with windows SENDS/TIME (ms, s, m, h) separated by commas, such as "
      "\"conversation=7/1s,60/30s tenant=50/1s\", or none";
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            if (!value.is_string() || !proactive::ChannelLimits::parse(value.as_string())) {
              throw std::invalid_argument(allowed);
            }
            setting.in(settings) = std::string(value.as_string());
          },
          [=](const Settings& settings) { return json::value(setting.in(settings)); }};
}

std::vector<ConfigKey> send_limit_keys() {
  using S = Settings;
  using L = SendLimitSettings;
  return {
      windows_key("send_limits.msteams", Setting{&S::send_limits, &L::msteams},
                  "The limits of replies and scheduled sends to Teams."),
      windows_key("send_limits.slack", Setting{&S::send_limits, &L::slack}, "Likewise to Slack."),
      windows_key("send_limits.telegram", Setting{&S::send_limits, &L::telegram}, "Likewise to Telegram."),
      windows_key("send_limits.directline", Setting{&S::send_limits, &L::directline},
                  "Likewise to Direct Line, which documents no figures; its Retry-After is obeyed."),
      windows_key("send_limits.others", Setting{&S::send_limits, &L::others}, "Likewise to all other channels."),
      number_key("send_limits.slow_start", Setting{&S::send_limits, &L::slow_start}, 0, 1'000'000,
                 "Scheduled sends in the first second after an outage, twice as many in each further second, for ten "
                 "seconds; 0: at full speed."),
  };
}

// Long: a table with one row for each key.
std::vector<ConfigKey> limit_keys() {
  using S = Settings;
  using L = LimitSettings;
  constexpr std::uint64_t million = 1'000'000;
  return {
      number_key("limits.connections", Setting{&S::limits, &L::connections}, 1, million,
                 "Open connections, as far as the descriptors of the process allow (ulimit -n); more: 503."),
      number_key("limits.client_requests", Setting{&S::limits, &L::client_requests}, 0, million,
                 "Requests under way from one client address, where a stream counts until its end; more: 429. 0: no "
                 "limit, as behind a proxy that is not trusted."),
      size_key("limits.body", Setting{&S::limits, &L::body}, 1, 64ULL << 20, "A request's body; larger: 413."),
      size_key("limits.header", Setting{&S::limits, &L::header}, 512, 1ULL << 20,
               "A request's header; larger: 431. The extensions and trailers of a chunked body may have as much."),
      duration_key("limits.header_timeout", Setting{&S::limits, &L::header_timeout},
                   "For a header to arrive; then 408."),
      duration_key("limits.body_timeout", Setting{&S::limits, &L::body_timeout}, "For a body to arrive; then 408."),
      duration_key("limits.idle_timeout", Setting{&S::limits, &L::idle_timeout},
                   "How long a connection is kept between requests."),
      number_key("limits.turns", Setting{&S::limits, &L::turns}, 1, 100 * million,
                 "Turns that run or wait, in all; more: 503."),
      number_key("limits.conversation_queue", Setting{&S::limits, &L::conversation_queue}, 0, million,
                 "Turns that wait in one conversation; more: 503."),
      size_key("limits.replies", Setting{&S::limits, &L::replies}, 1ULL << 10, 1ULL << 30,
               "The replies of one turn with expectReplies; the send that would be beyond it fails."),
      size_key("limits.stream_buffer", Setting{&S::limits, &L::stream_buffer}, 1ULL << 10, 1ULL << 30,
               "How far a turn that streams may be ahead of its client; then its sends wait."),
      size_key(
          "limits.stream_replay", Setting{&S::limits, &L::stream_replay}, 0, 1ULL << 30,
          "How much of each stream is kept for a repetition of its request; a repetition of a longer stream: 409."),
      size_key("limits.reference", Setting{&S::limits, &L::reference}, 512, 256ULL << 10,
               "A conversation reference as it is kept, names cut at 256 bytes; a larger one is not kept."),
      number_key("limits.background_tasks", Setting{&S::limits, &L::background_tasks}, 1, 10 * million,
                 "Background tasks at once."),
      number_key("limits.connector_waiting", Setting{&S::limits, &L::connector_waiting}, 1, 10 * million,
                 "Requests that wait for a connection to one host, for each shard."),
      number_key("limits.connector_hosts", Setting{&S::limits, &L::connector_hosts}, 1, million,
                 "Hosts of channels that are remembered, for each shard; three quarters may never have answered."),
      duration_key("limits.retry_after", Setting{&S::limits, &L::retry_after},
                   "The longest time for which a channel's Retry-After is obeyed; a longer one is a warning."),
      number_key("limits.sends_in_flight", Setting{&S::limits, &L::sends_in_flight}, 1, million,
                 "Scheduled sends under way at once, for each shard; continuations have places of their own."),
      number_key("limits.continuations_in_flight", Setting{&S::limits, &L::continuations_in_flight}, 1, million,
                 "Scheduled continuations that run at once, for each shard."),
      size_key("limits.dedupe_bytes", Setting{&S::limits, &L::dedupe_bytes}, 0, 64ULL << 30,
               "Memory for answers to activities that may be repeated."),
      duration_key("limits.dedupe_window", Setting{&S::limits, &L::dedupe_window}, "How long such an answer is kept."),
      size_key("limits.storage_bytes", Setting{&S::limits, &L::storage_bytes}, 1ULL << 10, 1ULL << 40,
               "Keys and documents in the memory storage."),
      number_key("limits.pending_sends", Setting{&S::limits, &L::pending_sends}, 1, 1000 * million,
                 "Pending sends in the memory storage."),
      number_key("limits.storage_queue", Setting{&S::limits, &L::storage_queue}, 1, million,
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
    auto all = bot_keys();
    for (auto&& more : {service_keys(), turn_keys(), connector_keys(), process_keys(), send_limit_keys(),
                        storage_keys(), direct_line_keys(), limit_keys()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return keys;
}

}  // namespace tern::app
