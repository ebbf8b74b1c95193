#pragma once

#include "auth/document_fetcher.hpp"

#include <tern/async/clock.hpp>
#include <tern/http/http_client.hpp>

#include <string>

namespace tern::auth {

/// Gets the documents of issuers with an `HttpClient` of its own: the certificate is verified, no redirect is followed,
/// and a body of more than 1 MiB is an error. The proxies that the environment names are used.
///
/// Lifetime: it may outlive the io_context of its requests, and must outlive those. The clock outlives it.
/// Thread safety: as `DocumentFetcher`; the executor is that of an `io_context` that one thread runs.
class HttpFetcher final : public DocumentFetcher {
 public:
  /// Whom it trusts, and whom it asks.
  struct Options {
    std::string ca_file;      ///< see `HttpClientOptions`
    std::string nameservers;  ///< see `HttpClientOptions`
  };

  /// Errors: as for `HttpClient`.
  HttpFetcher(Options options, Clock& clock);

  /// Errors: those of `HttpClient`; `errc::bad_answer` for another status than 200, with the URL without its query.
  awaitable<std::string> get(std::string url, Deadline by) override;

 private:
  HttpClient client_;
};

}  // namespace tern::auth
