#pragma once

#include "turn/message.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace bench {

/// What is put on a server, alike for all that are compared.
struct LoadSettings {
  unsigned seconds = 3;
  unsigned connections = 16;
  unsigned conversations = 1'000;    ///< and as many users
  bool personal = false;             ///< each user writes in one conversation, instead of in many
  std::optional<int> core;           ///< the only core that wrk runs on
  std::string script;                ///< load.lua
  std::string token;                 ///< that each message brings; empty: none
  std::function<void(pid_t)> began;  ///< is told of the process that makes the load; empty: nobody is
};

struct LoadResult {
  std::uint64_t requests = 0;  ///< answered
  double seconds = 0;
};

/// Throws `std::runtime_error`, naming what to install, when there is no `wrk`.
void require_wrk();

/// Sends messages to the bot on `port` for a while. Their ids begin with `prefix` and never repeat.
/// Errors: `std::runtime_error` when a connection failed, or any answer's status was 400 or more.
LoadResult put_load(std::uint16_t port, Mode mode, const std::string& service_url, const std::string& prefix,
                    const LoadSettings& settings);

}  // namespace bench
