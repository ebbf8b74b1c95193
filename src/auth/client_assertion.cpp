#include "auth/client_assertion.hpp"

#include "auth/base64url.hpp"
#include "auth/openssl.hpp"

#include <tern/error.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <chrono>
#include <new>
#include <utility>

namespace tern::auth {

namespace {

constexpr std::chrono::minutes assertion_life{10};
constexpr int least_bits = 2048;

using Memory = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Signing = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

[[noreturn]] void throw_unusable_certificate(const char* why) {
  throw_error(errc::invalid_argument, why);
}

Memory memory_of(std::string_view text) {
  Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!memory) {
    throw std::bad_alloc();
  }
  return memory;
}

// Without it OpenSSL would ask for the password of an encrypted key on the terminal.
int no_password(char* /*into*/, int /*size*/, int /*writing*/, void* /*user*/) {
  return -1;
}

Certificate certificate_of(std::string_view pem) {
  Certificate certificate(PEM_read_bio_X509(memory_of(pem).get(), nullptr, no_password, nullptr));
  if (!certificate) {
    throw_unusable_certificate("the certificate is none in PEM (-----BEGIN CERTIFICATE-----)");
  }
  return certificate;
}

PrivateKey key_of(std::string_view pem) {
  PrivateKey key(PEM_read_bio_PrivateKey(memory_of(pem).get(), nullptr, no_password, nullptr));
  if (!key) {
    throw_unusable_certificate("the key is none in PEM (-----BEGIN PRIVATE KEY-----), or is encrypted");
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key.get()) < least_bits) {
    throw_unusable_certificate("the key is no RSA key of 2048 bits or more");
  }
  return key;
}

std::string thumbprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
    throw std::bad_alloc();
  }
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string sign(EVP_PKEY* key, std::string_view text) {
  const NoErrorsLeft errors;
  const Signing signing(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;  // of `signing`
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (!signing || EVP_DigestSignInit(signing.get(), &context, EVP_sha256(), nullptr, key) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1 ||
      EVP_DigestSign(signing.get(), nullptr, &size, bytes, text.size()) != 1) {
    throw_unusable_certificate("the key cannot sign");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(signing.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size()) !=
      1) {
    throw_unusable_certificate("the key cannot sign");
  }
  signature.resize(size);
  return signature;
}

std::string unique_id() {
  thread_local boost::uuids::random_generator_pure ids;
  return boost::uuids::to_string(ids());
}

std::string encoded_object(const boost::json::object& object) {
  return encode_base64url(boost::json::serialize(object));
}

}  // namespace

struct ClientCertificate::Parts {
  PrivateKey key;
  std::string digest;  // SHA-256 of the certificate
};

ClientCertificate::ClientCertificate(std::string_view certificate, std::string_view key) {
  const NoErrorsLeft errors;
  const Certificate public_part = certificate_of(certificate);
  PrivateKey private_part = key_of(key);
  if (X509_check_private_key(public_part.get(), private_part.get()) != 1) {
    throw_unusable_certificate("the key is not that of the certificate");
  }
  parts_ = std::make_shared<const Parts>(Parts{std::move(private_part), thumbprint_of(public_part.get())});
}

std::string ClientCertificate::assertion(std::string_view app_id, std::string_view audience, WallTime now) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  const boost::json::object header{{"alg", "PS256"}, {"typ", "JWT"}, {"x5t#S256", encode_base64url(parts_->digest)}};
  const boost::json::object claims{{"aud", boost::json::string(audience)},
                                   {"iss", boost::json::string(app_id)},
                                   {"sub", boost::json::string(app_id)},
                                   {"jti", unique_id()},
                                   {"nbf", seconds},
                                   {"iat", seconds},
                                   {"exp", seconds + std::chrono::seconds(assertion_life).count()}};
  std::string text = encoded_object(header) + "." + encoded_object(claims);
  const std::string signature = sign(parts_->key.get(), text);
  return text.append(".").append(encode_base64url(signature));
}

}  // namespace tern::auth
