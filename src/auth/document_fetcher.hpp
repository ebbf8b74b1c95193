#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/async/deadline.hpp>

#include <string>

namespace tern::auth {

/// Gets the documents of issuers over https.
///
/// Thread safety: used on the executor of the `KeySource` only.
class DocumentFetcher {
 public:
  virtual ~DocumentFetcher() = default;

  /// The body of the answer 200 to a GET of `url`. It checks the certificate of the server and follows no redirect, and
  /// it bounds the size of the body.
  /// Cancellation: terminal cancellation ends it.
  /// Errors: every exception means that there is no document now. It throws for every other answer.
  virtual awaitable<std::string> get(std::string url, Deadline by) = 0;
};

}  // namespace tern::auth
