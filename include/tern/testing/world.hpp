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
#include <string_view>
#include <utility>
#include <vector>

namespace tern::test {

/// Options of a world.
struct WorldOptions {
  /// The defaults below.
  WorldOptions() = default;
  /// Keys of the configuration, as `tern::run` takes them. `proactive.enabled` is on unless it is switched off here.
  ConfigDefaults settings;
  OwnKeys keys;               ///< keys of the bot's own, as in `RunOptions::keys`; `settings` may set them
  Routes routes;              ///< routes of the bot's own, as in `AppOptions::routes`; see `World::request`
  bool one_per_turn = false;  ///< a bot object for each turn, as `AppOptions::one_per_turn`
  /// The bot's own authenticator, as in `AppOptions::authenticator`; see `User::with_header`.
  AuthenticatorFactory authenticator;
  /// The bot's own sender, as in `AppOptions::channel_sender`. `World::channel` is its `SenderContext::connector`.
  ChannelSenderFactory channel_sender;
  /// Channels of the bot's own in its process, as in `AppOptions::channels`; see `World::inlet`.
  std::vector<InProcessChannel> channels;
  /// The time that the clock shows at the beginning.
  WallTime start = std::chrono::sys_days{std::chrono::year{2026} / std::chrono::January / 1};
  std::size_t replicas = 1;  ///< processes of the bot that share one store, 1 or more
  /// How long, in real time, `World::run_until`, `World::run` and `Answer::wait` wait for another thread at most.
  std::chrono::milliseconds patience{30'000};
};

/// A pending send of the bot.
struct Pending {
  SendHandle handle;            ///< names it
  WallTime due{};               ///< when it is due
  std::string conversation_id;  ///< where it goes
  std::string text;             ///< of a message
  std::string continuation;     ///< the name of a continuation; "" for a message
};

/// A bot in a world of its own: the real turns, state and schedule of Tern, on a clock that stands still until the test
/// moves it. Channel and storage belong to the test and fail as it orders. Nothing waits for real time.
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
  /// Options of a world.
  using Options = WorldOptions;

  /// Starts the bot.
  /// Errors: `ConfigError` for settings that `tern::run` would refuse; the exceptions of `factory`.
  explicit World(BotFactory factory, Options options = Options());
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// A world with a bot of the class `B`. It is made with the `BotContext`, or with nothing if `B` has no such
  /// constructor.
  template <std::derived_from<Bot> B>
  static World of(Options options = Options()) {
    return World(BotFactory::of<B>(), std::move(options));
  }

  /// A user with this id.
  User user(std::string id = "user-1") { return User(*this, std::move(id)); }
  /// The channel of the test.
  Channel& channel() noexcept;
  /// The storage of the test.
  Store& storage() noexcept;
  /// The clock of the bot. Move it with `advance`.
  ManualClock& clock() noexcept;
  /// The time that the clock shows.
  WallTime now() noexcept { return clock().wall_now(); }

  /// Moves the clock on. Everything that is due on the way is done in order, each thing at its time.
  void advance(SteadyTime::duration duration);
  /// Moves the clock on to this time, which has not passed.
  void advance_to(WallTime when);
  /// Runs everything that is ready, without moving the clock. Actions of users and `advance` do this by themselves.
  void settle();
  /// Runs the bot until `is_so` returns true, without moving the clock: for a bot that waits for another thread.
  /// Errors: `Mismatch` when it has not returned true within `WorldOptions::patience` of real time.
  void run_until(const std::function<bool()>& is_so, std::source_location where = std::source_location::current());

  /// The pending sends, the earliest first.
  std::vector<Pending> pending();
  /// Expects that no send is pending, no turn is open and no background work goes on.
  /// Errors: `Mismatch` with a list of all that there is.
  void expect_nothing_pending(std::source_location where = std::source_location::current());

  /// The bot's messages from outside any turn.
  Proactive& proactive() noexcept;
  /// The figures of the bot.
  Metrics& metrics() noexcept;
  /// A figure of /metrics by its name, with its labels if it has any: `orders_total`, `orders_total{kind="pizza"}`.
  /// nullopt when there is none.
  std::optional<double> figure(const std::string& name);
  ///@{
  /// Runs a coroutine to its end where the bot's turns run: `world.run(world.proactive().cancel(handle))`.
  /// Errors: those of the coroutine; `Mismatch` when it waits for the clock.
  template <class T>
  T run(asio::awaitable<T, executor> work, std::source_location where = std::source_location::current()) {
    auto value = std::make_shared<std::optional<T>>();  // a coroutine that does not end in time has it still
    run_work(keep(std::move(work), value), where);
    return std::move(**value);
  }
  void run(awaitable<void> work, std::source_location where = std::source_location::current()) {
    run_work(std::move(work), where);
  }
  ///@}

  /// The inlet of a channel of `WorldOptions::channels`, in the replica that users reach:
  /// `world.run(world.inlet("urn:my-company:sms").receive(activity))`.
  /// Errors: `errc::not_found` when there is none with this address.
  ChannelInlet& inlet(std::string_view address);

  /// Asks a route of the bot's own, as a client does over HTTP: `world.request("GET", "/orders?all")`. The answer is
  /// 404 when there is no route for this method and path. An exception of the route's handler is thrown here; a client
  /// would get 500.
  WebResponse request(std::string method, std::string target, std::string body = {},
                      std::vector<std::pair<std::string, std::string>> headers = {});

  /// Kills the process of the bot and starts it again on the same storage. Everything that was not stored is lost.
  void restart();
  /// Chooses the replica that users reach from now on. Default: the first, 0. A replica that was killed is not reached.
  /// Errors: `errc::invalid_argument` when there is no such replica; likewise in the functions below.
  void route_to(std::size_t replica);
  /// Kills the process of this replica. The others take its part of the schedule over once its leases have ended, after
  /// 6 s.
  void kill(std::size_t replica);
  /// Starts it again after `kill`.
  void start(std::size_t replica);

  struct Impl;

 private:
  friend class Answer;
  friend class User;

  template <class T>
  static awaitable<void> keep(asio::awaitable<T, executor> work, std::shared_ptr<std::optional<T>> value) {
    value->emplace(co_await std::move(work));
  }
  void run_work(awaitable<void> work, const std::source_location& where);

  std::unique_ptr<Impl> impl_;
};

}  // namespace tern::test
