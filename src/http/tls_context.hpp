#pragma once

#include <tern/async/clock.hpp>

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace tern::http {

/// The files of a server's certificate, both PEM. They may be one file.
struct CertificateFiles {
  std::string certificate;  ///< the server's certificate first, then those that lead to a root
  std::string key;          ///< its private key, without a password
};

/// A certificate with its key, and the rules of TLS that a server serves it with: TLS 1.2 or 1.3, keys that are agreed
/// anew for each connection, no renegotiation, no compression, no session that the server would have to remember (a
/// client may go on with a ticket that it keeps itself), and HTTP/1.1 where a client asks for a protocol (ALPN).
///
/// Thread safety: it does not change; all functions from any thread.
class TlsContext {
 public:
  /// Reads the files, which may block.
  /// Errors: `Error` with `errc::invalid_argument`. Its text names the key of the configuration and the file, says what
  /// is wrong with it, and what to do.
  explicit TlsContext(const CertificateFiles& files);

  /// When the certificate begins to be valid; `WallTime::min()` when that is not known.
  WallTime begins() const noexcept { return begins_; }
  /// When the certificate expires; `WallTime::max()` when that is not known.
  WallTime expires() const noexcept { return expires_; }
  ssl_ctx_st* native() const noexcept { return context_.get(); }

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  WallTime begins_;
  WallTime expires_;
};

}  // namespace tern::http
