#pragma once

#include "app/backend.hpp"

namespace tern::app {

Backend memory_backend();
Backend rocksdb_backend();
Backend postgres_backend();

}  // namespace tern::app
