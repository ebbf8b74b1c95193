#pragma once

#include "test_key.hpp"

#include "auth/bot_framework_authenticator.hpp"

#include "support/run.hpp"

#include "fake_issuers.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/schema/activity.hpp>
#include <tern/turn/authenticator.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tern::auth::test {

inline constexpr std::string_view bot_id = "b0700000-0000-4000-8000-000000000001";
inline constexpr std::string_view other_bot_id = "b0700000-0000-4000-8000-000000000002";
inline constexpr std::string_view caller_id = "ca11e200-0000-4000-8000-000000000001";
inline constexpr std::string_view stranger_id = "ca11e200-0000-4000-8000-000000000666";
inline constexpr std::string_view tenant_id = "7e4a4700-0000-4000-8000-000000000001";
inline constexpr std::string_view other_tenant_id = "7e4a4700-0000-4000-8000-000000000002";
inline constexpr std::string_view service = "https://smba.example/teams/";

/// Names of keys: of the channels' issuer, one for all channels and one for two, and of the tenant.
inline constexpr std::string_view channel_key = "channel-key";
inline constexpr std::string_view endorsed_key = "endorsed-key";
inline constexpr std::string_view tenant_key = "tenant-key";

/// A token in the making, and the activity that it comes with.
struct Attempt {
  json::object header;
  json::object claims;
  Activity activity = Activity::message("hello");
  std::optional<std::string> authorization;  ///< instead of a header with the token of `header` and `claims`

  Attempt& claim(std::string_view name, Value value) {
    claims[name] = std::move(value.value);
    return *this;
  }
  Attempt& without(std::string_view name) {
    claims.erase(name);
    return *this;
  }
  Attempt& head(std::string_view name, Value value) {
    header[name] = std::move(value.value);
    return *this;
  }

  std::string header_text() const;
  std::string claims_text() const;
  /// Its token, signed by the test's key.
  std::string token(Algorithm algorithm = Algorithm::rs256) const;
  /// Sends this text as the token.
  Attempt& send(std::string_view token) {
    authorization = "Bearer " + std::string(token);
    return *this;
  }
};

/// A request as the authenticator sees it.
class FakeRequest final : public InboundRequest {
 public:
  FakeRequest(Attempt attempt, Deadline deadline);

  std::optional<std::string_view> header(std::string_view name) const noexcept override;
  std::string_view peer() const noexcept override { return "192.0.2.1"; }
  const Activity& activity() const noexcept override { return activity_; }
  std::string_view body() const noexcept override { return {}; }
  Deadline deadline() const noexcept override { return deadline_; }

 private:
  std::optional<std::string> authorization_;
  Activity activity_;
  Deadline deadline_;
};

/// An authenticator of two bots, the servers of its issuers, and a clock.
class AuthWorld {
 public:
  AuthWorld();

  /// Makes the authenticator anew.
  void make(AuthenticatorOptions options);
  /// Options with the two bots, one tenant and one caller that may call.
  static AuthenticatorOptions options();

  /// A message of a channel with a good token, which is signed with this key.
  Attempt channel(std::string_view key_id = channel_key) const;
  /// A message with a good token of the tenant, of version 2.0, that this caller sends.
  Attempt tenant(std::string_view caller) const;
  /// The same of version 1.0.
  Attempt tenant_v1(std::string_view caller) const;
  /// A message for an agentic user.
  Attempt agentic() const;

  /// A good token that this caller has got from another tenant, version 2.0.
  Attempt tenant(std::string_view caller, std::string_view tenant) const;
  /// Serves the keys of a tenant.
  void serve_tenant(std::string_view tenant);

  /// Seconds since 1970, this long after now.
  std::int64_t at(std::chrono::seconds from_now) const;

  AuthResult answer(const Attempt& attempt);
  /// The status of the answer; 200 for a caller that is accepted.
  unsigned status(const Attempt& attempt);
  double figure(const char* outcome);

  ManualClock clock;
  Metrics metrics;
  asio::io_context io{1};
  std::shared_ptr<FakeIssuers> issuers = std::make_shared<FakeIssuers>(clock);
  std::unique_ptr<BotFrameworkAuthenticator> authenticator;

 private:
  void serve(const std::string& issuer, const std::string& metadata_url, json::array keys);
};

}  // namespace tern::auth::test
