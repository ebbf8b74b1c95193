#include "auth/token_grant.hpp"

#include "auth/client_assertion.hpp"
#include "auth/secret_file.hpp"
#include "net/url.hpp"

#include <tern/error.hpp>

#include <cstdlib>
#include <utility>
#include <vector>

namespace tern::auth {

namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::string_view assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Appends `text` so that it is one name or value in a query or in a form.
void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits_of_hex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
        c == '_' || c == '~') {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(digits_of_hex[byte >> 4]);
      out.push_back(digits_of_hex[byte & 15]);
    }
  }
}

std::string encoded_fields(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    text.append(text.empty() ? "" : "&");
    append_encoded(text, name);
    text.push_back('=');
    append_encoded(text, value);
  }
  return text;
}

HttpRequest form_request(const std::string& url, const Fields& fields) {
  HttpRequest request{"POST", url, {{"Content-Type", "application/x-www-form-urlencoded"}}, encoded_fields(fields)};
  request.headers.add("Accept", "application/json");
  return request;
}

net::Origin origin_in(std::string_view url) {
  net::Origin origin;
  std::string_view rest;
  if (const char* wrong = net::parse_origin(url, origin, rest)) {
    throw_error(errc::invalid_argument, std::string("The URL of the token service ") + wrong + ".");
  }
  return origin;
}

/// A secret goes to such a service, so its connection must be safe.
TokenEndpoint checked_endpoint(TokenEndpoint endpoint) {
  const net::Origin origin = origin_in(endpoint.url);
  if (!origin.tls && !net::is_loopback(origin)) {
    throw_error(errc::invalid_argument, "The token service " + net::host_header_of(origin) +
                                            " is not asked over https. Give an https URL: a secret is sent to it.");
  }
  return endpoint;
}

class SecretGrant final : public TokenGrant {
 public:
  SecretGrant(TokenEndpoint endpoint, Secret secret)
      : TokenGrant(endpoint.url), endpoint_(checked_endpoint(std::move(endpoint))), secret_(std::move(secret)) {}

  HttpRequest request(const std::string& scope, WallTime /*now*/) const override {
    const std::string secret = secret_.value.empty() ? read_secret_line(secret_.key, secret_.file) : secret_.value;
    return form_request(endpoint_.url, {{"grant_type", "client_credentials"},
                                        {"client_id", endpoint_.app_id},
                                        {"client_secret", secret},
                                        {"scope", scope}});
  }

 private:
  const TokenEndpoint endpoint_;
  const Secret secret_;
};

/// A request with an assertion in the place of a secret.
HttpRequest assertion_request(const TokenEndpoint& endpoint, const std::string& scope, const std::string& assertion) {
  return form_request(endpoint.url, {{"grant_type", "client_credentials"},
                                     {"client_id", endpoint.app_id},
                                     {"client_assertion_type", assertion_type},
                                     {"client_assertion", assertion},
                                     {"scope", scope}});
}

class CertificateGrant final : public TokenGrant {
 public:
  CertificateGrant(TokenEndpoint endpoint, std::string certificate, std::string key)
      : TokenGrant(endpoint.url),
        endpoint_(checked_endpoint(std::move(endpoint))),
        certificate_(std::move(certificate)),
        key_(std::move(key)) {}

  HttpRequest request(const std::string& scope, WallTime now) const override {
    const std::string certificate = read_secret_file("bot.certificate", certificate_);
    const std::string key = read_secret_file("bot.certificate_key", key_);
    std::string assertion;
    try {
      assertion = ClientCertificate(certificate, key).assertion(endpoint_.app_id, endpoint_.url, now);
    } catch (const Error& e) {
      throw_error(errc::invalid_argument, std::string("Of bot.certificate and bot.certificate_key ") + e.what() + ".");
    }
    return assertion_request(endpoint_, scope, assertion);
  }

 private:
  const TokenEndpoint endpoint_;
  const std::string certificate_;
  const std::string key_;
};

class FederatedGrant final : public TokenGrant {
 public:
  FederatedGrant(TokenEndpoint endpoint, Secret file)
      : TokenGrant(endpoint.url), endpoint_(checked_endpoint(std::move(endpoint))), file_(std::move(file)) {}

  HttpRequest request(const std::string& scope, WallTime /*now*/) const override {
    return assertion_request(endpoint_, scope, read_secret_line(file_.key, file_.file));
  }

 private:
  const TokenEndpoint endpoint_;
  const Secret file_;
};

/// The resource that a scope is of: managed identities know the first version of the protocol alone.
std::string_view resource_of(std::string_view scope) noexcept {
  constexpr std::string_view all = "/.default";
  return scope.ends_with(all) ? scope.substr(0, scope.size() - all.size()) : scope;
}

class IdentityGrant final : public TokenGrant {
 public:
  explicit IdentityGrant(IdentityEndpoint endpoint) : TokenGrant(endpoint.url), endpoint_(std::move(endpoint)) {}

  HttpRequest request(const std::string& scope, WallTime /*now*/) const override {
    const bool is_app_service = !endpoint_.secret.empty();
    HttpRequest request;
    request.url = endpoint_.url + "?" +
                  encoded_fields({{"api-version", is_app_service ? "2019-08-01" : "2018-02-01"},
                                  {"resource", resource_of(scope)},
                                  {"client_id", endpoint_.identity}});
    if (is_app_service) {
      request.headers.add("X-IDENTITY-HEADER", endpoint_.secret);
    } else {
      request.headers.add("Metadata", "true");
    }
    return request;
  }
  bool is_local() const noexcept override { return true; }

 private:
  const IdentityEndpoint endpoint_;
};

std::string environment_text(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody changes it
  return value != nullptr ? value : "";
}

}  // namespace

TokenGrant::TokenGrant(std::string_view url) : host_(net::host_header_of(origin_in(url))) {}

std::unique_ptr<TokenGrant> secret_grant(TokenEndpoint endpoint, Secret secret) {
  return std::make_unique<SecretGrant>(std::move(endpoint), std::move(secret));
}

std::unique_ptr<TokenGrant> certificate_grant(TokenEndpoint endpoint, std::string certificate, std::string key) {
  return std::make_unique<CertificateGrant>(std::move(endpoint), std::move(certificate), std::move(key));
}

std::unique_ptr<TokenGrant> federated_grant(TokenEndpoint endpoint, Secret file) {
  return std::make_unique<FederatedGrant>(std::move(endpoint), std::move(file));
}

IdentityEndpoint identity_endpoint(std::string url, std::string identity) {
  if (!url.empty()) {
    return {std::move(url), {}, std::move(identity)};
  }
  std::string of_app_service = environment_text("IDENTITY_ENDPOINT");
  std::string secret = environment_text("IDENTITY_HEADER");
  if (!of_app_service.empty() && !secret.empty()) {
    return {std::move(of_app_service), std::move(secret), std::move(identity)};
  }
  return {"http://169.254.169.254/metadata/identity/oauth2/token", {}, std::move(identity)};
}

std::unique_ptr<TokenGrant> identity_grant(IdentityEndpoint endpoint) {
  return std::make_unique<IdentityGrant>(std::move(endpoint));
}

}  // namespace tern::auth
