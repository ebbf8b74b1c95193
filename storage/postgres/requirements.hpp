#pragma once

#include <tern/storage.hpp>
#include <tern/storage/postgres_storage.hpp>

namespace tern::detail::pg {

/// Throws `invalid_argument` for an option that is out of range.
void require_valid(const PostgresOptions& options);

/// Throws `invalid_argument` for data that the server could not store: a text that is not UTF-8 or has a NUL, and a
/// send that is due beyond the horizon.
void require_storable(const StoreChanges& changes, WallTime now);

}  // namespace tern::detail::pg
