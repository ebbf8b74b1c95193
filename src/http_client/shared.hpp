#pragma once

#include "net/client_core.hpp"
#include "net/proxies.hpp"

#include <tern/http/http_client.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tern::http_client {

class Cores;
class HttpCore;

/// What the threads of an `HttpClient` share.
/// Thread safety: all functions from any thread.
class Shared {
 public:
  /// Errors: as the constructor of `HttpClient`.
  Shared(HttpClientOptions options, Clock& clock);
  ~Shared();
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  const HttpClientOptions& options() const noexcept { return options_; }
  const net::ClientBounds& bounds() const noexcept { return bounds_; }
  const net::Proxies& proxies() const noexcept { return proxies_; }
  Clock& clock() const noexcept { return clock_; }
  /// The settings of TLS, which are made for the first https host.
  net::TlsSettings& tls();

  /// A core of this client works on a context. False when the client is closed; then nothing changes.
  bool add(Cores& context, std::weak_ptr<HttpCore> core);
  /// The context ends, with its core.
  void remove(const Cores& context) noexcept;
  /// Ends the cores, each on its own thread.
  void close() noexcept;

 private:
  struct Place {
    Cores* context;  // until `remove`
    std::weak_ptr<HttpCore> core;
  };

  HttpClientOptions options_;
  net::ClientBounds bounds_;
  net::Proxies proxies_;
  Clock& clock_;
  std::once_flag tls_once_;
  std::unique_ptr<net::TlsSettings> tls_;
  std::mutex mutex_;
  std::vector<Place> places_;  // guarded by the mutex
  bool closed_ = false;        // likewise
};

}  // namespace tern::http_client
