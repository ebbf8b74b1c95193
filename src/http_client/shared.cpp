#include "http_client/shared.hpp"

#include "http_client/cores.hpp"
#include "http_client/http_core.hpp"
#include "net/nameservers.hpp"
#include "schema/version.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::http_client {

namespace {

constexpr std::chrono::milliseconds longest_time = std::chrono::hours(24);
constexpr std::chrono::milliseconds attempt_delay{250};            // RFC 8305, section 5
constexpr std::chrono::milliseconds connection_lifetime{300'000};  // after it, the name is resolved again

HttpClientOptions checked(HttpClientOptions options) {
  for (auto* count : {&options.connections_per_host, &options.connections, &options.waiting, &options.hosts}) {
    *count = std::max<std::size_t>(*count, 1);
  }
  for (auto* time : {&options.request_timeout, &options.connect_timeout, &options.idle_timeout}) {
    *time = std::clamp(*time, std::chrono::milliseconds(0), longest_time);
  }
  if (options.user_agent.empty()) {
    options.user_agent = std::string("tern/") + version;
  }
  return options;
}

net::ClientBounds bounds_of(const HttpClientOptions& options) {
  net::ClientBounds bounds;
  bounds.in_flight = options.connections_per_host;
  bounds.connections = options.connections;
  bounds.waiting = options.waiting;
  bounds.hosts = options.hosts;
  bounds.connect_timeout = options.connect_timeout;
  bounds.attempt_delay = attempt_delay;
  bounds.idle_timeout = options.idle_timeout;
  bounds.connection_lifetime = connection_lifetime;
  bounds.response_body = options.max_body;
  bounds.keep_headers = true;
  bounds.resolv_conf = "/etc/resolv.conf";
  bounds.waiting_name = "HttpClientOptions::waiting";
  bounds.hosts_name = "HttpClientOptions::hosts";
  auto servers = net::parse_nameservers(options.nameservers);
  if (!servers) {
    throw_error(errc::invalid_argument, "HttpClientOptions::nameservers is \"" + options.nameservers +
                                            "\"; write addresses that are separated by commas");
  }
  bounds.nameservers = std::move(*servers);
  return bounds;
}

net::Proxies proxies_of(const HttpClientOptions& options) {
  return options.proxy_from_environment ? net::Proxies::of_environment() : net::Proxies();
}

}  // namespace

Shared::Shared(HttpClientOptions options, Clock& clock)
    : options_(checked(std::move(options))),
      bounds_(bounds_of(options_)),
      proxies_(proxies_of(options_)),
      clock_(clock) {
  for (const char c : options_.user_agent) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      throw_error(errc::invalid_argument, "HttpClientOptions::user_agent has a control character");
    }
  }
  if (!options_.ca_file.empty()) {
    tls();
  }
}

Shared::~Shared() = default;

net::TlsSettings& Shared::tls() {
  std::call_once(tls_once_, [this] {
    try {
      tls_ = std::make_unique<net::TlsSettings>(true, options_.ca_file);
    } catch (const system_error& error) {
      throw_error(errc::invalid_argument,
                  "the trusted certificates of an HttpClient cannot be read, those of the system" +
                      (options_.ca_file.empty() ? "" : " or " + options_.ca_file) + ": " + error.code().message());
    }
  });
  return *tls_;
}

bool Shared::add(Cores& context, std::weak_ptr<HttpCore> core) {
  const std::lock_guard lock(mutex_);
  if (!closed_) {
    places_.push_back({&context, std::move(core)});
  }
  return !closed_;
}

void Shared::remove(const Cores& context) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase_if(places_, [&context](const Place& place) { return place.context == &context; });
}

// The lock is held, so that no context ends meanwhile.
void Shared::close() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const Place& place : places_) {
    place.context->end_soon(place.core);
  }
  places_.clear();
}

}  // namespace tern::http_client
