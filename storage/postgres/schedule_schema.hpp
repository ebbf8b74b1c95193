#pragma once

#include <string_view>

namespace tern::detail::pg {

/// What brings the schema from version 1 to 2: the schedule's tables. See docs/storage.md.
extern const std::string_view schedule_migration;

/// From version 2 to 3: idempotency keys are kept with a digest of what their send promises. Processes of version 2
/// that are running go on beside it: their keys have none, and are not compared.
extern const std::string_view digest_migration;

}  // namespace tern::detail::pg
