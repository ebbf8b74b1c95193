#pragma once

#include "app/callers.hpp"
#include "app/channels.hpp"
#include "app/runtime_poster.hpp"
#include "proactive/proactive_service.hpp"
#include "runtime/runtime.hpp"
#include "runtime/streamed_replies.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/channel_sender.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tern::test {

/// The answer to an activity.
struct TurnAnswer {
  /// What the edge answers by itself.
  struct Refusal {
    unsigned status = 0;
    std::string body;
  };
  std::optional<Refusal> refused;
  std::optional<runtime::TurnReply> reply;
  std::size_t replies = 0;
  std::unique_ptr<runtime::ReplyReader> reader;  ///< of a stream that is not read by itself
  std::string streamed;                          ///< the part of a stream that was read
  std::optional<runtime::TurnReply> plain;       ///< the answer to a request for a stream that never began
  bool stream_ended = false;
  bool stream_failed = false;  ///< reading it threw

  /// Whether it has come: a refusal, a reply, or the end of a stream.
  bool has_come() const noexcept { return refused || reply || plain || stream_ended; }
  /// The status and the body of HTTP, as the edge answers. Preconditions: the answer has come.
  unsigned status() const;
  std::string body() const;
  /// How many activities were read of a stream.
  std::size_t activities() const;
};

class BotProcess;

/// The parts that a `BotProcess` is made with.
struct BotProcessOptions {
  BotProcessOptions() = default;
  runtime::RuntimeOptions runtime;
  bool proactive_enabled = true;
  proactive::SchedulerOptions scheduling;
  proactive::SendLimits limits;
  std::chrono::milliseconds send_timeout{15'000};
  /// Makes the bot's own sender for the process; `channel` is that of the test. Empty: the bot has none.
  std::function<std::unique_ptr<ChannelSender>(BotProcess& process, ChannelSender& channel)> make_own_sender;
  /// Makes the senders of `BotProcess::channels`; `channel` is that of the test, `others` sends what is not theirs.
  std::function<void(BotProcess& process, ChannelSender& channel, ChannelSender& others)> make_channels;
};

/// The process of a bot without the edge and the channel, on one shard that a test runs by hand: the real runtime and
/// the real schedule. Its destructor kills it; it does not stop it.
///
/// Lifetime: clock and sender outlive it.
class BotProcess {
 public:
  using Options = BotProcessOptions;
  using MakeBot = std::function<std::unique_ptr<Bot>(BotProcess&)>;

  /// Has started when this returns.
  /// Errors: those of the bot's factory and of the storage.
  BotProcess(MakeBot make_bot, Options options, ManualClock& clock, ChannelSender& sender, const AnyStorage& storage);
  ~BotProcess();
  BotProcess(const BotProcess&) = delete;
  BotProcess& operator=(const BotProcess&) = delete;

  asio::io_context& io() { return shards[0].io(); }
  /// Runs everything that is ready. Returns how many handlers ran.
  std::size_t settle();

  /// Gives the runtime an activity, as the edge does.
  std::shared_ptr<TurnAnswer> receive(Activity activity);
  /// The same from a known caller.
  void receive(Activity activity, std::shared_ptr<const Identity> caller, const std::shared_ptr<TurnAnswer>& answer);
  /// Begins to read a stream to its end.
  void read(const std::shared_ptr<TurnAnswer>& answer);

  Metrics metrics;
  runtime::ShardPool shards;
  std::unique_ptr<ChannelSender> own_sender;
  app::Channels channels;
  std::unique_ptr<runtime::Runtime> runtime;
  std::unique_ptr<proactive::ProactiveService> proactive;
  std::unique_ptr<app::RuntimePoster> poster;
  std::unique_ptr<app::Callers> callers;  ///< of a bot with an authenticator of its own; set by the owner
};

}  // namespace tern::test
