#include "app/storage_factory.hpp"

#include "storage/split_storage.hpp"

#include <tern/error.hpp>

#include <utility>

namespace tern::app {

bool has_backend(std::string_view kind) {
  const auto* backend = find_backend(kind);
  return backend != nullptr && backend->is_built();
}

const Backend& backend_of(const Settings& settings) {
  const auto& kind = settings.storage.kind;
  const auto* backend = find_backend(kind);
  if (backend == nullptr) {
    throw ConfigError("storage.kind is " + kind + ", and there is no such kind of storage.");
  }
  if (!backend->is_built()) {
    throw ConfigError("storage.kind is " + kind + ", but this program was built without it. Build Tern with -D" +
                      backend->option + "=ON, or choose another kind.");
  }
  return *backend;
}

StoreParts make_documents(const Settings& settings, Clock& clock, Metrics* metrics, Patience patience) {
  try {
    return backend_of(settings).make(settings, clock, metrics, patience);
  } catch (const ConfigError& error) {
    throw_error(errc::invalid_argument, error.what());
  }
}

StoreParts make_storage(const Settings& settings, Clock& clock, Metrics* metrics) {
  auto parts = make_documents(settings, clock, metrics, Patience::of_a_bot);
  parts.storage = with_schedule(std::move(parts.storage), settings, clock);
  return parts;
}

std::string place_of(const Settings& settings) {
  return backend_of(settings).place(settings);
}

AnyStorage with_schedule(AnyStorage storage, const Settings& settings, Clock& clock) {
  if (storage.schedules()) {
    return storage;
  }
  auto schedule = find_backend("memory")->make(settings, clock, nullptr, Patience::of_a_bot).storage;
  return AnyStorage::make<SplitStorage>(std::move(storage), std::move(schedule), settings.limits.pending_sends);
}

}  // namespace tern::app
