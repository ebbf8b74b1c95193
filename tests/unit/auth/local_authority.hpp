#pragma once

#include "test_key.hpp"

#include "support/fake_channel.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_certificate.hpp"

#include <tern/async/clock.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace tern::auth::test {

/// An authority of the test's own: an https server with the OpenID documents and the keys of an issuer of channels and
/// of a tenant, and the tokens that they sign.
///
/// Thread safety: all functions from any thread.
class LocalAuthority {
 public:
  static constexpr std::string_view channel_issuer = "https://channels.example";
  static constexpr std::string_view tenant = "7e4a4700-0000-4000-8000-000000000001";

  /// Serves `test_key()` under the name "first". `names`: those in the certificate of its server.
  explicit LocalAuthority(const std::string& names = "IP:127.0.0.1");

  std::string openid_url() const { return server_->url("/channels/openid"); }
  std::string login_url() const { return server_->url("/login/"); }
  /// Of the authority that has signed the certificate of the server.
  std::string ca_file() const { return (folder_.path() / "ca.pem").string(); }
  tern::test::FakeChannel& server() { return *server_; }

  /// Serves these keys and no others.
  void serve(json::array keys);
  /// From now on each request is answered with this, or as usual with 200.
  void answer(int status, tern::test::HeaderList headers = {});

  /// The claims of a token of a channel that speaks for this service, and of one of the tenant that this app has got.
  static json::object channel_claims(std::string_view audience, std::string_view service, Clock& clock);
  json::object tenant_claims(std::string_view audience, std::string_view app, Clock& clock) const;
  /// A token with these claims, whose header names this key.
  static std::string token(const json::object& claims, std::string_view key_id = "first",
                           const TestKey& key = test_key());

 private:
  tern::test::FakeAnswer answer_to(const std::string& target) const;

  tern::test::TestCertificate authority_;
  tern::test::TemporaryFolder folder_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> documents_;  // by path; guarded by the mutex, as what follows
  int status_ = 200;
  tern::test::HeaderList headers_;
  std::unique_ptr<tern::test::FakeChannel> server_;  // the last member: its thread uses the others
};

}  // namespace tern::auth::test
