#pragma once

#include <tern/async/clock.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace tern::auth {

/// A certificate with its private key, with which a bot signs that it is the bot.
///
/// Thread safety: it does not change.
class ClientCertificate {
 public:
  /// Reads the first certificate and the first private key (RSA, not encrypted) of two texts in PEM, which may be the
  /// same.
  /// Errors: `errc::invalid_argument`; the message is the end of a sentence about the two, and has nothing of them.
  ClientCertificate(std::string_view certificate, std::string_view key);

  /// A client assertion that is good for ten minutes, for the token service at `audience`, its token endpoint: signed
  /// with PS256, with the SHA-256 of the certificate as `x5t#S256` and a `jti` that is never used again.
  /// Source: RFC 7523, section 3; Microsoft identity platform, "Certificate credentials".
  std::string assertion(std::string_view app_id, std::string_view audience, WallTime now) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

}  // namespace tern::auth
