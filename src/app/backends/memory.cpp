#include "app/backends/backends.hpp"

#include <tern/storage/memory_storage.hpp>

namespace tern::app {

Backend memory_backend() {
  Backend backend;
  backend.kind = "memory";
  backend.summary = "in this process, gone when it ends";
  backend.place = [](const Settings&) { return std::string("this process"); };
  backend.make = [](const Settings& settings, Clock& clock, Metrics*, Patience) {
    MemoryStorageLimits limits;
    limits.bytes = settings.limits.storage_bytes;
    limits.sends = settings.limits.pending_sends;
    return StoreParts{AnyStorage::make<MemoryStorage>(limits, clock), [] { return std::string(); }};
  };
  return backend;
}

}  // namespace tern::app
