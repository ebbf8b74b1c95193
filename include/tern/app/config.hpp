#pragma once

#include <tern/app/own_keys.hpp>
#include <tern/async/log.hpp>

#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tern {

namespace json = boost::json;

/// One default that a program sets in code, below file, environment and command line: `{"proactive.enabled", true}`.
struct ConfigDefault {
  /// This key with this value.
  ConfigDefault(std::string k, json::value v) : key(std::move(k)), value(std::move(v)) {}
  std::string key;    ///< with dots, such as `listen.port`
  json::value value;  ///< as a configuration file has it
};
/// All defaults that a program sets.
using ConfigDefaults = std::vector<ConfigDefault>;

/// The keys below `bot.`; docs/configuration.md has the meaning and the range of each.
struct BotSettings {
  std::string app_id;            ///< a GUID; "": no authentication by Tern
  std::string further_app_ids;   ///< GUIDs separated by commas
  std::string tenant_id;         ///< a GUID, or ""
  std::string allowed_tenants;   ///< GUIDs separated by commas
  std::string allowed_callers;   ///< GUIDs separated by commas; among them may be "*"
  bool allow_emulator = true;    ///< a token that the bot has got for itself is accepted
  std::string cloud = "public";  ///< or "gcc_high", "dod" or "china"
  ///@{
  /// The credential of the bot, of one kind at most.
  std::string app_password;          ///< secret
  std::string app_password_file;     ///< the name of a file with the secret
  std::string certificate;           ///< the name of a file, PEM
  std::string certificate_key;       ///< the name of a file, PEM
  std::string managed_identity;      ///< a GUID, or ""
  std::string managed_identity_url;  ///< "": that of the machine
  std::string federated_token_file;  ///< the name of a file with a token
  ///@}
  bool allow_anonymous = false;  ///< without authentication, serve and send beyond loopback all the same
  std::string allowed_hosts;     ///< separated by commas
  ///@{
  /// In place of what the cloud has; "" for what it has.
  std::string channel_issuer;
  std::string openid_url;
  std::string login_url;
  std::string sts_url;
  ///@}
  std::string ca_file;  ///< PEM, of authorities that are trusted besides those of the system; "": none
};

/// The keys below `listen.`; docs/configuration.md has the meaning and the range of each.
struct ListenSettings {
  ///@{
  /// The key of the same name.
  std::string address = "127.0.0.1";  ///< or `unix:` and a path
  std::string mode = "660";           ///< of the file of a Unix socket, in octal digits
  std::uint16_t port = 3978;          ///< 0: any that is free
  std::size_t threads = 0;            ///< shards; 0: one for each core
  std::string hosts;                  ///< names that are served besides those of loopback, separated by commas
  std::string trusted_proxies;        ///< addresses and networks that are believed about clients, separated by commas
  std::string certificate;            ///< a PEM file; "": no TLS
  std::string certificate_key;        ///< a PEM file
  ///@}
};

/// The keys below `metrics.`; docs/configuration.md has the meaning and the range of each.
struct MetricsSettings {
  ///@{
  /// The key of the same name.
  std::string address = "127.0.0.1";
  std::optional<std::uint16_t> port;  ///< absent: on `listen.port`
  ///@}
};

/// The keys below `storage.`; docs/configuration.md has the meaning and the range of each.
struct StorageSettings {
  std::string kind = "memory";                         ///< or "rocksdb" or "postgres", in a build that has it
  std::string path = "./tern-data";                    ///< rocksdb: the folder
  std::string url;                                     ///< postgres; secret
  std::size_t cache_mb = 64;                           ///< rocksdb: its block cache
  bool sync = true;                                    ///< rocksdb: a write is confirmed only when the disk has it
  std::string schema = "tern";                         ///< postgres: the schema of its tables
  bool create_schema = true;                           ///< postgres: make and migrate that schema at start
  bool pgbouncer = false;                              ///< postgres: the url leads to PgBouncer in transaction mode
  std::size_t write_lanes = 1;                         ///< postgres: connections that write
  std::size_t read_lanes = 2;                          ///< postgres: connections that read
  std::chrono::milliseconds statement_timeout{5'000};  ///< postgres
};

/// The keys below `proactive.`; docs/configuration.md has the meaning and the range of each.
struct ProactiveSettings {
  ///@{
  /// The key of the same name.
  bool enabled = false;
  std::string secret;  ///< "": nothing is served below /proactive/
  ///@}
};

/// The keys below `direct_line.`; docs/configuration.md has the meaning and the range of each.
struct DirectLineSettings {
  ///@{
  /// The key of the same name.
  bool enabled = false;
  std::string secret;       ///< separated by commas; "": one is made and kept in the storage
  std::string secret_file;  ///< the name of a file with the same; "": none
  std::chrono::milliseconds token_lifetime = std::chrono::minutes(30);
  std::string origins;        ///< separated by commas
  std::string page = "auto";  ///< or "on" or "off"
  std::string page_folder;    ///< with `webchat.js`; "": one of the usual folders
  ///@}
};

/// The keys below `send_limits.`: the limits that replies and scheduled sends keep to, by channel. A text names windows
/// for each conversation, for the bot, and for the bot in each tenant, such as
/// `conversation=7/1s,60/30s bot=50/1s tenant=50/1s`, or is `none`.
struct SendLimitSettings {
  ///@{
  /// The key of the same name.
  std::string msteams = "conversation=7/1s,8/2s,60/30s,1800/1h tenant=50/1s";
  std::string slack = "conversation=1/1s";
  std::string telegram = "conversation=1/1s bot=30/1s";
  std::string directline = "none";
  std::string others = "none";
  std::uint32_t slow_start = 100;  ///< sends in the first second after an outage; doubles each second; 0: no limit
  ///@}
};

/// The keys below `turn.`; docs/configuration.md has the meaning and the range of each.
struct TurnSettings {
  ///@{
  /// The key of the same name.
  std::chrono::milliseconds ack_after{10'000};
  std::chrono::milliseconds deadline{14'000};
  std::chrono::milliseconds longest{900'000};
  std::chrono::milliseconds reply_patience{60'000};
  std::string order = "conversation";  ///< or "none"
  ///@}
};

/// The keys below `connector.`; docs/configuration.md has the meaning and the range of each.
struct ConnectorSettings {
  ///@{
  /// The key of the same name.
  std::size_t in_flight = 64;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{15'000};
  std::chrono::milliseconds attempt_delay{250};
  std::chrono::milliseconds connection_lifetime{300'000};
  std::string nameservers;  ///< separated by commas; empty: those of the system
  ///@}
};

/// The keys below `drain.`; docs/configuration.md has the meaning and the range of each.
struct DrainSettings {
  ///@{
  /// The key of the same name.
  std::chrono::milliseconds delay{0};  ///< between "not ready" and the closed listener; 0: none
  std::chrono::milliseconds deadline{30'000};
  ///@}
};

/// The keys below `log.`; docs/configuration.md has the meaning and the range of each.
struct LogSettings {
  ///@{
  /// The key of the same name.
  log::Level level = log::Level::info;
  log::Format format = log::Format::text;
  std::size_t buffer = log::default_buffer;  ///< bytes of lines that wait for whoever reads standard error
  ///@}
};

/// The keys below `limits.`; docs/configuration.md has the meaning and the range of each.
struct LimitSettings {
  ///@{
  /// The key of the same name.
  std::size_t connections = 10'000;
  std::size_t client_requests = 0;
  std::size_t body = 256 * 1024;
  std::size_t header = 16 * 1024;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};
  std::size_t turns = 100'000;
  std::size_t conversation_queue = 100;
  std::size_t replies = 4U << 20;
  std::size_t stream_buffer = 256U << 10;
  std::size_t stream_replay = 256U << 10;
  std::size_t reference = 4U << 10;
  std::size_t background_tasks = 10'000;
  std::size_t connector_waiting = 10'000;
  std::size_t connector_hosts = 10'000;
  std::chrono::milliseconds retry_after{3'600'000};
  std::size_t sends_in_flight = 320;
  std::size_t continuations_in_flight = 320;
  std::size_t dedupe_bytes = 64ULL << 20;
  std::chrono::milliseconds dedupe_window{300'000};
  std::size_t storage_bytes = 1ULL << 30;
  std::size_t pending_sends = 10'000'000;
  std::size_t storage_queue = 4'096;
  std::size_t direct_line_history = 1'000;
  std::size_t direct_line_history_bytes = 16U << 20;
  std::chrono::milliseconds direct_line_age{604'800'000};
  std::size_t direct_line_histories = 512U << 20;
  std::size_t direct_line_address_bytes = 64U << 20;
  std::size_t direct_line_message = 256U << 10;
  std::size_t direct_line_upload = 4U << 20;
  std::size_t direct_line_uploads = 256U << 20;
  std::size_t direct_line_conversation_uploads = 32U << 20;
  std::size_t direct_line_address_uploads = 64U << 20;
  std::size_t direct_line_downloads = 256;
  std::size_t direct_line_sockets = 10'000;
  std::size_t direct_line_conversation_sockets = 16;
  std::size_t direct_line_address_sockets = 2'000;
  std::size_t direct_line_address_reads = 8;
  std::size_t direct_line_token_rate = 10;
  std::size_t direct_line_address_rate = 100;
  std::size_t direct_line_unsent = 1U << 20;
  ///@}
};

/// The whole configuration. Every member is a key of the same name (`limits.body`, ...); docs/configuration.md lists
/// them with ranges and defaults.
struct Settings {
  ///@{
  /// The group of the same name.
  BotSettings bot;
  ListenSettings listen;
  MetricsSettings metrics;
  StorageSettings storage;
  ProactiveSettings proactive;
  DirectLineSettings direct_line;
  SendLimitSettings send_limits;
  TurnSettings turn;
  ConnectorSettings connector;
  DrainSettings drain;
  LogSettings log;
  LimitSettings limits;
  ///@}
};

/// A wrong configuration. The message names the key, where it was set, what was found and what is allowed.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The request of a command line, with the configuration.
struct CommandLine {
  /// Serve the bot, or write `text` and end.
  enum class Action { run, print };
  Settings settings;            ///< the whole configuration
  Action action = Action::run;  ///< the request
  std::string text;             ///< for `print`: the answer to `--help`, `--version` or `--print-config`
  std::string note;             ///< for `print`: a note for standard error, since `text` may be read by a program
  /// Warnings, a sentence each, that do not stop the start: a variable that is no key.
  std::vector<std::string> warnings;
};

/// Name and value of each variable of the environment.
using Environment = std::vector<std::pair<std::string, std::string>>;

/// The environment of this process.
Environment process_environment();

/// Reads the configuration: `defaults` < `--config FILE` (JSON) < environment (`TERN_LISTEN_PORT`) < command line
/// (`--set listen.port=3979`). Durations are milliseconds or text with a unit (`"10s"`), sizes are bytes or text with
/// a unit (`"64MiB"`).
///
/// A variable that begins with `TERN_` and is no key is a warning. Variables that Kubernetes makes for a Service, such
/// as `TERN_PORT=tcp://10.0.0.1:80`, are ignored, and so is a variable whose key the command line sets. Errors:
/// `ConfigError` for an unknown key or option, a wrong type, a value out of range, a combination that makes no sense, a
/// file that cannot be read or is larger than 1 MiB.
///
/// `own`: keys of the bot's own. The variables that they are bound to are set as well. `has_authenticator`: the bot has
/// one of its own, so that `listen.address` may be one that others can reach, as it may with `bot.app_id`.
CommandLine load_config(int argc, const char* const* argv, const ConfigDefaults& defaults,
                        const Environment& environment = process_environment(), const OwnKeys& own = {},
                        bool has_authenticator = false);

/// All keys with their values as a JSON object, secrets masked.
std::string print_config(const Settings& settings, const OwnKeys& own = {});

}  // namespace tern
