#pragma once

#include <tern/async/clock.hpp>

#include <chrono>

namespace tern::detail {

/// How long every store remembers an idempotency key.
inline constexpr std::chrono::hours idempotency_kept{7 * 24};

/// Whether a key that came at `came` is new again. It is asked for each key that is found, since old keys are removed
/// only now and then.
inline bool is_key_forgotten(WallTime came, WallTime now) noexcept {
  return came < now - idempotency_kept;
}

}  // namespace tern::detail
