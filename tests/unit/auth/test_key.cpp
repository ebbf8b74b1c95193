#include "test_key.hpp"

#include "auth/base64url.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace tern::auth::test {

namespace {

template <auto Free>
struct KeyDeleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

template <class T>
T must_work(T value) {
  if (!value) {
    throw std::runtime_error("OpenSSL refused to make a key or a signature for the test");
  }
  return value;
}

std::string number_at(const EVP_PKEY* key, const char* name) {
  BIGNUM* found = nullptr;
  must_work(EVP_PKEY_get_bn_param(key, name, &found));
  const std::unique_ptr<BIGNUM, KeyDeleter<BN_free>> number(found);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), bytes.data());
  return encode_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

const EVP_MD* digest_for(Algorithm algorithm) {
  return std::array{EVP_sha256(), EVP_sha384(), EVP_sha512()}[static_cast<std::size_t>(algorithm)];
}

}  // namespace

TestKey::TestKey(unsigned bits) : key_(must_work(EVP_RSA_gen(bits)), KeyDeleter<EVP_PKEY_free>()) {}

json::object TestKey::jwk(std::string_view key_id) const {
  return {{"kty", "RSA"},
          {"use", "sig"},
          {"kid", key_id},
          {"n", number_at(key_.get(), OSSL_PKEY_PARAM_RSA_N)},
          {"e", number_at(key_.get(), OSSL_PKEY_PARAM_RSA_E)}};
}

std::string TestKey::sign(Algorithm algorithm, std::string_view text) const {
  const std::unique_ptr<EVP_MD_CTX, KeyDeleter<EVP_MD_CTX_free>> signing(must_work(EVP_MD_CTX_new()));
  must_work(EVP_DigestSignInit(signing.get(), nullptr, digest_for(algorithm), nullptr, key_.get()));
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  must_work(EVP_DigestSign(signing.get(), nullptr, &size, bytes, text.size()));
  std::vector<unsigned char> signature(size);
  must_work(EVP_DigestSign(signing.get(), signature.data(), &size, bytes, text.size()));
  return {reinterpret_cast<const char*>(signature.data()), size};
}

std::string TestKey::public_pem() const {
  const std::unique_ptr<BIO, KeyDeleter<BIO_free>> memory(must_work(BIO_new(BIO_s_mem())));
  must_work(PEM_write_bio_PUBKEY(memory.get(), key_.get()));
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

const TestKey& test_key() {
  static const TestKey key(2048);
  return key;
}

const TestKey& other_key() {
  static const TestKey key(2048);
  return key;
}

std::string key_document(json::array keys) {
  return json::serialize(json::object{{"keys", std::move(keys)}});
}

std::string unsigned_token(std::string_view header, std::string_view claims) {
  return encode_base64url(header) + "." + encode_base64url(claims);
}

std::string signed_token(std::string_view header, std::string_view claims, const TestKey& key, Algorithm algorithm) {
  const std::string text = unsigned_token(header, claims);
  return text + "." + encode_base64url(key.sign(algorithm, text));
}

std::string hmac_sha256(std::string_view secret, std::string_view text) {
  std::array<unsigned char, 32> code{};
  unsigned int size = 0;
  must_work(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                 reinterpret_cast<const unsigned char*>(text.data()), text.size(), code.data(), &size));
  return {reinterpret_cast<const char*>(code.data()), size};
}

}  // namespace tern::auth::test
