#include "auth/token_grant.hpp"

#include <tern/error.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace tern::auth {
namespace {

constexpr WallTime some_time{};

/// Sets variables for App Service while it lives, or none.
class AppService {
 public:
  explicit AppService(const char* endpoint, const char* header = "secret-header") {
    unsetenv("IDENTITY_ENDPOINT");
    unsetenv("IDENTITY_HEADER");
    if (endpoint != nullptr) {
      setenv("IDENTITY_ENDPOINT", endpoint, 1);
      setenv("IDENTITY_HEADER", header, 1);
    }
  }
  ~AppService() {
    unsetenv("IDENTITY_ENDPOINT");
    unsetenv("IDENTITY_HEADER");
  }
  AppService(const AppService&) = delete;
  AppService& operator=(const AppService&) = delete;
};

TEST(TokenGrant, AClientSecretIsSentAsAFormWithAllItsCharacters) {
  const auto grant = secret_grant({"https://login.example/t/oauth2/v2.0/token", "app-1"}, {"a+b&c=d~ é", {}, {}});
  const auto request = grant->request("https://api.botframework.com/.default", some_time);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://login.example/t/oauth2/v2.0/token");
  EXPECT_EQ(request.headers.find("Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(request.body,
            "grant_type=client_credentials&client_id=app-1&client_secret=a%2Bb%26c%3Dd~%20%C3%A9&"
            "scope=https%3A%2F%2Fapi.botframework.com%2F.default");
  EXPECT_EQ(grant->host(), "login.example");
  EXPECT_FALSE(grant->is_local());
}

TEST(TokenGrant, ASecretGoesNeverOverHttpToAnotherMachine) {
  EXPECT_THROW(secret_grant({"http://login.example/token", "app-1"}, {"x", {}, {}}), Error);
  EXPECT_THROW(certificate_grant({"http://login.example/token", "app-1"}, "a", "b"), Error);
  EXPECT_THROW(federated_grant({"http://login.example/token", "app-1"}, {{}, "a", "b"}), Error);
  EXPECT_THROW(secret_grant({"login.example/token", "app-1"}, {"x", {}, {}}), Error);
  EXPECT_NO_THROW(secret_grant({"http://127.0.0.1:8080/token", "app-1"}, {"x", {}, {}}));
}

TEST(TokenGrant, AVirtualMachineIsAskedAtItsMetadataEndpoint) {
  const AppService none(nullptr);
  const auto grant = identity_grant(identity_endpoint("", "identity-1"));
  const auto request = grant->request("https://api.botframework.com/.default", some_time);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url,
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
            "resource=https%3A%2F%2Fapi.botframework.com&client_id=identity-1");
  EXPECT_EQ(request.headers.find("Metadata"), "true");
  EXPECT_EQ(request.headers.find("X-IDENTITY-HEADER"), std::nullopt);
  EXPECT_TRUE(grant->is_local()) << "no proxy is asked for it";
}

TEST(TokenGrant, AppServiceIsAskedWhereTheEnvironmentSays) {
  const AppService service("http://127.0.0.1:41741/msi/token");
  const auto request = identity_grant(identity_endpoint("", "identity-1"))->request("scope", some_time);
  EXPECT_EQ(request.url, "http://127.0.0.1:41741/msi/token?api-version=2019-08-01&resource=scope&client_id=identity-1");
  EXPECT_EQ(request.headers.find("X-IDENTITY-HEADER"), "secret-header");
  EXPECT_EQ(request.headers.find("Metadata"), std::nullopt);
}

TEST(TokenGrant, TheConfigurationComesBeforeTheEnvironment) {
  const AppService service("http://127.0.0.1:41741/msi/token");
  const auto request = identity_grant(identity_endpoint("http://127.0.0.1:1/md", "i"))->request("scope", some_time);
  EXPECT_EQ(request.url, "http://127.0.0.1:1/md?api-version=2018-02-01&resource=scope&client_id=i");
  EXPECT_EQ(request.headers.find("X-IDENTITY-HEADER"), std::nullopt);
}

}  // namespace
}  // namespace tern::auth
