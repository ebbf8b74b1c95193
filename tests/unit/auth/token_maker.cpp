#include "token_maker.hpp"

#include "auth/base64url.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace tern::auth::test {

namespace {

json::object named_key(std::string_view name, json::array endorsements = {}) {
  auto key = test_key().jwk(name);
  if (!endorsements.empty()) {
    key["endorsements"] = std::move(endorsements);
  }
  return key;
}

}  // namespace

std::string Attempt::header_text() const {
  return json::serialize(header);
}

std::string Attempt::claims_text() const {
  return json::serialize(claims);
}

std::string Attempt::token(Algorithm algorithm) const {
  return signed_token(header_text(), claims_text(), test_key(), algorithm);
}

FakeRequest::FakeRequest(Attempt attempt, Deadline deadline) : deadline_(deadline) {
  authorization_ = attempt.authorization ? *attempt.authorization : "Bearer " + attempt.token();
  activity_ = std::move(attempt.activity);
}

std::optional<std::string_view> FakeRequest::header(std::string_view name) const noexcept {
  if (name != "Authorization" || authorization_->empty()) {
    return std::nullopt;
  }
  return *authorization_;
}

AuthWorld::AuthWorld() {
  const Cloud& cloud = *cloud_of("public");
  serve(std::string(cloud.channel_issuer), std::string(cloud.channel_metadata),
        {named_key(channel_key), named_key(endorsed_key, {"msteams", "webchat"})});
  serve_tenant(tenant_id);
  make(options());
}

void AuthWorld::serve_tenant(std::string_view tenant) {
  const std::string issuer = std::string(cloud_of("public")->login) + std::string(tenant) + "/v2.0";
  serve(issuer, issuer + "/.well-known/openid-configuration", {named_key(tenant_key)});
}

void AuthWorld::serve(const std::string& issuer, const std::string& metadata_url, json::array keys) {
  const std::string keys_url = issuer + "/keys";
  issuers->documents[metadata_url] = json::serialize(json::object{
      {"issuer", issuer}, {"jwks_uri", keys_url}, {"id_token_signing_alg_values_supported", json::array{"RS256"}}});
  issuers->documents[keys_url] = key_document(std::move(keys));
}

void AuthWorld::make(AuthenticatorOptions wanted) {
  authenticator =
      std::make_unique<BotFrameworkAuthenticator>(std::move(wanted), io.get_executor(), issuers, clock, metrics);
}

AuthenticatorOptions AuthWorld::options() {
  AuthenticatorOptions made;
  made.trust.app_ids = {std::string(bot_id), std::string(other_bot_id)};
  made.trust.tenants = {std::string(tenant_id)};
  made.trust.allowed_callers = {std::string(caller_id)};
  return made;
}

std::int64_t AuthWorld::at(std::chrono::seconds from_now) const {
  return std::chrono::duration_cast<std::chrono::seconds>((clock.wall_now() + from_now).time_since_epoch()).count();
}

Attempt AuthWorld::channel(std::string_view key_id) const {
  using namespace std::chrono_literals;
  Attempt attempt;
  attempt.header = {{"typ", "JWT"}, {"alg", "RS256"}, {"x5t", key_id}, {"kid", key_id}};
  attempt.claims = {{"serviceurl", service},
                    {"nbf", at(0s)},
                    {"exp", at(3600s)},
                    {"iss", "https://api.botframework.com"},
                    {"aud", bot_id}};
  attempt.activity.set_channel_id("msteams").set_service_url(service);
  attempt.activity.set_recipient(ChannelAccount("28:" + std::string(bot_id)));
  return attempt;
}

Attempt AuthWorld::tenant(std::string_view caller) const {
  return tenant(caller, tenant_id);
}

Attempt AuthWorld::tenant(std::string_view caller, std::string_view tenant) const {
  auto attempt = channel(tenant_key);
  attempt.without("serviceurl");
  attempt.claim("iss", "https://login.microsoftonline.com/" + std::string(tenant) + "/v2.0");
  attempt.claim("tid", tenant).claim("ver", "2.0").claim("azp", caller);
  return attempt;
}

Attempt AuthWorld::tenant_v1(std::string_view caller) const {
  auto attempt = tenant(caller);
  attempt.claim("iss", "https://sts.windows.net/" + std::string(tenant_id) + "/");
  attempt.without("azp").claim("ver", "1.0").claim("appid", caller);
  return attempt;
}

Attempt AuthWorld::agentic() const {
  auto attempt = tenant(cloud_of("public")->messaging_app);
  ChannelAccount user("8:orgid:a9e47");
  user.json()["agenticAppId"] = "a9e47000-0000-4000-8000-000000000001";
  user.json()["agenticAppBlueprintId"] = Value(bot_id).value;
  attempt.activity.set_recipient(std::move(user));
  return attempt;
}

AuthResult AuthWorld::answer(const Attempt& attempt) {
  const FakeRequest request(attempt, Deadline::after(Authenticator::patience, clock));
  auto answer = authenticator->authenticate(request);
  if (auto* known = answer.known()) {
    return std::move(*known);
  }
  return tern::test::run_on(io, answer.take_later());
}

unsigned AuthWorld::status(const Attempt& attempt) {
  const auto found = answer(attempt);
  return found.refusal() != nullptr ? found.refusal()->status() : 200;
}

double AuthWorld::figure(const char* outcome) {
  return metrics
      .counter("tern_auth_verifications_total", "Tokens that were not known, by what their signature was.",
               {{"outcome", outcome}})
      .value();
}

}  // namespace tern::auth::test
