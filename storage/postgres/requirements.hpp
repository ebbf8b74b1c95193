#pragma once

#include <tern/storage.hpp>
#include <tern/storage/postgres_storage.hpp>

namespace tern::detail::pg {

/// Throws `invalid_argument` for an option that is out of range.
void require_valid(const PostgresOptions& options);

/// Throws `invalid_argument` for what the server could not store: text that is none, and sends that are due beyond the
/// horizon.
void require_storable(const StoreChanges& changes, WallTime now);

}  // namespace tern::detail::pg
