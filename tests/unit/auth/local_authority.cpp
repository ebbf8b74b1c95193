#include "local_authority.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <utility>

namespace tern::auth::test {

namespace {

constexpr const char* keys_path = "/keys";

std::int64_t seconds_at(Clock& clock, std::chrono::seconds from_now) {
  return std::chrono::duration_cast<std::chrono::seconds>((clock.wall_now() + from_now).time_since_epoch()).count();
}

}  // namespace

LocalAuthority::LocalAuthority(const std::string& names)
    : authority_(tern::test::make_certificate("DNS:authority.test")) {
  std::ofstream(ca_file()) << authority_.pem;
  const auto certificate = tern::test::make_certificate(names, {&authority_, false});
  tern::test::FakeChannelOptions options;
  options.certificate = certificate.pem;
  options.private_key = certificate.key;
  server_ = std::make_unique<tern::test::FakeChannel>(std::move(options));
  const auto add = [this](const std::string& path, std::string issuer) {
    documents_[path] = json::serialize(json::object{{"issuer", std::move(issuer)},
                                                    {"jwks_uri", server_->url(keys_path)},
                                                    {"id_token_signing_alg_values_supported", json::array{"RS256"}}});
  };
  const std::string of_tenant = "/login/" + std::string(tenant) + "/v2.0";
  add("/channels/openid", std::string(channel_issuer));
  add(of_tenant + "/.well-known/openid-configuration", server_->url(of_tenant));
  serve({test_key().jwk("first")});
  server_->answer_with([this](const tern::test::FakeRequest& request) { return answer_to(request.target); });
}

void LocalAuthority::serve(json::array keys) {
  const std::lock_guard lock(mutex_);
  documents_[keys_path] = key_document(std::move(keys));
}

void LocalAuthority::answer(int status, tern::test::HeaderList headers) {
  const std::lock_guard lock(mutex_);
  status_ = status;
  headers_ = std::move(headers);
}

tern::test::FakeAnswer LocalAuthority::answer_to(const std::string& target) const {
  const std::lock_guard lock(mutex_);
  constexpr int ok = 200;
  constexpr int not_found = 404;
  if (status_ != ok) {
    return tern::test::FakeAnswer::with(status_, "", headers_);
  }
  const auto found = documents_.find(target);
  return found != documents_.end() ? tern::test::FakeAnswer::with(ok, found->second)
                                   : tern::test::FakeAnswer::with(not_found);
}

json::object LocalAuthority::channel_claims(std::string_view audience, std::string_view service, Clock& clock) {
  using namespace std::chrono_literals;
  return {{"iss", channel_issuer},
          {"aud", audience},
          {"serviceurl", service},
          {"nbf", seconds_at(clock, 0s)},
          {"exp", seconds_at(clock, 3600s)}};
}

json::object LocalAuthority::tenant_claims(std::string_view audience, std::string_view app, Clock& clock) const {
  auto claims = channel_claims(audience, "", clock);
  claims.erase("serviceurl");
  claims["iss"] = login_url() + std::string(tenant) + "/v2.0";
  claims["tid"] = Value(tenant).value;
  claims["ver"] = "2.0";
  claims["azp"] = Value(app).value;
  return claims;
}

std::string LocalAuthority::token(const json::object& claims, std::string_view key_id, const TestKey& key) {
  const json::object header{{"typ", "JWT"}, {"alg", "RS256"}, {"kid", key_id}};
  return signed_token(json::serialize(header), json::serialize(claims), key);
}

}  // namespace tern::auth::test
