#include "auth/client_assertion.hpp"

#include "auth/base64url.hpp"
#include "auth/openssl.hpp"
#include "support/test_certificate.hpp"

#include <tern/error.hpp>

#include <boost/json/parse.hpp>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tern::auth {
namespace {

using tern::test::make_certificate;
using tern::test::TestCertificate;
using testing::HasSubstr;

const std::string token_endpoint = "https://login.example/tenant/oauth2/v2.0/token";
constexpr WallTime time_of_assertion = std::chrono::sys_days(std::chrono::year(2026) / 11 / 30);
constexpr std::int64_t seconds_of_assertion = 1'795'996'800;  // since 1970 began

const TestCertificate& rsa_certificate() {
  static const TestCertificate made = make_certificate("DNS:bot.test", {.rsa = true});
  return made;
}

std::vector<std::string> parts_of(const std::string& token) {
  const auto first = token.find('.');
  const auto second = token.find('.', first + 1);
  return {token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

std::shared_ptr<X509> x509_of(const TestCertificate& certificate) {
  const std::unique_ptr<BIO, Freed<BIO_free>> memory(
      BIO_new_mem_buf(certificate.pem.data(), static_cast<int>(certificate.pem.size())));
  return {PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr), Freed<X509_free>()};
}

/// Whether the certificate's key has signed `text` with PS256.
bool is_signed(const TestCertificate& certificate, const std::string& text, const std::string& signature) {
  const auto x509 = x509_of(certificate);
  const std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;
  EVP_DigestVerifyInit(context.get(), &padding, EVP_sha256(), nullptr, X509_get0_pubkey(x509.get()));
  EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING);
  EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST);
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

std::string sha256_of(const TestCertificate& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(x509_of(certificate).get(), EVP_sha256(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

TEST(ClientAssertion, SaysWhatMicrosoftAsksForAndIsSignedWithPs256) {
  const auto& certificate = rsa_certificate();
  const ClientCertificate client(certificate.pem, certificate.key);
  const std::string token = client.assertion("app-1", token_endpoint, time_of_assertion);
  const auto parts = parts_of(token);
  const auto header = boost::json::parse(*decode_base64url(parts[0])).as_object();
  EXPECT_EQ(header.at("alg"), "PS256");
  EXPECT_EQ(header.at("typ"), "JWT");
  EXPECT_EQ(header.at("x5t#S256").as_string(), encode_base64url(sha256_of(certificate)));
  const auto claims = boost::json::parse(*decode_base64url(parts[1])).as_object();
  EXPECT_EQ(claims.at("aud").as_string(), token_endpoint);
  EXPECT_EQ(claims.at("iss"), "app-1");
  EXPECT_EQ(claims.at("sub"), "app-1");
  EXPECT_EQ(claims.at("nbf").as_int64(), seconds_of_assertion);
  EXPECT_EQ(claims.at("iat").as_int64(), seconds_of_assertion);
  EXPECT_EQ(claims.at("exp").as_int64(), seconds_of_assertion + 600);
  const auto signature = decode_base64url(parts[2]);
  ASSERT_TRUE(signature);
  EXPECT_TRUE(is_signed(certificate, parts[0] + "." + parts[1], *signature));
  EXPECT_FALSE(is_signed(certificate, parts[0] + "." + parts[1] + "x", *signature));
}

TEST(ClientAssertion, EachHasAnIdOfItsOwn) {
  const auto& certificate = rsa_certificate();
  const ClientCertificate client(certificate.pem, certificate.key);
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    const auto claims = boost::json::parse(
        *decode_base64url(parts_of(client.assertion("app-1", token_endpoint, time_of_assertion))[1]));
    ids.emplace(claims.at("jti").as_string());
  }
  EXPECT_EQ(ids.size(), 20U);
  EXPECT_EQ(ids.begin()->size(), 36U) << "a GUID";
}

TEST(ClientAssertion, BothMayStandInOneFile) {
  const auto& certificate = rsa_certificate();
  const std::string both = certificate.key + certificate.pem;
  EXPECT_FALSE(ClientCertificate(both, both).assertion("app-1", token_endpoint, time_of_assertion).empty());
}

std::string refusal_of(const std::string& certificate, const std::string& key) {
  try {
    const ClientCertificate client(certificate, key);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), errc::invalid_argument);
    EXPECT_EQ(std::string(e.what()).find("MII"), std::string::npos) << "nothing of the key";
    return e.what();
  }
  ADD_FAILURE() << "it was accepted";
  return {};
}

std::string encrypted(const std::string& key) {
  const std::unique_ptr<BIO, Freed<BIO_free>> in(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  const std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> read(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const std::unique_ptr<BIO, Freed<BIO_free>> out(BIO_new(BIO_s_mem()));
  std::string password = "hunter2";
  PEM_write_bio_PKCS8PrivateKey(out.get(), read.get(), EVP_aes_256_cbc(), password.data(),
                                static_cast<int>(password.size()), nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

TEST(ClientAssertion, UnusableFilesAreRefusedWithAReasonAndWithoutAQuestionOnTheTerminal) {
  const auto& good = rsa_certificate();
  const auto other = make_certificate("DNS:other.test", {.rsa = true});
  const auto elliptic = make_certificate("DNS:ec.test");
  EXPECT_THAT(refusal_of("", good.key), HasSubstr("the certificate is none in PEM"));
  EXPECT_THAT(refusal_of(good.key, good.key), HasSubstr("the certificate is none in PEM"));
  EXPECT_THAT(refusal_of(good.pem, ""), HasSubstr("the key is none in PEM"));
  EXPECT_THAT(refusal_of(good.pem, good.pem), HasSubstr("the key is none in PEM"));
  EXPECT_THAT(refusal_of(good.pem, encrypted(good.key)), HasSubstr("or is encrypted"));
  EXPECT_THAT(refusal_of(good.pem, other.key), HasSubstr("not that of the certificate"));
  EXPECT_THAT(refusal_of(elliptic.pem, elliptic.key), HasSubstr("no RSA key"));
}

}  // namespace
}  // namespace tern::auth
