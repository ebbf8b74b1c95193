#pragma once

#include "app/certificate_watch.hpp"
#include "app/descriptors.hpp"
#include "app/shard_routers.hpp"
#include "http/server.hpp"
#include "runtime/shard.hpp"

#include <tern/app/config.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace tern::app {

/// Where clients reach an app: its server, the server of /healthz, /readyz and /metrics when they have a port of their
/// own, and the certificate.
///
/// Lifetime: the arguments of the constructor outlive it.
/// Thread safety: as for `http::Server`.
class Edge {
 public:
  /// `direct_line`: nullptr when it is not enabled.
  /// Errors: `ConfigError` for addresses and hosts that make no sense, and for a certificate that cannot be used.
  Edge(const Settings& settings, const DescriptorPlan& descriptors, ShardRouters& routers,
       const direct_line::DirectLine* direct_line, runtime::ShardPool& shards, Clock& clock, Metrics& metrics);

  /// Binds the addresses; `start` accepts. The server of /healthz, /readyz and /metrics accepts at once.
  /// Errors: as for `http::Server::listen`.
  void listen();
  /// Accepts connections, and looks at the files of the certificate from now on. Preconditions: `listen`.
  void start();

  /// Reads the files of the certificate again, if there are any. From any thread.
  void reload_certificate();
  bool has_certificate() const noexcept { return certificate_ != nullptr; }

  /// As `http::Server::stop_accepting`. The server of /healthz, /readyz and /metrics goes on.
  void stop_accepting() { server_->stop_accepting(); }
  /// As `http::Server::drain`.
  awaitable<bool> drain(Deadline by) { return server_->drain(by); }

  std::uint16_t port() const noexcept { return server_->port(); }
  std::uint16_t metrics_port() const noexcept { return metrics_server_ ? metrics_server_->port() : port(); }

 private:
  void make_server(const DescriptorPlan& descriptors, ShardRouters& routers,
                   const direct_line::DirectLine* direct_line);
  void make_metrics_server(const DescriptorPlan& descriptors, ShardRouters& routers);
  void make_certificate();

  const Settings& settings_;
  runtime::ShardPool& shards_;
  Clock& clock_;
  Metrics& metrics_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Router> metrics_router_;
  std::unique_ptr<http::Server> metrics_server_;   // nullptr without a port of its own
  std::unique_ptr<CertificateWatch> certificate_;  // nullptr without TLS
};

}  // namespace tern::app
