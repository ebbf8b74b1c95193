#pragma once

#include "app/descriptors.hpp"
#include "app/endpoints.hpp"
#include "app/own_routes.hpp"
#include "app/proactive_endpoint.hpp"
#include "app/runtime_poster.hpp"
#include "app/stop_progress.hpp"
#include "app/storage_factory.hpp"
#include "connector/connector_client.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "proactive/proactive_service.hpp"
#include "runtime/runtime.hpp"
#include "runtime/stall_watchdog.hpp"

#include <tern/app/app.hpp>
#include <tern/async/metrics.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace tern::app {

/// Hands each request to its own shard's router.
class ShardRouters final : public http::HttpHandler {
 public:
  explicit ShardRouters(std::vector<std::unique_ptr<http::Router>>& routers) : routers_(routers) {}
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;

 private:
  std::vector<std::unique_ptr<http::Router>>& routers_;
};

/// The parts of an app, in the order in which they depend on each other.
///
/// Lifetime: `shards` hold suspended coroutines that refer to everything else and to other shards, so the destructor
/// destroys those while the rest is there, and the shards' contexts after all that may post to them.
class Assembly {
 public:
  Assembly(Settings wanted, BotFactory factory, App::Options options);
  ~Assembly();
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  /// Opens the storage and takes up the schedule; on a shard.
  awaitable<void> open(Deadline by);
  /// After a start that failed midway: closes what was opened. On a shard.
  awaitable<void> give_up(Deadline by);
  /// Accepts connections.
  void listen();
  /// Says on the log what runs and what it does not promise.
  void announce() const;
  /// Answers that it is not ready, from now on. From any thread.
  void say_not_ready() noexcept { ready_.store(false, std::memory_order_release); }
  /// Everything in the order of docs/architecture.md; true when nothing was cut. On a shard.
  awaitable<bool> drain();
  /// Gives back slots and storage; false, and on the log, when that failed. On a shard.
  awaitable<void> tell_of_what_is_lost(Deadline by);
  awaitable<bool> close(Deadline by);
  /// Stops the threads.
  void abort();

  /// "" when the bot is ready. `in_full`: with what the storage says of itself. From any thread.
  std::string why_not_ready(bool in_full) const;

  std::uint16_t port() const;
  std::uint16_t metrics_port() const;

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
  std::vector<std::unique_ptr<connector::ConnectorClient>> connectors;
  std::unique_ptr<runtime::Runtime> runtime;
  std::unique_ptr<proactive::ProactiveService> proactive;
  std::unique_ptr<RuntimePoster> poster;

 private:
  void make_connectors();
  void make_runtime(BotFactory factory, bool one_per_turn);
  void make_edge(const Routes& routes);

  std::unique_ptr<BotContext> context_;
  bool opened_ = false;
  std::atomic<bool> ready_{false};
  ClientGate clients_;
  HealthEndpoint health_;
  std::unique_ptr<ReadyEndpoint> readiness_;
  std::unique_ptr<MetricsEndpoint> figures_;
  std::vector<std::unique_ptr<MessagesEndpoint>> messages_;
  std::unique_ptr<ProactiveEndpoint> proactive_paths_;
  std::unique_ptr<OwnRoutes> own_routes_;
  std::vector<std::unique_ptr<http::Router>> routers_;
  std::unique_ptr<ShardRouters> handler_;
  std::unique_ptr<http::Router> metrics_router_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> metrics_server_;
  std::unique_ptr<runtime::StallWatchdog> watchdog_;
};

}  // namespace tern::app
