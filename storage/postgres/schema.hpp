#pragma once

#include "session.hpp"

#include <string>
#include <string_view>

namespace tern::detail::pg {

/// The schema's newest version. Migrations only add, so an older process goes on beside a newer one that is started.
///
/// 1: `documents`. 2: the schedule's tables. 3: the digest of an idempotency key.
inline constexpr int schema_version = 3;

/// An identifier in double quotes.
std::string quoted_name(const std::string& name);

/// SQL with the schema's quoted name in place of each @.
std::string in_schema(std::string_view sql, const std::string& schema);

/// Letters, digits and underscores, 1 to 63, so that the name needs no further care in SQL.
/// Errors: `errc::invalid_argument`.
void require_schema_name(const std::string& name);

/// Brings the schema to `schema_version`, or checks it when it may not be created. Replicas that start at once take
/// turns, by an advisory lock of the transaction.
/// Errors: `system_error` as `PostgresStorage::open`; `Failure` when the connection is lost.
void prepare_schema(Session& session, const PostgresOptions& options, SteadyTime cut_at);

/// The statements that read and write documents.
struct Statements {
  explicit Statements(const std::string& schema);
  Statement read;    ///< ($1 bytea[]): position, eTag, document of each key that is there
  Statement write;   ///< ($1 bytea[], $2 text[], $3 int4[], $4 int8[]): see the source
  Statement update;  ///< the same and $5 int4[]: position and eTag of each row that was written
  Statement scan;    ///< ($1 bytea, $2 bytea, $3 int8): key in hex, eTag, document
  Statement scan_to_the_end;
};

}  // namespace tern::detail::pg
