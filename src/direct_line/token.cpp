#include "direct_line/token.hpp"

#include "auth/base64url.hpp"
#include "direct_line/random_text.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <utility>

namespace tern::direct_line {

namespace {

constexpr std::int64_t version = 1;
// {"alg":"HS256","typ":"JWT"}. No other header is read.
constexpr std::string_view jwt_header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

std::int64_t seconds_of(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string text_at(const json::object& fields, std::string_view name) {
  const auto* found = fields.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

json::object to_json(const TokenClaims& claims) {
  json::object fields{{"v", version}, {"conv", claims.conversation}};
  if (!claims.user.empty()) {
    fields["user"] = claims.user;
  }
  if (!claims.name.empty()) {
    fields["name"] = claims.name;
  }
  if (!claims.origins.empty()) {
    json::array origins;
    for (const auto& origin : claims.origins) {
      origins.emplace_back(origin);
    }
    fields["orig"] = std::move(origins);
  }
  if (claims.page) {
    fields["page"] = true;
  }
  fields["jti"] = claims.id;
  fields["exp"] = seconds_of(claims.expires);
  return fields;
}

std::optional<TokenClaims> claims_of(const json::value& value) {
  const auto* fields = value.if_object();
  const auto* of_version = fields != nullptr ? fields->if_contains("v") : nullptr;
  const auto* expires = fields != nullptr ? fields->if_contains("exp") : nullptr;
  constexpr auto latest = std::chrono::floor<std::chrono::seconds>(WallTime::max().time_since_epoch()).count();
  if (of_version == nullptr || *of_version != version || expires == nullptr || !expires->is_int64() ||
      expires->get_int64() < 0 || expires->get_int64() > latest) {
    return std::nullopt;
  }
  TokenClaims claims;
  claims.conversation = text_at(*fields, "conv");
  claims.user = text_at(*fields, "user");
  claims.name = text_at(*fields, "name");
  claims.id = text_at(*fields, "jti");
  claims.page = fields->contains("page");
  claims.expires = WallTime(std::chrono::seconds(expires->get_int64()));
  if (const auto* origins = fields->if_contains("orig"); origins != nullptr && origins->is_array()) {
    for (const auto& origin : origins->get_array()) {
      claims.origins.emplace_back(origin.is_string() ? std::string_view(origin.get_string()) : std::string_view());
    }
  }
  return claims;
}

}  // namespace

std::string TokenMaker::make(TokenClaims claims, WallTime now) const {
  claims.id = random_text(id_bytes);
  claims.expires = now + lifetime_;
  auto token = std::string(jwt_header) + '.' + auth::encode_base64url(json::serialize(to_json(claims)));
  return token + '.' + seal_.sign(token);
}

ReadToken TokenMaker::read(std::string_view token, WallTime now) const {
  ReadToken found;
  const auto dot = token.rfind('.');
  if (token.size() > max_bytes || dot == std::string_view::npos) {
    return found;
  }
  const auto text = token.substr(0, dot);
  if (!text.starts_with(jwt_header) || text.size() <= jwt_header.size() || text[jwt_header.size()] != '.' ||
      !seal_.is_signed(text, token.substr(dot + 1))) {
    return found;
  }
  const auto payload = auth::decode_base64url(text.substr(jwt_header.size() + 1));
  const auto value = parse_json(payload.value_or(""));
  if (!value) {
    return found;
  }
  found.claims = claims_of(*value);
  if (found.claims && found.claims->expires <= now) {
    found.claims.reset();
    found.expired = true;
  }
  return found;
}

}  // namespace tern::direct_line
