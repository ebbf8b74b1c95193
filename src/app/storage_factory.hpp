#pragma once

#include "app/backend.hpp"

#include <string>
#include <string_view>

namespace tern::app {

/// Whether this build has the backend `kind`. Every build has "memory".
bool has_backend(std::string_view kind);

/// The backend that `settings.storage` names.
/// Errors: `ConfigError` for a backend that this build does not have; the message names the option to build with.
const Backend& backend_of(const Settings& settings);

/// The store of documents that `settings.storage` names. Its figures are added to `metrics`, unless that is nullptr.
/// Errors: `errc::invalid_argument` for a backend that this build does not have, and for options that it refuses.
StoreParts make_documents(const Settings& settings, Clock& clock, Metrics* metrics, Patience patience);

/// As `make_documents`, with a schedule: in memory when the backend has none.
StoreParts make_storage(const Settings& settings, Clock& clock, Metrics* metrics);

/// Where that store is, for the log.
std::string place_of(const Settings& settings);

/// `storage` itself, or `storage` with a schedule in memory when it has none.
AnyStorage with_schedule(AnyStorage storage, const Settings& settings, Clock& clock);

}  // namespace tern::app
