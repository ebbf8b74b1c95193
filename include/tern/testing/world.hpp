#pragma once

#include <tern/app/app.hpp>
#include <tern/app/config.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/testing/channel.hpp>
#include <tern/testing/mismatch.hpp>
#include <tern/testing/store.hpp>
#include <tern/testing/user.hpp>
#include <tern/turn/proactive.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace tern::test {

/// How a world is made.
struct WorldOptions {
  WorldOptions() = default;
  /// Keys of the configuration, as `tern::run` takes them. `proactive.enabled` is on unless it is switched off here.
  ConfigDefaults settings;
  OwnKeys keys;               ///< of the bot's own, as in `RunOptions::keys`; `settings` may set them
  Routes routes;              ///< of the bot's own, as in `AppOptions::routes`; `World::request` asks them
  bool one_per_turn = false;  ///< a bot object for each turn, as `AppOptions::one_per_turn`
  /// What the clock shows at the beginning.
  WallTime start = std::chrono::sys_days{std::chrono::year{2026} / std::chrono::January / 1};
  std::size_t replicas = 1;  ///< processes of the bot that share one store, 1 or more
  /// How long, in real time, `World::run_until`, `World::run` and `Answer::wait` wait for another thread at most.
  std::chrono::milliseconds patience{30'000};
};

/// A send that the bot has promised and not made yet.
struct Pending {
  SendHandle handle;
  WallTime due{};
  std::string conversation_id;
  std::string text;          ///< of a message
  std::string continuation;  ///< the name of a continuation; "" for a message
};

/// A bot in a world of its own: the real turns, state and schedule of Tern, on a clock that stands still until the test
/// moves it. Channel and storage are the test's, and fail as it orders. Nothing waits for real time.
///
///     World world = World::of<OrderBot>();
///     auto ada = world.user("ada");
///     ada.say("two pizzas");
///     ada.expect("On their way.");
///     world.advance(24h);
///     ada.expect("How was it?");
///     world.expect_nothing_pending();
///
/// Thread safety: used by the thread that made it.
class World {
 public:
  using Options = WorldOptions;

  /// Errors: `ConfigError` for settings that `tern::run` would refuse; whatever `factory` throws.
  explicit World(BotFactory factory, Options options = Options());
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// With bots of this class, made with the `BotContext` or, where they have no such constructor, with nothing.
  template <std::derived_from<Bot> B>
  static World of(Options options = Options()) {
    return World(BotFactory::of<B>(), std::move(options));
  }

  /// Somebody with this id.
  User user(std::string id = "user-1") { return User(*this, std::move(id)); }
  Channel& channel() noexcept;
  Store& storage() noexcept;
  ManualClock& clock() noexcept;
  WallTime now() noexcept { return clock().wall_now(); }

  /// Moves the clock on. All that is due on the way is done in order, each at its time.
  void advance(SteadyTime::duration duration);
  /// Moves the clock on to this time, which has not passed.
  void advance_to(WallTime when);
  /// Runs all that is ready, without moving the clock. What users do and `advance` do it by themselves.
  void settle();
  /// Runs the bot until `is_so`, without moving the clock: for a bot that waits for another thread.
  /// Errors: `Mismatch` when it has not come to that in `WorldOptions::patience` of real time.
  void run_until(const std::function<bool()>& is_so, std::source_location where = std::source_location::current());

  /// What is promised and not done, that which is due first first.
  std::vector<Pending> pending();
  /// That nothing is promised, no turn is open and no background work goes on.
  /// Errors: `Mismatch` with all that is.
  void expect_nothing_pending(std::source_location where = std::source_location::current());

  /// The bot's messages from outside any turn.
  Proactive& proactive() noexcept;
  Metrics& metrics() noexcept;
  /// A figure of /metrics by its name, with its labels if it has any: `orders_total`, `orders_total{kind="pizza"}`.
  /// nullopt when there is none.
  std::optional<double> figure(const std::string& name);
  /// Runs a coroutine where the bot's turns run, to its end: `world.run(world.proactive().cancel(handle))`.
  /// Errors: those of the coroutine; `Mismatch` when it waits for the clock.
  template <class T>
  T run(awaitable<T> work, std::source_location where = std::source_location::current()) {
    auto value = std::make_shared<std::optional<T>>();  // a coroutine that does not end in time has it still
    run_work(keep(std::move(work), value), where);
    return std::move(**value);
  }
  void run(awaitable<void> work, std::source_location where = std::source_location::current()) {
    run_work(std::move(work), where);
  }

  /// Asks a route of the bot's own, as a client does over HTTP: `world.request("GET", "/orders?all")`. 404 when there
  /// is none for this method and path. What leaves the route's handler is thrown here; a client would get 500.
  WebResponse request(std::string method, std::string target, std::string body = {},
                      std::vector<std::pair<std::string, std::string>> headers = {});

  /// The process of the bot is killed and started again on the same storage: what was not stored is lost.
  void restart();
  /// With several replicas: which one users reach from now on. Default: the first, 0. A replica that was killed is not
  /// reached.
  /// Errors: `errc::invalid_argument`, as those below.
  void route_to(std::size_t replica);
  /// The process of this replica is killed. Its part of the schedule is taken over by the others once its leases have
  /// run out, after 6 s.
  void kill(std::size_t replica);
  /// Starts it again after `kill`.
  void start(std::size_t replica);

  struct Impl;

 private:
  friend class Answer;
  friend class User;

  template <class T>
  static awaitable<void> keep(awaitable<T> work, std::shared_ptr<std::optional<T>> value) {
    value->emplace(co_await std::move(work));
  }
  void run_work(awaitable<void> work, const std::source_location& where);

  std::unique_ptr<Impl> impl_;
};

}  // namespace tern::test
