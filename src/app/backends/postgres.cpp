#include "app/backends/backends.hpp"
#include "app/backends/figures.hpp"
#include "app/config_makers.hpp"
#include "app/without_secrets.hpp"

#ifdef TERN_HAS_POSTGRES
#include <tern/storage/postgres_storage.hpp>
#endif

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace tern::app {

namespace {

bool is_schema_name(std::string_view name) {
  constexpr std::size_t longest_name = 63;
  return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::vector<ConfigKey> keys() {
  using S = Settings;
  using T = StorageSettings;
  return {
      text_key("storage.url", Setting{&S::storage, &T::url}, "postgresql://user:password@host:port/database",
               "postgres: the database. Parameters such as sslmode are added as in ?sslmode=verify-full.", true),
      checked_key("storage.schema", Setting{&S::storage, &T::schema}, is_schema_name,
                  "1 to 63 letters, digits and underscores", "postgres: the schema that holds the tables."),
      bool_key("storage.create_schema", Setting{&S::storage, &T::create_schema},
               "postgres: create and migrate that schema at start. Off, tern-storage schema prints the SQL to run."),
      bool_key("storage.pgbouncer", Setting{&S::storage, &T::pgbouncer},
               "postgres: storage.url leads to PgBouncer in transaction mode."),
      number_key("storage.write_lanes", Setting{&S::storage, &T::write_lanes}, 1, 64,
                 "postgres: connections that write, a thread each."),
      number_key("storage.read_lanes", Setting{&S::storage, &T::read_lanes}, 1, 64,
                 "postgres: connections that read, a thread each."),
      duration_key("storage.statement_timeout", Setting{&S::storage, &T::statement_timeout},
                   "postgres: the longest that the server may work on one statement, at least 100ms and at most 1h."),
  };
}

/// Why `url` is malformed, without repeating any part of it. nullopt when it is well-formed, and in a build without
/// this backend.
std::optional<std::string> url_obstacle([[maybe_unused]] const std::string& url) {
#ifdef TERN_HAS_POSTGRES
  return postgres_url_obstacle(url);
#else
  return std::nullopt;
#endif
}

/// The messages never repeat the url, which may contain a password.
void check(const Settings& settings) {
  const auto& storage = settings.storage;
  if (storage.url.empty()) {
    throw ConfigError(
        "storage.kind is postgres, which needs storage.url, such as postgresql://user@host:5432/database. In the "
        "environment it is TERN_STORAGE_URL, where other users of the machine do not see it.");
  }
  if (!storage.url.starts_with("postgresql://") && !storage.url.starts_with("postgres://") &&
      storage.url.find('=') == std::string::npos) {
    throw ConfigError(
        "storage.url is not an address of a PostgreSQL server. It begins with postgresql://, or has the form "
        "host=... dbname=... .");
  }
  if (const auto obstacle = url_obstacle(storage.url)) {
    throw ConfigError("storage.url cannot be used. " + *obstacle);
  }
  if (storage.statement_timeout < std::chrono::milliseconds(100) || storage.statement_timeout > std::chrono::hours(1)) {
    throw ConfigError("storage.statement_timeout is " + write_duration(storage.statement_timeout) +
                      "; allowed is 100ms to 1h.");
  }
}

#ifdef TERN_HAS_POSTGRES
void add_figures(Metrics& metrics, const std::shared_ptr<const PostgresStorage>& store) {
  const auto add = [&](const char* name, const char* help, std::uint64_t PostgresStats::* figure) {
    add_figure<PostgresStorage>(metrics, store, std::string("tern_postgres_") + name, help,
                                [figure](const PostgresStorage& s) { return s.stats().*figure; });
  };
  add("reads", "Reads and scans.", &PostgresStats::reads);
  add("writes", "Writes.", &PostgresStats::writes);
  add("read_batches", "Statements that read.", &PostgresStats::read_batches);
  add("write_batches", "Transactions that wrote.", &PostgresStats::write_batches);
  add("retries", "Transactions that were tried again.", &PostgresStats::retries);
  add("connections_lost", "Connections found dead, or cut.", &PostgresStats::connections_lost);
  add("connections_made", "Connections made.", &PostgresStats::connections_made);
  add_figure<PostgresStorage>(metrics, store, "tern_postgres_up", "1 while every lane has its connection.",
                              [](const PostgresStorage& s) { return s.healthy() ? 1 : 0; });
}

StoreParts make(const Settings& settings, Clock& clock, Metrics* metrics, Patience) {
  PostgresOptions options;
  options.url = settings.storage.url;
  options.schema = settings.storage.schema;
  options.create_schema = settings.storage.create_schema;
  options.pgbouncer = settings.storage.pgbouncer;
  options.write_lanes = static_cast<std::uint16_t>(settings.storage.write_lanes);
  options.read_lanes = static_cast<std::uint16_t>(settings.storage.read_lanes);
  options.statement_timeout = settings.storage.statement_timeout;
  options.queue = settings.limits.storage_queue;
  auto [storage, store] = AnyStorage::make_with_access<PostgresStorage>(std::move(options), clock);
  if (metrics != nullptr) {
    add_figures(*metrics, store);
  }
  return {std::move(storage), store->obstacle()};
}
#endif

std::string from_environment() {
  const char* url = std::getenv("TERN_STORAGE_URL");
  if (url == nullptr || *url == '\0') {
    throw std::invalid_argument("postgres: takes the address from the variable TERN_STORAGE_URL, which is not set.");
  }
  return url;
}

// The url is checked here, so that nothing waits for a server with a malformed address.
std::optional<std::string> place_in(const std::string& text) {
  constexpr std::string_view prefix = "postgres:";
  std::string url = text;
  if (!text.starts_with("postgresql://") && !text.starts_with("postgres://")) {
    if (!text.starts_with(prefix)) {
      return std::nullopt;
    }
    url = text.size() > prefix.size() ? text.substr(prefix.size()) : from_environment();
  }
  if (const auto obstacle = url_obstacle(url)) {
    throw std::invalid_argument(*obstacle);
  }
  return url;
}

BackendOnCommandLine on_command_line() {
  BackendOnCommandLine tool;
  tool.usage = "postgresql://user@host/database, or postgres: with the address in TERN_STORAGE_URL";
  tool.place_in = place_in;
  tool.set_place = [](StorageSettings& storage, const std::string& url) { storage.url = url; };
  tool.name = [](const StorageSettings& storage) { return "postgres, schema " + storage.schema; };
  tool.identity = [](const StorageSettings& storage) { return without_password(storage.url) + '\n' + storage.schema; };
  tool.missing = [](const StorageSettings&) { return std::nullopt; };
  return tool;
}

}  // namespace

Backend postgres_backend() {
  Backend backend;
  backend.kind = "postgres";
  backend.summary = "in a database that several processes share";
  backend.option = "TERN_WITH_POSTGRES";
  backend.keys = keys();
  backend.check = check;
  backend.place = [](const Settings& settings) { return "schema " + settings.storage.schema; };
#ifdef TERN_HAS_POSTGRES
  backend.make = make;
#endif
  backend.tool = on_command_line();
  return backend;
}

}  // namespace tern::app
