#pragma once

#include "app/config_keys.hpp"
#include "app/memory_bounds.hpp"

#include <tern/app/config.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern {
class Metrics;
}

namespace tern::app {

/// A store that is not open yet, and its state.
struct StoreParts {
  AnyStorage storage;
  /// Why the store is away; "" when it is not. From any thread. It may be called after the store is gone.
  std::function<std::string()> obstacle;
};

/// How long the opening of a store waits for a process that has it.
enum class Patience {
  of_a_bot,  ///< it waits, because the other process may be draining
  of_a_tool  ///< it fails at once, because a person waits
};

/// How a tool's command line names a store of one kind. The place of a store is a folder, an address or the like.
struct BackendOnCommandLine {
  std::string usage;  ///< for the help, such as "rocksdb:PATH"
  /// The place, if `text` names a store of this kind.
  /// Errors: `std::invalid_argument` for a text that names this kind without a place.
  std::function<std::optional<std::string>(const std::string& text)> place_in;
  std::function<void(StorageSettings& storage, const std::string& place)> set_place;
  /// The name of the store for people, without a password.
  std::function<std::string(const StorageSettings& storage)> name;
  /// A text that is equal for the same store in every run, without a password.
  std::function<std::string(const StorageSettings& storage)> identity;
  /// Why there is no store to read; nullopt when only opening it can tell.
  std::function<std::optional<std::string>(const StorageSettings& storage)> missing;
};

/// The description of one kind of store. The layers above know nothing else about it. Each backend has a file of its
/// own in `src/app/backends`, and an entry in the table of `backend.cpp`.
struct Backend {
  std::string kind;             ///< the value of `storage.kind`
  std::string summary;          ///< for the help: where the backend keeps state
  std::string option;           ///< the CMake option that adds it to a build; "" when every build has it
  std::vector<ConfigKey> keys;  ///< its keys below `storage.`
  /// Throws `ConfigError` for settings that make no sense together. May be empty.
  std::function<void(const Settings&)> check;
  /// Where the store is, for the log.
  std::function<std::string(const Settings&)> place;
  /// The memory that its keys allow. May be empty.
  std::function<std::vector<MemoryBound>(const Settings&)> bounds;
  /// Makes the store. Its figures are added to `metrics`, unless that is nullptr. Empty in a build without this
  /// backend.
  std::function<StoreParts(const Settings&, Clock&, Metrics* metrics, Patience)> make;
  /// nullopt for a store that only its own bot can open.
  std::optional<BackendOnCommandLine> tool;

  bool is_built() const noexcept { return static_cast<bool>(make); }
};

/// All backends, also those that this build does not have.
const std::vector<Backend>& backends();
/// nullptr when there is no backend of this kind.
const Backend* find_backend(std::string_view kind);

/// Adds a backend that Tern does not have.
/// Preconditions: no configuration was read yet, no other thread runs, and there is no backend of this kind.
void add_backend(Backend backend);

}  // namespace tern::app
