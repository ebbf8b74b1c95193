#pragma once

#include <tern/app/config.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace tern {
class Metrics;
}

namespace tern::app {

/// Whether this build has the backend `kind`; "memory" always.
bool has_backend(std::string_view kind) noexcept;

/// What to say of a backend that this build has not: which option to build with.
std::string missing_backend(std::string_view kind);

/// A store that is not open yet, and how it is.
struct StoreParts {
  AnyStorage storage;
  /// Why the store is away, "" when it is not. From any thread; it may outlive the store.
  std::function<std::string()> obstacle;
};

/// The store of documents that `settings.storage` names. Its figures are added to `metrics`, unless that is nullptr.
/// Errors: `errc::invalid_argument` for a backend that this build has not, and for options that it refuses.
StoreParts make_documents(const Settings& settings, Clock& clock, Metrics* metrics);

/// As `make_documents`, with a schedule: one in memory when the backend keeps none.
StoreParts make_storage(const Settings& settings, Clock& clock, Metrics* metrics);

/// Where that store is, to be told in the log: the folder, as an absolute path, or the schema; "" in memory.
std::string place_of(const Settings& settings);

/// `storage` itself, or `storage` with a schedule in memory when it keeps none.
AnyStorage with_schedule(AnyStorage storage, const Settings& settings, Clock& clock);

}  // namespace tern::app
