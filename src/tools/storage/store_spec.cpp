#include "tools/storage/store_spec.hpp"

#include "app/storage_factory.hpp"
#include "app/without_secrets.hpp"
#include "tools/storage/digest.hpp"
#include "tools/storage/tool_error.hpp"

#include <chrono>
#include <stdexcept>

namespace tern::tools {

namespace {

// A tool moves large batches, and nobody waits for one of them.
constexpr std::chrono::minutes statement_timeout{10};

// Only specs of backends with a command line are made.
const app::BackendOnCommandLine& command_line_of(const StoreSpec& spec) {
  return *app::find_backend(spec.storage.kind)->tool;
}

StoreSpec spec_of(const app::Backend& backend, const std::string& place) {
  if (!backend.is_built()) {
    throw UsageError("This program was built without " + backend.kind + ". Build Tern with -D" + backend.option +
                     "=ON.");
  }
  StoreSpec spec;
  spec.storage.kind = backend.kind;
  backend.tool->set_place(spec.storage, place);
  return spec;
}

}  // namespace

std::string StoreSpec::name() const {
  return command_line_of(*this).name(storage);
}

std::string StoreSpec::id() const {
  return sha256_hex(storage.kind + '\n' + command_line_of(*this).identity(storage));
}

StoreSpec parse_store(const std::string& text) {
  for (const auto& backend : app::backends()) {
    if (!backend.tool) {
      if (text == backend.kind || text.starts_with(backend.kind + ':')) {
        throw UsageError("A " + backend.kind +
                         " store lives inside its bot and ends with it: there is nothing to open from outside.");
      }
      continue;
    }
    std::optional<std::string> place;
    try {
      place = backend.tool->place_in(text);
    } catch (const std::invalid_argument& error) {
      throw UsageError(error.what());
    }
    if (place) {
      return spec_of(backend, *place);
    }
  }
  throw UsageError("\"" + app::without_secrets(text.substr(0, text.find(':'))) + "\" names no store. Write " +
                   store_usage() + ".");
}

std::string store_usage() {
  std::string usage;
  for (const auto& backend : app::backends()) {
    if (backend.tool) {
      usage += (usage.empty() ? "" : ", ") + backend.tool->usage;
    }
  }
  return usage;
}

std::string with_stores(std::string help) {
  constexpr std::string_view name = "STORES";
  return help.replace(help.find(name), name.size(), store_usage());
}

AnyStorage make_store(const StoreSpec& spec, Use use) {
  if (use == Use::read) {
    if (const auto obstacle = command_line_of(spec).missing(spec.storage)) {
      throw ToolError(*obstacle);
    }
  }
  Settings settings;
  settings.storage = spec.storage;
  settings.storage.statement_timeout = statement_timeout;
  settings.storage.create_schema = use == Use::fill;
  return app::make_documents(settings, system_clock(), nullptr, app::Patience::of_a_tool).storage;
}

}  // namespace tern::tools
