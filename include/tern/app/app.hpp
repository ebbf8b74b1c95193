#pragma once

#include <tern/app/bot_context.hpp>
#include <tern/app/config.hpp>
#include <tern/app/routes.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/authenticator.hpp>
#include <tern/turn/bot.hpp>
#include <tern/turn/channel_sender.hpp>
#include <tern/turn/credential_provider.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

class Metrics;

namespace app {
struct AppAccess;
}

/// The parts of its app that a sender of a bot's own is made with.
///
/// Lifetime: the parts live longer than the sender.
struct SenderContext {
  const Settings& settings;  ///< the whole configuration
  Metrics& metrics;          ///< for figures of its own in /metrics; all shards share them
  Clock& clock;              ///< for times and waits
  executor shard;            ///< the shard that the sender is for; all of its functions are called there
  /// Tern's own sender for this shard, for channels that are not the sender's own. It sends where the configuration
  /// lets a bot send.
  ChannelSender& connector;
};

/// Makes the sender of a shard. It is called once for each shard, one after the other, before the bot is made.
using ChannelSenderFactory = std::function<std::unique_ptr<ChannelSender>(const SenderContext&)>;

/// Makes the authenticator of an app. It is called once, after the bot is made.
using AuthenticatorFactory = std::function<std::unique_ptr<Authenticator>(const BotContext&)>;

/// The parts of its app that the credentials of a bot are made with.
///
/// Lifetime: the parts live longer than the credentials.
struct CredentialContext {
  const Settings& settings;  ///< the whole configuration
  Metrics& metrics;          ///< for figures of its own in /metrics
  Clock& clock;              ///< for times and waits
};

/// Makes the credentials of an app. It is called once, before the senders and the bot are made.
using CredentialFactory = std::function<std::unique_ptr<CredentialProvider>(const CredentialContext&)>;

/// The credentials that the keys below `bot.` describe, as an app makes them by itself: `app_id`, `tenant_id`, `cloud`,
/// and those of one kind of credential. For a program with several bots, which has such settings for each of them, and
/// gives what this returns to `CredentialsOfBots`. It has a thread of its own, for requests and for files.
/// Errors: `ConfigError` when there is no app id, no credential or more than one kind of it, or when a file cannot be
///   read or used.
std::unique_ptr<CredentialProvider> bot_credentials(const BotSettings& bot, const CredentialContext& context);

/// A channel of a bot's own that lives in the bot's process: nothing between the two is HTTP. What the bot sends goes
/// to the channel's sender, and the channel gives the bot activities through its inlet (`ChannelInlet`).
///
/// References of its conversations have the address as their `serviceUrl`. They are kept and stored as all others are;
/// replies, scheduled sends, limits and repetitions are the same, too. Activities that come over HTTP with such a
/// `serviceUrl` are refused, whoever brings them, and do not move its conversations.
struct InProcessChannel {
  /// `urn:NAME:PART`, such as `urn:my-company:sms`: lower-case letters, digits and `-._` between the colons, 64
  /// characters at most. `urn:tern:` is Tern's own. References may have an address below it,
  /// `urn:my-company:sms:germany`, to tell parts of the channel apart. It is stored, so it stays as it is.
  std::string address;
  /// Makes the channel's sender for a shard, which is given this channel's activities alone.
  ChannelSenderFactory sender;
};

/// Parts of an app that a program may replace, and additions.
struct AppOptions {
  bool one_per_turn = false;          ///< a bot object for each turn
  Clock* clock = nullptr;             ///< default: the system's
  std::optional<AnyStorage> storage;  ///< default: made from `storage.kind`
  Routes routes;                      ///< paths of the bot's own, on the server that receives its messages
  /// Finds out who sends activities. Default: nobody is asked. There is one for the whole app, because keys that it
  /// fetches and tokens that it has verified are good on all shards.
  ///
  /// Lifetime: it is destroyed after the last call to it has ended or was destroyed, and before the shards.
  /// Errors: an exception of the factory leaves the constructor of `App`; `errc::invalid_argument` when the factory
  ///   returns nothing.
  AuthenticatorFactory authenticator;
  /// Gives the tokens that the bot shows to the services of channels. Default: made from the keys below `bot.` if they
  /// have a credential; otherwise the bot shows none. There is one for the whole app. Tern's own sender asks it; a
  /// sender of the bot's own does as it likes.
  ///
  /// Lifetime and errors: as for `authenticator`.
  CredentialFactory credentials;
  /// Sends activities to channels. Default: Tern's own, over HTTP. There is one for each shard, so that it needs no
  /// locks. Everything that the bot sends goes through it: replies, sends of the schedule with their limits and
  /// repetitions, broadcasts.
  ///
  /// Lifetime: it is destroyed after the last call to it has ended or was destroyed, and before its shard. A drain
  ///   waits for the sends under way.
  /// Errors: as for `authenticator`.
  ChannelSenderFactory channel_sender;
  /// Channels of the bot's own that live in its process. Their senders stand beside `channel_sender`, with the same
  /// lifetime.
  ///
  /// Errors: as for `authenticator`; `errc::invalid_argument` for an address that cannot be one, or is taken.
  std::vector<InProcessChannel> channels;
};

/// A bot with all that serves it: shards, HTTP edge, storage and schedule, made from settings.
/// `tern::run` is the usual way in; this is for programs that embed a bot, and for tests.
///
/// Thread safety: `start`, `stop` and the destructor from one thread; the rest from any.
class App {
 public:
  /// Parts that a program may replace.
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

  /// Stops the app. `/readyz` says at once that the bot is not ready; the app serves on for `drain.delay`. Then it
  /// drains in this order: new connections are refused; turns, background work, senders and responses end; all that is
  /// left at `drain.deadline` is cut. Last, slots and storage are given back, for which there are 2 s at least, and the
  /// threads end. True when nothing was cut.
  ///
  /// A handler that blocks its thread cannot be cut, nor a log whose reader has stalled. Then this call, and the
  /// destructor, return only when the handler or the reader goes on. `tern::run` ends the process in that case; a
  /// program that embeds a bot has to decide for itself.
  bool stop();

  /// The port that the app listens on; when 0 was configured, the one that the system chose.
  std::uint16_t port() const;
  /// The port of /healthz, /readyz and /metrics.
  std::uint16_t metrics_port() const;

  /// Messages from outside any turn. Usable between `start` and `stop`.
  Proactive& proactive() const;
  /// The figures of /metrics.
  Metrics& metrics() const;
  /// The inlet of a channel of `Options::channels`. Usable between `start` and `stop`.
  /// Errors: `errc::not_found` when there is none with this address.
  ChannelInlet& inlet(std::string_view address) const;

  ///@{
  /// Runs a coroutine on one of the bot's threads, or on the thread of a conversation; see `Poster`.
  std::future<void> post(std::function<awaitable<void>()> work) const;
  std::future<void> post(ConversationReference conversation, BackgroundWork work) const;
  ///@}

  struct Impl;

 private:
  friend struct app::AppAccess;

  std::unique_ptr<Impl> impl_;
};

}  // namespace tern
