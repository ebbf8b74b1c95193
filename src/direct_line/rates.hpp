#pragma once

#include "async/keyed_hash.hpp"

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tern::direct_line {

/// Bounds how often each of many things may happen in a time, such as a second. A thing that has rested may happen as
/// often as that time allows at once.
///
/// Thread safety: all functions from any thread.
class Rates {
 public:
  /// `per_second`: 0 for no limit. `keys`: the most keys that are remembered, 1 or more; further ones share one rate.
  Rates(std::size_t per_second, std::size_t keys);
  /// The same for a longer time.
  Rates(std::size_t many, SteadyTime::duration in, std::size_t keys);

  /// Takes so many at once. nullopt when they may happen now; otherwise the time until they may. More than may happen
  /// at once may happen after a rest.
  std::optional<SteadyTime::duration> take(std::string_view key, SteadyTime now, std::size_t count = 1);

  /// The time until one may happen; zero when one may happen now. Takes none.
  SteadyTime::duration wait(std::string_view key, SteadyTime now) const;
  /// Counts what has happened already: so many hundredths of one. What comes next waits for it.
  void charge(std::string_view key, std::size_t hundredths, SteadyTime now);

  /// The number of keys that are remembered.
  std::size_t size() const;

 private:
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
  };

  SteadyTime::duration wait_for(SteadyTime next, SteadyTime now, std::size_t count = 1) const noexcept;
  SteadyTime& next_of(std::string_view key, SteadyTime now);

  const SteadyTime::duration time_;
  const SteadyTime::duration pause_;  // between two, when it happens evenly; 0: no limit
  const std::size_t keys_;
  mutable std::mutex mutex_;
  // When the next one would happen, if all happened evenly. A time that has passed says nothing and is forgotten.
  std::unordered_map<std::string, SteadyTime, tern::detail::KeyedHash, Equal> next_;
  SteadyTime next_of_others_;
  SteadyTime tidy_at_;
};

}  // namespace tern::direct_line
