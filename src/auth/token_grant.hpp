#pragma once

#include <tern/async/clock.hpp>
#include <tern/http/http_client.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace tern::auth {

/// How a bot shows a token service who it is: makes the requests for tokens. There is one class for each kind of
/// credentials, behind the functions below.
///
/// Thread safety: all functions from any thread.
class TokenGrant {
 public:
  virtual ~TokenGrant() = default;

  /// The request for a token of this scope. It reads the files of the credentials again, so that a secret may be
  /// changed while the bot runs. So it may block. Errors: `Error` when a file cannot be read or is unusable; the
  /// message names its key, and has nothing of its
  ///   content.
  virtual HttpRequest request(const std::string& scope, WallTime now) const = 0;
  /// Whether the service is on this machine or beside it, so that no proxy may be asked for it.
  virtual bool is_local() const noexcept { return false; }
  /// The host of the token service, for messages.
  const std::string& host() const noexcept { return host_; }

 protected:
  /// Errors: `errc::invalid_argument` when `url` has no host.
  explicit TokenGrant(std::string_view url);

 private:
  std::string host_;
};

/// A secret, or the file that has it.
struct Secret {
  std::string value;  ///< the secret itself; "" when it is in a file
  std::string file;   ///< the name of the file
  std::string key;    ///< what the file's name is called in the configuration, for messages
};

/// A token service that speaks OAuth 2.0.
struct TokenEndpoint {
  std::string url;     ///< of its token endpoint: https, or http on this machine
  std::string app_id;  ///< the client id of the bot
};

/// With a client secret. Source: RFC 6749, sections 2.3.1 and 4.4.
std::unique_ptr<TokenGrant> secret_grant(TokenEndpoint endpoint, Secret secret);

/// With an assertion that is signed with a certificate. `certificate` and `key`: files in PEM.
/// Source: RFC 7523, section 2.2; see `ClientCertificate`.
std::unique_ptr<TokenGrant> certificate_grant(TokenEndpoint endpoint, std::string certificate, std::string key);

/// With an assertion that somebody else has signed and keeps fresh in a file: a workload identity.
/// Source: RFC 7523, section 2.2; Microsoft Entra, "Workload identity federation".
std::unique_ptr<TokenGrant> federated_grant(TokenEndpoint endpoint, Secret file);

/// Where the managed identity of a machine is asked for a token.
struct IdentityEndpoint {
  std::string url;       ///< without a query
  std::string secret;    ///< App Service's `IDENTITY_HEADER`; "" at the metadata endpoint of a virtual machine
  std::string identity;  ///< the client id of the managed identity
};

/// The identity endpoint of this machine: `url`, if it is not empty; otherwise App Service's, if the environment names
/// it in `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`; otherwise that of a virtual machine of Azure.
IdentityEndpoint identity_endpoint(std::string url, std::string identity);

/// With the managed identity of the machine, which needs no secret.
/// Source: Azure, "How to use managed identities for Azure resources on an Azure VM to acquire an access token"; App
///   Service, "How to use managed identities", REST endpoint reference.
std::unique_ptr<TokenGrant> identity_grant(IdentityEndpoint endpoint);

}  // namespace tern::auth
