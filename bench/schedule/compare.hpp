#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace bench {

/// What a pending send costs that is kept in memory.
struct PendingFigures {
  double bytes = 0;   ///< for each
  double cpu_us = 0;  ///< for each, from being made until it has fired
};

/// `count` coroutines, each with an Asio timer of its own and the message that it would send.
PendingFigures measure_asio_timers(std::size_t count);
/// The same as `setTimeout` continuations in JavaScript. nullopt when there is no `node`.
std::optional<PendingFigures> measure_set_timeout(const std::string& script, std::size_t count);

}  // namespace bench
