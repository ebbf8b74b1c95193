#pragma once

#include <tern/app/config.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/bot.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace tern {

class Metrics;

/// Makes a bot. With `one_per_turn` it is called for each turn, otherwise once.
using BotFactory = std::function<std::unique_ptr<Bot>()>;

/// What a program may put in place of an app's usual parts.
struct AppOptions {
  bool one_per_turn = false;          ///< a bot object for each turn
  Clock* clock = nullptr;             ///< default: the system's
  std::optional<AnyStorage> storage;  ///< default: made from `storage.kind`
};

/// A bot that is served: shards, HTTP edge, storage, proactive sends, put together from settings.
/// `tern::run` is the usual way in; this is for programs that embed a bot, and for tests.
///
/// Thread safety: `start`, `stop` and the destructor from one thread; the rest from any.
class App {
 public:
  using Options = AppOptions;

  /// Opens nothing yet.
  App(Settings settings, BotFactory factory, Options options = {});
  /// Stops, if it runs.
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Opens the storage, listens, and serves until `stop`. Returns once requests are answered.
  /// Errors: `system_error` that says what could not be opened and what to do.
  void start();

  /// Drains in order: not ready, no new connections, turns, background work, senders, storage, shards; at most
  /// `drain.deadline`. True when nothing was cut short.
  bool stop();

  /// The port it listens on, the real one when 0 was configured.
  std::uint16_t port() const;
  /// The port of /healthz, /readyz and /metrics.
  std::uint16_t metrics_port() const;

  /// Messages from outside any turn. Usable between `start` and `stop`.
  Proactive& proactive() const;
  Metrics& metrics() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern
