#pragma once

#include "app/callers.hpp"
#include "app/channels.hpp"
#include "app/descriptors.hpp"
#include "app/edge.hpp"
#include "app/network_senders.hpp"
#include "app/runtime_poster.hpp"
#include "app/shard_routers.hpp"
#include "app/stop_progress.hpp"
#include "app/storage_factory.hpp"
#include "direct_line/direct_line.hpp"
#include "proactive/proactive_service.hpp"
#include "runtime/runtime.hpp"
#include "runtime/stall_watchdog.hpp"

#include <tern/app/app.hpp>
#include <tern/async/metrics.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace tern::app {

/// The parts of an app. Each part depends on parts before it only.
///
/// Lifetime: suspended coroutines of `shards` refer to all other parts and to other shards. So the destructor destroys
/// these coroutines first, while all parts exist, and the contexts of the shards last.
class Assembly {
 public:
  Assembly(Settings wanted, BotFactory factory, App::Options options);
  ~Assembly();
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  /// Opens the storage and starts the schedule. Call it on a shard.
  awaitable<void> open(Deadline by);
  /// Closes the parts that were opened, after a start that failed. Call it on a shard.
  awaitable<void> give_up(Deadline by);
  /// Accepts connections.
  void listen();
  /// Reads the files of the certificate again, if there are any. From any thread.
  void reload_certificate() { edge_->reload_certificate(); }
  /// Logs that the bot serves, and which promises it does not make.
  void announce() const;
  /// From now on `/readyz` answers that the bot is not ready. From any thread.
  void say_not_ready() noexcept { ready_.store(false, std::memory_order_release); }
  /// Ends everything in the order of docs/architecture.md. True when nothing was cut. Call it on a shard.
  awaitable<bool> drain();
  /// Stops the threads.
  void abort();

  std::uint16_t port() const { return edge_->port(); }
  std::uint16_t metrics_port() const { return edge_->metrics_port(); }

  Settings settings;
  Clock& clock;
  Metrics metrics;

 private:
  std::size_t descriptor_limit_;
  DescriptorPlan descriptors_;

 public:
  runtime::ShardPool shards;
  const std::shared_ptr<StopProgress> progress = std::make_shared<StopProgress>();

 private:
  StoreParts store_;

 public:
  AnyStorage storage;

 private:
  std::unique_ptr<NetworkSenders> network_;
  std::unique_ptr<direct_line::DirectLine> direct_line_;  // nullptr when it is not enabled

 public:
  Channels channels;  ///< that live in the process
  std::unique_ptr<runtime::Runtime> runtime;
  std::unique_ptr<proactive::ProactiveService> proactive;
  std::unique_ptr<RuntimePoster> poster;

 private:
  void make_direct_line();
  void make_channels();
  void make_runtime(BotFactory factory, bool one_per_turn, bool checks_callers);
  void make_callers(const AuthenticatorFactory& factory);
  void make_edge(const Routes& routes);
  std::string bot_id() const;
  /// The sender of a shard for all channels.
  ChannelSender& sender_of(std::size_t shard) noexcept;
  /// Why the bot is not ready; "" when it is. `in_full`: with the storage's own message. From any thread.
  std::string why_not_ready(bool in_full) const;
  /// Warns of pending sends that end with the process.
  awaitable<void> tell_of_what_is_lost(Deadline by);
  /// Gives back slots and storage. False when that failed; the log says why then.
  awaitable<bool> close(Deadline by);

  std::unique_ptr<BotContext> context_;
  bool opened_ = false;
  std::atomic<bool> ready_{false};
  std::unique_ptr<Callers> callers_;  // nullptr when nobody is asked
  std::unique_ptr<ShardRouters> routers_;
  std::unique_ptr<Edge> edge_;
  std::unique_ptr<runtime::StallWatchdog> watchdog_;
};

}  // namespace tern::app
