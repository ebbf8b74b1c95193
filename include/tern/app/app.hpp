#pragma once

#include <tern/app/bot_context.hpp>
#include <tern/app/config.hpp>
#include <tern/app/routes.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/bot.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace tern {

class Metrics;

namespace app {
struct AppAccess;
}

/// What a program may put in place of an app's usual parts.
struct AppOptions {
  bool one_per_turn = false;          ///< a bot object for each turn
  Clock* clock = nullptr;             ///< default: the system's
  std::optional<AnyStorage> storage;  ///< default: made from `storage.kind`
  Routes routes;                      ///< of the bot's own, on the server that serves its messages
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

  /// Not ready at once; serves on for `drain.delay`. Then drains in order: no new connections, turns, background work,
  /// senders, responses; what is left at `drain.deadline` is cut. Then slots and storage, which have 2 s at least, and
  /// the threads. True when nothing was cut short.
  ///
  /// Nothing can cut a handler that blocks its thread, nor a log whose reader has stalled: then this call does not
  /// return until they go on, and neither does the destructor. `tern::run` ends the process in that case; whoever
  /// embeds a bot decides for themselves.
  bool stop();

  /// The port it listens on, the real one when 0 was configured.
  std::uint16_t port() const;
  /// The port of /healthz, /readyz and /metrics.
  std::uint16_t metrics_port() const;

  /// Messages from outside any turn. Usable between `start` and `stop`.
  Proactive& proactive() const;
  Metrics& metrics() const;

  /// Runs a coroutine on one of the bot's threads, or on that of a conversation; see `Poster`.
  std::future<void> post(std::function<awaitable<void>()> work) const;
  std::future<void> post(ConversationReference conversation, BackgroundWork work) const;

  struct Impl;

 private:
  friend struct app::AppAccess;

  std::unique_ptr<Impl> impl_;
};

}  // namespace tern
