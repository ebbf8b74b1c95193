#pragma once

#include <tern/app/config.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>

#include <functional>
#include <optional>
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

/// Why a PostgreSQL cannot be reached by `url`, whatever runs there: it cannot be read. Repeats no part of it. Absent
/// when it can be read, and in a build without that backend.
std::optional<std::string> url_obstacle(const std::string& url);

/// A store that is not open yet, and how it is.
struct StoreParts {
  AnyStorage storage;
  /// Why the store is away, "" when it is not. From any thread; it may outlive the store.
  std::function<std::string()> obstacle;
};

/// Who opens a store.
enum class Patience {
  of_a_bot,  ///< it waits for a process that has the store and drains
  of_a_tool  ///< a person waits, and is told at once that a bot has it
};

/// The store of documents that `settings.storage` names. Its figures are added to `metrics`, unless that is nullptr.
/// Errors: `errc::invalid_argument` for a backend that this build has not, and for options that it refuses.
StoreParts make_documents(const Settings& settings, Clock& clock, Metrics* metrics, Patience patience);

/// As `make_documents`, with a schedule: one in memory when the backend keeps none.
StoreParts make_storage(const Settings& settings, Clock& clock, Metrics* metrics);

/// Where that store is, to be told in the log: the folder, as an absolute path, or the schema; "" in memory.
std::string place_of(const Settings& settings);

/// `storage` itself, or `storage` with a schedule in memory when it keeps none.
AnyStorage with_schedule(AnyStorage storage, const Settings& settings, Clock& clock);

}  // namespace tern::app
