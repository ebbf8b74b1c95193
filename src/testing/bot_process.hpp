#pragma once

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

/// What came back for an activity.
struct TurnAnswer {
  std::optional<runtime::TurnReply> reply;
  std::size_t replies = 0;
  std::unique_ptr<runtime::ReplyReader> reader;  ///< of a stream that is not read by itself
  std::string streamed;                          ///< what was read of a stream
  std::optional<runtime::TurnReply> plain;       ///< what a stream was answered that never began
  bool stream_ended = false;
  bool stream_failed = false;  ///< reading it threw

  /// How many activities were read of a stream.
  std::size_t activities() const;
};

/// What a `BotProcess` is made with.
struct BotProcessOptions {
  BotProcessOptions() = default;
  runtime::RuntimeOptions runtime;
  bool proactive_enabled = true;
  proactive::SchedulerOptions scheduling;
  proactive::SendLimits limits;
  std::chrono::milliseconds send_timeout{15'000};
};

/// Everything of a bot between the edge and the channel, on one shard that a test runs by hand: the real runtime and
/// the real schedule. It is killed, not stopped, by its destructor.
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
  /// Runs all that is ready; how many handlers ran.
  std::size_t settle();

  /// Gives the runtime an activity, as the edge does.
  std::shared_ptr<TurnAnswer> receive(Activity activity);
  /// Begins to read a stream to its end.
  void read(const std::shared_ptr<TurnAnswer>& answer);

  Metrics metrics;
  runtime::ShardPool shards;
  std::unique_ptr<runtime::Runtime> runtime;
  std::unique_ptr<proactive::ProactiveService> proactive;
  std::unique_ptr<app::RuntimePoster> poster;
};

}  // namespace tern::test
