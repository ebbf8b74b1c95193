#include "schema.hpp"

#include "schedule_schema.hpp"

#include <tern/async/log.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace tern::detail::pg {

namespace {

// The migrations from version i to i + 1. An entry never changes once it is released; new ones only add.
//
// Keys are bytes, because a key may be any bytes and pages go in byte order; `convert_from(key, 'UTF8')` shows one.
// Room is left in each page, so that an update finds place beside the old version and touches no index.
const std::array<std::string_view, schema_version> migrations{R"(
CREATE TABLE @.documents (
  key bytea PRIMARY KEY,
  document text NOT NULL,
  etag bigint NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE SEQUENCE @.etag AS bigint;
)",
                                                              schedule_migration, digest_migration};

constexpr std::string_view create_versions = R"(
CREATE SCHEMA IF NOT EXISTS @;
CREATE TABLE IF NOT EXISTS @.schema_version (
  version integer PRIMARY KEY,
  applied timestamptz NOT NULL DEFAULT now()
);
)";

bool is_schema_name(const std::string& name) noexcept {
  constexpr std::size_t longest = 63;
  return !name.empty() && name.size() <= longest && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

std::string literal(const std::string& text) {
  std::string quoted = "'";
  for (const char character : text) {
    quoted += character == '\'' ? "''" : std::string(1, character);
  }
  return quoted + "'";
}

std::string record_version(const std::string& schema, int version) {
  return in_schema("INSERT INTO @.schema_version (version) VALUES (", schema) + std::to_string(version) + ");\n";
}

// 0 when there is none yet.
int found_version(Session& session, const std::string& schema, SteadyTime cut_at) {
  // Looked up in the catalogue, which needs no rights on the schema.
  const auto table = session.run(
      "SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
      "ON n.oid = c.relnamespace WHERE c.relname = 'schema_version' AND n.nspname = " +
          literal(schema),
      cut_at);
  if (table[0][0].as<int>() == 0) {
    return 0;
  }
  const auto version = session.run(in_schema("SELECT coalesce(max(version), 0) FROM @.schema_version", schema), cut_at);
  return version[0][0].as<int>();
}

void require_known(int version, const std::string& schema) {
  if (version > schema_version) {
    throw_error(errc::invalid_argument, "The schema \"" + schema + "\" of the Postgres storage has version " +
                                            std::to_string(version) + ", this program knows versions up to " +
                                            std::to_string(schema_version) +
                                            ". Use the program that made it, or a later one.");
  }
}

void require_utf8(Session& session, SteadyTime cut_at) {
  const auto answer = session.run("SHOW server_encoding", cut_at);
  const std::string encoding = answer[0][0].c_str();
  if (encoding != "UTF8") {
    throw_error(errc::invalid_argument, "The database of the Postgres storage is encoded in " + encoding +
                                            ". Documents are UTF-8: create it with ENCODING 'UTF8'.");
  }
}

[[noreturn]] void throw_no_schema(const std::string& schema, const std::string& why) {
  throw_error(errc::invalid_argument,
              "The database has no schema \"" + schema + "\" of version " + std::to_string(schema_version) + ", and " +
                  why +
                  " If a bot has used this database, its storage.schema is another (--schema of the tools). Otherwise "
                  "let a bot begin that may create it, or an administrator run the SQL that `tern-storage schema "
                  "--postgres --schema " +
                  schema + "` prints (in a program: postgres_schema_sql).");
}

std::string migration_sql(const std::string& schema, int from) {
  std::string sql = in_schema(create_versions, schema);
  for (int version = from; version < schema_version; ++version) {
    sql += in_schema(migrations[static_cast<std::size_t>(version)], schema) + record_version(schema, version + 1);
  }
  return sql;
}

// Replicas that start at once take turns.
void take_turn(Session& session, const std::string& schema, SteadyTime cut_at) {
  const auto key = std::to_string(static_cast<std::int64_t>(stable_hash("tern schema " + schema)));
  const auto taken = session.run("SELECT pg_try_advisory_xact_lock(" + key + ")", cut_at);
  if (!taken[0][0].as<bool>()) {
    log::info("another process migrates the storage schema; waiting for it",
              {{"storage", "postgres"}, {"schema", schema}});
    session.run("SELECT pg_advisory_xact_lock(" + key + ")", cut_at);
  }
}

Failure not_migrated_in_time(const std::string& schema, const Failure& cut) {
  return {FailureKind::cut,
          std::string(cut.what()) + " The schema \"" + schema + "\" was not brought to version " +
              std::to_string(schema_version) +
              " in the time that a start has, and is as it was: it takes long, or another process is at it. Let the "
              "SQL that `tern-storage schema` prints run with psql, for as long as it takes, and start again."};
}

// In its turn: whoever was first has migrated, and the others find that.
void migrate_once(Session& session, const std::string& schema, SteadyTime cut_at) {
  session.run("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0", cut_at);
  try {
    take_turn(session, schema, cut_at);
    const int version = found_version(session, schema, cut_at);
    require_known(version, schema);
    if (version < schema_version) {
      log::info("migrating the storage schema; with many documents this takes a while",
                {{"storage", "postgres"}, {"schema", schema}, {"from", version}, {"to", schema_version}});
      session.run(migration_sql(schema, version), cut_at);
      log::info("storage schema migrated",
                {{"storage", "postgres"}, {"schema", schema}, {"from", version}, {"to", schema_version}});
    }
    session.run("COMMIT", cut_at);
  } catch (const Failure& failure) {
    if (failure.kind() == FailureKind::cut) {
      throw not_migrated_in_time(schema, failure);
    }
    if (!failure.is_lost()) {
      session.run("ROLLBACK", cut_at);
    }
    throw;
  }
}

// A migration waits for a lock for a moment only: whoever comes behind it, replicas that serve among them, waits as
// long as it does. A long transaction of somebody else, such as a dump, is waited for between two tries.
void migrate(Session& session, const std::string& schema, SteadyTime cut_at) {
  constexpr std::chrono::milliseconds pause{500};
  for (;;) {
    try {
      migrate_once(session, schema, cut_at);
      return;
    } catch (const Failure& failure) {
      if (failure.kind() != FailureKind::race) {
        throw;
      }
      if (std::chrono::steady_clock::now() + pause >= cut_at) {
        throw not_migrated_in_time(schema, failure);
      }
      log::info("the migration of the storage schema waits for another transaction that uses it",
                {{"storage", "postgres"}, {"schema", schema}});
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

std::string in_schema(std::string_view sql, const std::string& schema) {
  const auto name = quoted_name(schema);
  std::string text;
  for (const char character : sql) {
    if (character == '@') {
      text += name;
    } else {
      text += character;
    }
  }
  return text;
}

std::string quoted_name(const std::string& name) {
  std::string quoted = "\"";
  for (const char character : name) {
    quoted += character == '"' ? "\"\"" : std::string(1, character);
  }
  return quoted + "\"";
}

void require_schema_name(const std::string& name) {
  if (!is_schema_name(name)) {
    throw_error(errc::invalid_argument,
                "The schema of the Postgres storage needs a name of 1 to 63 letters, digits and underscores.");
  }
}

void prepare_schema(Session& session, const PostgresOptions& options, SteadyTime cut_at) {
  try {
    require_utf8(session, cut_at);
    const int version = found_version(session, options.schema, cut_at);
    require_known(version, options.schema);
    if (version == schema_version) {
      return;
    }
    if (!options.create_schema) {
      throw_no_schema(options.schema, "it is not to be created here.");
    }
    migrate(session, options.schema, cut_at);
  } catch (const Failure& failure) {
    if (failure.kind() != FailureKind::refused) {
      throw;
    }
    throw_no_schema(options.schema, "it could not be created or read (" + std::string(failure.what()) + ").");
  }
}

}  // namespace tern::detail::pg

namespace tern {

std::string postgres_schema_sql(const std::string& schema, const std::string& role) {
  using namespace detail::pg;
  require_schema_name(schema);
  // The migrations themselves, each skipped where it was applied before.
  std::string sql =
      "-- Tern's schema, up to version " + std::to_string(schema_version) + ". It can be run again.\nBEGIN;";
  sql += in_schema(create_versions, schema);
  for (int version = 0; version < schema_version; ++version) {
    const auto number = std::to_string(version + 1);
    sql += "DO $tern$ BEGIN\nIF NOT EXISTS (SELECT FROM " + quoted_name(schema) +
           ".schema_version WHERE version = " + number + ") THEN" +
           in_schema(migrations[static_cast<std::size_t>(version)], schema) + record_version(schema, version + 1) +
           "END IF;\nEND $tern$;\n";
  }
  if (!role.empty()) {
    const auto to = " TO " + quoted_name(role) + ";\n";
    sql += in_schema("GRANT USAGE ON SCHEMA @", schema) + to + in_schema("GRANT SELECT ON @.schema_version", schema) +
           to + in_schema("GRANT SELECT, INSERT, UPDATE, DELETE ON @.documents", schema) + to +
           in_schema("GRANT USAGE ON SEQUENCE @.etag, @.send_seq, @.dead_number", schema) + to +
           in_schema(
               "GRANT SELECT, INSERT, UPDATE, DELETE ON @.slot, @.owner, @.send, @.retry, @.moved, @.reply, @.inbox, "
               "@.idempotency, @.dead, @.counter",
               schema) +
           to + in_schema("GRANT EXECUTE ON FUNCTION @.add_send_week(int4), @.drop_drained_weeks(int4)", schema) + to;
  }
  return sql + "COMMIT;\n";
}

}  // namespace tern
