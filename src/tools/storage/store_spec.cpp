#include "tools/storage/store_spec.hpp"

#include "app/storage_factory.hpp"
#include "app/without_secrets.hpp"
#include "tools/storage/digest.hpp"
#include "tools/storage/tool_error.hpp"

#include <cstdlib>
#include <filesystem>
#include <regex>

namespace tern::tools {

namespace {

// A tool moves large batches, and nobody waits for one of them.
constexpr std::chrono::minutes statement_timeout{10};

std::string from_environment() {
  const char* url = std::getenv("TERN_STORAGE_URL");
  if (url == nullptr || *url == '\0') {
    throw UsageError("postgres: takes the address from the variable TERN_STORAGE_URL, which is not set.");
  }
  return url;
}

StoreSpec with_backend(std::string kind, std::string place) {
  StoreSpec spec;
  spec.kind = std::move(kind);
  spec.place = std::move(place);
  if (!app::has_backend(spec.kind)) {
    throw UsageError("This program was built without " + spec.kind + ". Build Tern with -DTERN_WITH_" +
                     (spec.kind == "rocksdb" ? "ROCKSDB" : "POSTGRES") + "=ON.");
  }
  return spec;
}

// Before anything waits for a server.
StoreSpec on_postgres(const std::string& url) {
  auto spec = with_backend("postgres", url);
  if (const auto obstacle = app::url_obstacle(url)) {
    throw UsageError(*obstacle);
  }
  return spec;
}

void require_rocksdb(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::path(path) / "CURRENT", error)) {
    throw ToolError("There is no RocksDB store in the folder " + path + ".");
  }
}

}  // namespace

std::string StoreSpec::name() const {
  return kind == "rocksdb" ? "rocksdb:" + place : "postgres, schema " + schema;
}

std::string StoreSpec::id() const {
  std::error_code error;
  const auto where =
      kind == "rocksdb" ? std::filesystem::weakly_canonical(place, error).string() : without_password(place);
  return sha256_hex(kind + '\n' + where + '\n' + (kind == "rocksdb" ? "" : schema));
}

StoreSpec parse_store(const std::string& text) {
  if (text.starts_with("postgresql://") || text.starts_with("postgres://")) {
    return on_postgres(text);
  }
  if (text.starts_with("postgres:")) {
    const auto rest = text.substr(9);
    return on_postgres(rest.empty() ? from_environment() : rest);
  }
  if (text.starts_with("rocksdb:")) {
    if (text.size() == 8) {
      throw UsageError("rocksdb: names no folder; write rocksdb:PATH, such as rocksdb:./tern-data.");
    }
    return with_backend("rocksdb", text.substr(8));
  }
  if (text == "memory" || text.starts_with("memory:")) {
    throw UsageError("A memory store lives inside its bot and ends with it: there is nothing to open from outside.");
  }
  throw UsageError("\"" + app::without_secrets(text.substr(0, text.find(':'))) +
                   "\" names no store. Write rocksdb:PATH, postgresql://user@host/database, or postgres: with the "
                   "address in TERN_STORAGE_URL.");
}

std::string without_password(const std::string& url) {
  static const std::regex in_authority("(://[^/?#:@]*):[^/?#]*@");
  static const std::regex as_parameter("(^|[?&\\s])(ssl)?password\\s*=\\s*('([^'\\\\]|\\\\.)*'|[^&\\s]*)");
  return std::regex_replace(std::regex_replace(url, in_authority, "$1@"), as_parameter, "$1");
}

AnyStorage make_store(const StoreSpec& spec, Use use) {
  Settings settings;
  settings.storage.kind = spec.kind;
  settings.storage.schema = spec.schema;
  settings.storage.pgbouncer = spec.pgbouncer;
  settings.storage.statement_timeout = statement_timeout;
  if (spec.kind == "rocksdb") {
    settings.storage.path = spec.place;
    if (use == Use::read) {
      require_rocksdb(spec.place);
    }
  } else {
    settings.storage.url = spec.place;
    settings.storage.create_schema = use == Use::fill;
  }
  return app::make_documents(settings, system_clock(), nullptr, app::Patience::of_a_tool).storage;
}

}  // namespace tern::tools
