// Which certificates a server takes, and what it says about the others.
#include "support/served_certificate.hpp"

#include <tern/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <chrono>
#include <functional>
#include <string>

namespace tern::test {
namespace {

using http::TlsContext;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// What is said about the files after `spoil`.
std::string refusal(const std::function<void(const CertificateFolder&)>& spoil) {
  const CertificateFolder folder;
  spoil(folder);
  try {
    const TlsContext context(folder.files());
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), errc::invalid_argument);
    return e.what();
  }
  return "it is taken";
}

std::string with_password(const std::string& key) {
  BIO* in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  EVP_PKEY* read = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, read, EVP_aes_128_cbc(), reinterpret_cast<const unsigned char*>("password"), 8, nullptr,
                           nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(out);
  BIO_free(in);
  EVP_PKEY_free(read);
  return text;
}

TEST(TlsContextTest, TakesACertificateWithItsChainAndItsKey) {
  const auto root = make_certificate("DNS:authority.test");
  CertificateFolder folder(make_certificate("DNS:bot.example", {.issuer = &root}));
  folder.write_file("tls.crt", folder.certificate().pem + root.pem);
  const TlsContext context(folder.files());
  EXPECT_NE(context.native(), nullptr);
  const auto left = context.expires() - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::hours(22));
  EXPECT_LT(left, std::chrono::hours(25));
}

TEST(TlsContextTest, TakesOneFileForBoth) {
  const CertificateFolder folder;
  folder.write_file("both.pem", folder.certificate().key + folder.certificate().pem);
  const auto path = folder.files().certificate;
  const auto both = path.substr(0, path.rfind('/')) + "/both.pem";
  EXPECT_NE(TlsContext({both, both}).native(), nullptr);
}

TEST(TlsContextTest, TakesAnExpiredOneAndSaysWhenItExpired) {
  const CertificateFolder folder(make_certificate("DNS:localhost", {.expired = true}));
  EXPECT_LT(TlsContext(folder.files()).expires(), std::chrono::system_clock::now());
}

TEST(TlsContextTest, SaysWhatIsWrongAndWhatToDo) {
  const auto missing = refusal([](const CertificateFolder& f) { std::filesystem::remove(f.files().certificate); });
  EXPECT_THAT(missing, AllOf(HasSubstr("listen.certificate is \""), HasSubstr("tls.crt"),
                             HasSubstr("No such file or directory"), HasSubstr("give the path of a PEM file")));
  const auto folder = refusal([](const CertificateFolder& f) {
    std::filesystem::remove(f.files().key);
    std::filesystem::create_directory(f.files().key);
  });
  EXPECT_THAT(folder, AllOf(HasSubstr("listen.certificate_key is \""), HasSubstr("which is no file")));
  EXPECT_THAT(refusal([](const auto& f) { f.write_file("tls.crt", ""); }), HasSubstr("there is no certificate in PEM"));
  EXPECT_THAT(refusal([](const auto& f) { f.write_file("tls.crt", f.certificate().key); }),
              HasSubstr("listen.certificate is \""));
  EXPECT_THAT(refusal([](const auto& f) { f.write_file("tls.key", f.certificate().pem); }),
              HasSubstr("there is no private key in PEM"));
  EXPECT_THAT(refusal([](const auto& f) { f.write_file("tls.crt", std::string(2 << 20, 'x')); }),
              HasSubstr("larger than 1 MiB"));
  EXPECT_THAT(refusal([](const auto& f) {
                f.write_file("tls.crt",
                             f.certificate().pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
              }),
              HasSubstr("a certificate is broken"));
}

TEST(TlsContextTest, RefusesTheKeyOfAnotherCertificate) {
  const auto said = refusal([](const CertificateFolder& f) { f.write_file("tls.key", make_certificate("DNS:x").key); });
  EXPECT_THAT(said, AllOf(HasSubstr("listen.certificate_key is \""), HasSubstr("is not that of the certificate in "),
                          HasSubstr("tls.crt")));
}

TEST(TlsContextTest, AsksNobodyForAPassword) {
  const auto said =
      refusal([](const CertificateFolder& f) { f.write_file("tls.key", with_password(f.certificate().key)); });
  EXPECT_THAT(said, AllOf(HasSubstr("encrypted with a password"), HasSubstr("write it without one")));
}

TEST(TlsContextTest, RepeatsNothingOfAKey) {
  const auto said = refusal([](const CertificateFolder& f) {
    auto key = f.certificate().key;
    f.write_file("tls.key", key.replace(40, 4, "MARK"));
  });
  EXPECT_THAT(said, AllOf(HasSubstr("listen.certificate_key"), Not(HasSubstr("MARK"))));
}

}  // namespace
}  // namespace tern::test
