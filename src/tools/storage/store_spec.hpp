#pragma once

#include <tern/app/config.hpp>
#include <tern/storage/any_storage.hpp>

#include <string>

namespace tern::tools {

/// A store as it is named on a command line. Each backend says how (`app::BackendOnCommandLine`): `rocksdb:PATH`,
/// `postgresql://...`, or `postgres:` with the address in TERN_STORAGE_URL, where others do not see it.
struct StoreSpec {
  StorageSettings storage;

  /// For people: names no password.
  std::string name() const;
  /// The same for the same store, in other runs too; tells nothing of a password.
  std::string id() const;
};

/// Errors: `UsageError` for a text that names no store, and for a backend that this build does not have.
StoreSpec parse_store(const std::string& text);

/// How a store can be named, in words.
std::string store_usage();
/// The text of a `--help` with these words in place of "STORES".
std::string with_stores(std::string help);

/// The purpose for which a store is opened.
enum class Use {
  read,  ///< it must be there already
  fill   ///< it is created when it is not there
};

/// Makes the store, not open yet.
/// Errors: `ToolError` when there is none to read.
AnyStorage make_store(const StoreSpec& spec, Use use);

}  // namespace tern::tools
