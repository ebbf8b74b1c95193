#include "app/edge.hpp"

#include "app/edge_rules.hpp"
#include "http/describe.hpp"
#include "http/unix_socket_file.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace tern::app {

namespace {

http::ServerLimits server_limits(const Settings& settings, const DescriptorPlan& descriptors) {
  http::ServerLimits limits;
  limits.connections = descriptors.connections;
  limits.refusals = descriptors.refusals;
  limits.gone = settings.limits.turns;
  limits.closing_time = std::min(limits.closing_time, settings.drain.deadline / 4);
  limits.body = settings.limits.body;
  limits.header = settings.limits.header;
  limits.header_timeout = settings.limits.header_timeout;
  limits.body_timeout = settings.limits.body_timeout;
  limits.idle_timeout = settings.limits.idle_timeout;
  return limits;
}

http::ServerLimits metrics_limits(const Settings& settings, const DescriptorPlan& descriptors) {
  auto limits = server_limits(settings, descriptors);
  limits.connections = std::min(limits.connections, descriptors.metrics_connections);
  limits.refusals = std::min(limits.refusals, descriptors.metrics_connections);
  return limits;
}

http::TrustedProxies trusted_proxies(const ListenSettings& listen) {
  check_trusted_proxies(listen);
  return http::TrustedProxies::parse(listen.trusted_proxies).value();
}

// A web page in a browser of this machine can reach a listener on loopback, by a name of its own (DNS rebinding). So
// only known hosts are served.
http::ServedHosts served_hosts(const std::string& address, const std::string& listed) {
  auto names = http::parse_host_list(listed);
  if (!names) {
    throw ConfigError("listen.hosts is \"" + listed + "\", which is not a list of names separated by commas");
  }
  error_code no_address;                                   // `listen` reports it
  const bool file = http::unix_path(address).has_value();  // no browser reaches it
  if (!file && asio::ip::make_address(address, no_address).is_loopback()) {
    return http::ServedHosts::loopback_and(std::move(*names));
  }
  return names->empty() ? http::ServedHosts() : http::ServedHosts::addresses_and(std::move(*names));
}

}  // namespace

Edge::Edge(const Settings& settings, const DescriptorPlan& descriptors, ShardRouters& routers,
           const direct_line::DirectLine* direct_line, runtime::ShardPool& shards, Clock& clock, Metrics& metrics)
    : settings_(settings), shards_(shards), clock_(clock), metrics_(metrics) {
  make_server(descriptors, routers, direct_line);
  if (!settings.listen.certificate.empty()) {
    make_certificate();
  }
  if (settings.metrics.port) {
    make_metrics_server(descriptors, routers);
  }
}

void Edge::make_server(const DescriptorPlan& descriptors, ShardRouters& routers,
                       const direct_line::DirectLine* direct_line) {
  std::vector<http::ServerShard> edges;
  edges.reserve(shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    edges.push_back({shards_[i].io(), shards_[i].wheel()});
  }
  auto limits = server_limits(settings_, descriptors);
  if (direct_line != nullptr) {
    limits.large_bodies = std::make_shared<const http::LargeBodies>(
        http::LargeBodies{direct_line->largest_body(),
                          [direct_line](const http::HttpRequest& head) { return direct_line->body_of(head); }});
  }
  server_ = std::make_unique<http::Server>(std::move(edges), routers, std::move(limits), clock_, metrics_);
  server_->serve_hosts(served_hosts(settings_.listen.address, settings_.listen.hosts));
  server_->trust(trusted_proxies(settings_.listen));
}

void Edge::make_metrics_server(const DescriptorPlan& descriptors, ShardRouters& routers) {
  metrics_router_ = std::make_unique<http::Router>();
  routers.add_health(*metrics_router_);
  metrics_server_ =
      std::make_unique<http::Server>(std::vector<http::ServerShard>{{shards_[0].io(), shards_[0].wheel()}},
                                     *metrics_router_, metrics_limits(settings_, descriptors), clock_, metrics_);
  metrics_server_->serve_hosts(served_hosts(settings_.metrics.address, settings_.listen.hosts));
}

void Edge::make_certificate() {
  try {
    certificate_ = std::make_unique<CertificateWatch>(
        http::CertificateFiles{settings_.listen.certificate, settings_.listen.certificate_key},
        [this](auto context) { server_->serve_tls(std::move(context)); }, shards_[0].ex(), clock_, metrics_);
  } catch (const system_error& e) {
    throw ConfigError(message_of(e));
  }
}

void Edge::listen() {
  constexpr int octal = 8;
  server_->listen(settings_.listen.address, settings_.listen.port,
                  static_cast<mode_t>(std::stoul(settings_.listen.mode, nullptr, octal)));
  if (metrics_server_) {
    metrics_server_->listen(settings_.metrics.address, *settings_.metrics.port);
    metrics_server_->start();
  }
}

void Edge::start() {
  if (certificate_) {
    asio::co_spawn(shards_[0].ex(), certificate_->run(), [](const std::exception_ptr& error) {
      if (error) {
        log::error("the files of the certificate are not looked at any more", {{"error", http::describe(error)}});
      }
    });
  }
  server_->start();
}

void Edge::reload_certificate() {
  if (certificate_) {
    certificate_->look_now();
  }
}

}  // namespace tern::app
