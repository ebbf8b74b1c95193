#pragma once

#include <string_view>

namespace tern::detail::pg {

/// The migration from version 1 to 2: the tables of the schedule. See docs/storage.md.
extern const std::string_view schedule_migration;

/// The migration from version 2 to 3: idempotency keys get a digest of the promise of their send. Running processes of
/// version 2 go on beside it: their keys have no digest, and are not compared.
extern const std::string_view digest_migration;

}  // namespace tern::detail::pg
