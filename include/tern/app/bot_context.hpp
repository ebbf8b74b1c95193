#pragma once

#include <tern/app/config.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/bot.hpp>
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

/// How threads that are none of the bot's let it run a coroutine: a client of a queue, a watcher of files, a console.
///
/// Thread safety: all functions from any thread. On a thread of the bot, do not wait for the future: await the work
/// instead.
class Poster {
 public:
  virtual ~Poster() = default;

  /// Runs `work` on one of the bot's threads, after this call. The callable is kept until its coroutine has ended, so
  /// it may capture. A drain waits for it, as for background work. Errors: `errc::shutting_down` during a drain and
  /// afterwards, `errc::overloaded` at `limits.background_tasks`, `errc::invalid_argument` for an empty `work`; then it
  /// has not begun. In the future: what left `work`; `std::future_error` when the app ended before it.
  virtual std::future<void> post(std::function<awaitable<void>()> work) = 0;

  /// The same on the thread where the turns of this conversation run. It does not wait for them: what must not meet a
  /// turn belongs into `Conversation::continue_conversation`.
  virtual std::future<void> post(ConversationReference conversation, BackgroundWork work) = 0;
};

/// What a bot is made with: the parts of its app.
///
/// Lifetime: what it refers to lives as long as the app, and so longer than the bot. It may be copied.
struct BotContext {
  const Settings& settings;
  Metrics& metrics;      ///< for figures of the bot's own in /metrics
  Proactive& proactive;  ///< usable once the bot serves
  AnyStorage storage;    ///< that of state and schedule
  Clock& clock;
  Poster& poster;  ///< usable once the bot serves
};

/// Makes a bot. With `one_per_turn` it is called for each turn, otherwise once. From anything that can be called with a
/// `const BotContext&`, or with nothing, and gives a `std::unique_ptr` to a bot.
class BotFactory {
 public:
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

  /// Of bots of this class, made with the context where they have such a constructor.
  template <std::derived_from<Bot> B>
  static BotFactory of() {
    if constexpr (std::is_constructible_v<B, const BotContext&>) {
      return BotFactory([](const BotContext& context) { return std::make_unique<B>(context); });
    } else {
      return BotFactory([] { return std::make_unique<B>(); });
    }
  }

  std::unique_ptr<Bot> operator()(const BotContext& context) const { return make_(context); }

 private:
  std::function<std::unique_ptr<Bot>(const BotContext&)> make_;
};

}  // namespace tern
