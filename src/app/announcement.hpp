#pragma once

#include "app/callers.hpp"

#include <tern/app/config.hpp>
#include <tern/storage/types.hpp>

#include <cstddef>
#include <cstdint>

namespace tern::app {

/// What the log says about an app when it begins to serve.
struct Announcement {
  const Settings& settings;
  StoreTraits storage;
  std::uint16_t port = 0;
  std::uint16_t metrics_port = 0;
  bool tls = false;
  std::size_t threads = 0;
  const Callers* callers = nullptr;  ///< nullptr when nobody is asked
  const char* credentials = "";      ///< whose they are
  bool has_credentials = false;
  std::size_t connections = 0;  ///< that the descriptors are enough for
  std::size_t descriptors = 0;  ///< that the process may have
};

/// Logs that the bot serves, and which promises it does not make.
void announce(const Announcement& about);

}  // namespace tern::app
