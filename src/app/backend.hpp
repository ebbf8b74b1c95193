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

/// How the command line of a tool names a store of one kind. Its place is a folder, an address or the like.
struct BackendOnCommandLine {
  std::string usage;  ///< for the help, such as "rocksdb:PATH"
  /// The place, if `text` names a store of this kind.
  /// Errors: `std::invalid_argument` for a text that names one, but not where.
  std::function<std::optional<std::string>(const std::string& text)> place_in;
  std::function<void(StorageSettings& storage, const std::string& place)> set_place;
  /// For people: names no password.
  std::function<std::string(const StorageSettings& storage)> name;
  /// The same for the same store, in other runs too; tells nothing of a password.
  std::function<std::string(const StorageSettings& storage)> identity;
  /// Why there is no store to read; absent when that shows only once it is opened.
  std::function<std::optional<std::string>(const StorageSettings& storage)> missing;
};

/// All that the layers above know of one kind of store. A backend describes itself once, in a file of its own in
/// `src/app/backends`, and stands in the table of `backend.cpp`.
struct Backend {
  std::string kind;     ///< as `storage.kind` names it
  std::string summary;  ///< for the help: where it keeps state
  std::string option;   ///< the option of CMake without which a build does not have it; "" when every build has it
  std::vector<ConfigKey> keys;  ///< its keys below `storage.`
  /// Throws `ConfigError` for settings that make no sense together. May be empty.
  std::function<void(const Settings&)> check;
  /// Where the store is, to be told in the log.
  std::function<std::string(const Settings&)> place;
  /// What its keys let it take of memory. May be empty.
  std::function<std::vector<MemoryBound>(const Settings&)> bounds;
  /// Makes the store. Its figures are added to `metrics`, unless that is nullptr. Empty in a build that has it not.
  std::function<StoreParts(const Settings&, Clock&, Metrics* metrics, Patience)> make;
  /// Absent for a store that nobody can open from outside of its bot.
  std::optional<BackendOnCommandLine> tool;

  bool is_built() const noexcept { return static_cast<bool>(make); }
};

/// Those of this program, whether it was built with them or not.
const std::vector<Backend>& backends();
/// nullptr when there is none of this kind.
const Backend* find_backend(std::string_view kind);

/// Adds one that Tern does not have.
/// Preconditions: no configuration was read yet, and no other thread runs. There is none of its kind.
void add_backend(Backend backend);

}  // namespace tern::app
