#pragma once

#include "app/callers.hpp"
#include "app/certificate_watch.hpp"
#include "app/channels.hpp"
#include "app/descriptors.hpp"
#include "app/endpoints.hpp"
#include "app/own_routes.hpp"
#include "app/proactive_endpoint.hpp"
#include "app/runtime_poster.hpp"
#include "app/stop_progress.hpp"
#include "app/storage_factory.hpp"
#include "connector/connector_client.hpp"
#include "direct_line/direct_line.hpp"
#include "direct_line/page.hpp"
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

/// Passes each request to the router of its own shard.
class ShardRouters final : public http::HttpHandler {
 public:
  explicit ShardRouters(std::vector<std::unique_ptr<http::Router>>& routers) : routers_(routers) {}
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;

 private:
  std::vector<std::unique_ptr<http::Router>>& routers_;
};

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
  void reload_certificate();
  /// Logs that the bot serves, and which promises it does not make.
  void announce() const;
  /// From now on `/readyz` answers that the bot is not ready. From any thread.
  void say_not_ready() noexcept { ready_.store(false, std::memory_order_release); }
  /// Ends everything in the order of docs/architecture.md. True when nothing was cut. Call it on a shard.
  awaitable<bool> drain();
  /// Warns of pending sends that end with the process.
  awaitable<void> tell_of_what_is_lost(Deadline by);
  /// Gives back slots and storage. False when that failed; the log says why then. Call it on a shard.
  awaitable<bool> close(Deadline by);
  /// Stops the threads.
  void abort();

  /// Why the bot is not ready; "" when it is. `in_full`: with the storage's own message. From any thread.
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
  std::unique_ptr<CredentialProvider> credentials;  ///< nullptr when the bot shows no tokens
  std::vector<std::unique_ptr<connector::ConnectorClient>> connectors;
  std::vector<std::unique_ptr<ChannelSender>> own_senders;  ///< the bot's own, one for each shard; empty without them
  std::unique_ptr<direct_line::DirectLine> direct_line;     ///< nullptr when it is not enabled
  Channels channels;                                        ///< that live in the process
  std::unique_ptr<runtime::Runtime> runtime;
  std::unique_ptr<proactive::ProactiveService> proactive;
  std::unique_ptr<RuntimePoster> poster;

 private:
  void make_credentials(const CredentialFactory& factory);
  void ask_for_first_token() noexcept;
  void make_connectors(bool has_authenticator);
  void make_own_senders(const ChannelSenderFactory& factory);
  void make_direct_line();
  void make_channels();
  ChannelSender& sender_over_network(std::size_t shard) noexcept;
  ChannelSender& sender_of(std::size_t shard) noexcept;
  void make_runtime(BotFactory factory, bool one_per_turn, bool checks_callers);
  void make_callers(const AuthenticatorFactory& factory);
  void make_edge(const Routes& routes);
  void announce_callers() const;
  void announce_credentials() const;
  void announce_authority() const;
  void add_endpoints(std::size_t shard);
  void add_health(http::Router& router);
  void make_certificate();
  void make_servers();

  /// Where Tern's own sender sends to.
  enum class Destinations { this_machine, listed, any };

  std::unique_ptr<BotContext> context_;
  Destinations destinations_ = Destinations::this_machine;
  const char* credentials_name_ = "none";  // for the log
  bool opened_ = false;
  std::atomic<bool> ready_{false};
  ClientGate clients_;
  std::unique_ptr<Callers> callers_;  // nullptr when nobody is asked
  HealthEndpoint health_;
  std::unique_ptr<ReadyEndpoint> readiness_;
  std::unique_ptr<MetricsEndpoint> figures_;
  std::vector<std::unique_ptr<MessagesEndpoint>> messages_;
  std::unique_ptr<ProactiveEndpoint> proactive_paths_;
  std::unique_ptr<OwnRoutes> own_routes_;
  std::unique_ptr<direct_line::Page> chat_page_;  // nullptr when it is not served
  std::vector<std::unique_ptr<http::Router>> routers_;
  std::unique_ptr<ShardRouters> handler_;
  std::unique_ptr<http::Router> metrics_router_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> metrics_server_;
  std::unique_ptr<CertificateWatch> certificate_;  // nullptr without TLS
  std::unique_ptr<runtime::StallWatchdog> watchdog_;
};

}  // namespace tern::app
