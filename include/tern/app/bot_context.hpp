#pragma once

#include <tern/app/config.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/bot.hpp>
#include <tern/turn/channel_inlet.hpp>
#include <tern/turn/conversation.hpp>
#include <tern/turn/proactive.hpp>

#include <concepts>
#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

namespace tern {

class Metrics;

/// Runs coroutines for threads that do not belong to the bot: a client of a queue, a watcher of files, a console.
///
/// Thread safety: all functions from any thread. On a thread of the bot, do not wait for the future: await the work
/// instead.
class Poster {
 public:
  virtual ~Poster() = default;

  /// Runs `work` on one of the bot's threads, after this call. The callable is kept until its coroutine has ended, so
  /// it may capture. A drain waits for it, as for background work. The future is ready when `work` has ended; it holds
  /// the exception that left `work`, or `std::future_error` when the app ended first.
  /// Errors: `errc::shutting_down` during a drain and afterwards, `errc::overloaded` at `limits.background_tasks`,
  ///   `errc::invalid_argument` for an empty `work`. Then `work` has not begun.
  virtual std::future<void> post(std::function<awaitable<void>()> work) = 0;

  /// The same on the thread where the turns of this conversation run. `work` does not wait for those turns: code that
  /// must not run beside a turn belongs into `Conversation::continue_conversation`.
  virtual std::future<void> post(ConversationReference conversation, BackgroundWork work) = 0;
};

/// The parts of its app that a bot is made with.
///
/// Lifetime: the parts live as long as the app, and so longer than the bot. The context may be copied.
struct BotContext {
  const Settings& settings;  ///< the whole configuration
  Metrics& metrics;          ///< for figures of the bot's own in /metrics
  Proactive& proactive;      ///< usable once the bot serves
  AnyStorage storage;        ///< where state and schedule are kept
  Clock& clock;              ///< for times, and for waits with `sleep_for`
  Poster& poster;            ///< usable once the bot serves
  ChannelInlets& inlets;     ///< of the channels of `AppOptions::channels`; usable once the bot serves
};

/// Makes a bot: once, or with `AppOptions::one_per_turn` for each turn. It is made from a function that takes a
/// `const BotContext&`, or nothing, and returns a `std::unique_ptr` to a bot.
class BotFactory {
 public:
  /// From such a function.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, BotFactory> &&
             (std::is_invocable_r_v<std::unique_ptr<Bot>, F&, const BotContext&> ||
              std::is_invocable_r_v<std::unique_ptr<Bot>, F&>))
  BotFactory(F make) {
    if constexpr (std::is_invocable_r_v<std::unique_ptr<Bot>, F&, const BotContext&>) {
      make_ = std::move(make);
    } else {
      make_ = [make = std::move(make)](const BotContext&) mutable -> std::unique_ptr<Bot> { return make(); };
    }
  }

  /// For bots of the class `B`, made with the context if `B` has such a constructor, and with nothing otherwise.
  template <std::derived_from<Bot> B>
  static BotFactory of() {
    if constexpr (std::is_constructible_v<B, const BotContext&>) {
      return BotFactory([](const BotContext& context) { return std::make_unique<B>(context); });
    } else {
      return BotFactory([] { return std::make_unique<B>(); });
    }
  }

  /// A new bot.
  std::unique_ptr<Bot> operator()(const BotContext& context) const { return make_(context); }

 private:
  std::function<std::unique_ptr<Bot>(const BotContext&)> make_;
};

}  // namespace tern
