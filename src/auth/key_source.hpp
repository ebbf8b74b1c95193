#pragma once

#include "auth/document_fetcher.hpp"
#include "auth/key_schedule.hpp"
#include "auth/key_set.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace tern::auth {

/// Where the keys of an issuer come from.
struct KeySourceOptions {
  std::string metadata_url;  ///< of the issuer's OpenID document, https
  std::string issuer;        ///< the `issuer` that the document must have
  std::string tenant;        ///< the tenant that the keys must be of; "" when the issuer is no tenant
  bool allow_http = false;   ///< documents may be fetched over http from this machine: a host of loopback
  std::chrono::milliseconds fetch_timeout = std::chrono::seconds(10);  ///< for both documents together
  std::chrono::milliseconds wait_timeout = std::chrono::seconds(4);    ///< how long a token waits for a fetch
  std::size_t most_waiting = 1000;  ///< how many tokens wait for a fetch; for further ones the keys are unavailable
  KeyTimes times;                   ///< when keys are fetched
};

/// The keys of one issuer. They are fetched when the first token asks for one, and again by the rules of `KeySchedule`:
/// the OpenID document first, and then the document of keys that it names. One fetch is under way at a time, and all
/// tokens that need it wait for it.
///
/// Lifetime: it outlives its coroutines; a context that is destroyed takes those on it along. A fetch that is under way
///   when it is destroyed is cancelled and ends on `home`, so the clock and the metrics outlive it and that context.
/// Thread safety: all functions from any thread. A look-up takes a mutex for less than a microsecond.
class KeySource {
 public:
  struct Found {
    KeySchedule::Answer answer;
    std::shared_ptr<const SigningKey> key;  ///< not null with `use`
    SteadyTime::duration later{};           ///< see `KeySchedule::Step`
  };

  /// `home` runs one handler at a time, and has the fetches.
  /// Errors: `errc::invalid_argument` when the URL is neither https nor, with `allow_http`, http of this
  ///   machine.
  KeySource(KeySourceOptions options, executor home, std::shared_ptr<DocumentFetcher> fetcher, Clock& clock,
            Metrics& metrics);
  ~KeySource();
  KeySource(const KeySource&) = delete;
  KeySource& operator=(const KeySource&) = delete;

  /// The key of this name, if it is there. It may begin a fetch, and does not wait.
  Found find(std::string_view key_id);
  /// Waits for the fetch that `find` spoke of, at most for `wait_timeout`, and not at all when too many wait. The
  /// answer is neither `wait` nor `later`. Cancellation: terminal cancellation throws `operation_aborted`; the fetch
  /// goes on.
  awaitable<Found> wait_for(std::string key_id);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tern::auth
