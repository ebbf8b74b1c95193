#pragma once

#include <string_view>

namespace tern::detail::pg {

/// What brings the schema from version 1 to 2: the schedule's tables. See docs/storage.md.
extern const std::string_view schedule_migration;

}  // namespace tern::detail::pg
