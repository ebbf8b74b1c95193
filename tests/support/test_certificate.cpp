#include "support/test_certificate.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace tern::test {

namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

template <class T>
T checked(T value) {
  if (!value) {
    throw std::runtime_error("OpenSSL refused to make a certificate for the test");
  }
  return value;
}

void add_extension(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(checked(X509V3_EXT_conf_nid(nullptr, &context, kind, value)));
  checked(X509_add_ext(certificate, extension.get(), -1));
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

X509* certificate_in(const std::string& pem) {
  const Memory memory(checked(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
  return checked(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

EVP_PKEY* key_in(const std::string& pem) {
  const Memory memory(checked(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
  return checked(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
}

}  // namespace

TestCertificate make_certificate(const std::string& names, const TestCertificateOptions& options) {
  constexpr long day = 24L * 3600;
  constexpr std::size_t rsa_bits = 2048;
  const Key key(checked(options.rsa ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256")));
  const Certificate certificate(checked(X509_new()));
  checked(X509_set_version(certificate.get(), X509_VERSION_3));
  unsigned char serial = 1;
  checked(RAND_bytes(&serial, 1));
  checked(ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1 + serial));
  checked(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), options.expired ? -2 * day
                                                                  : options.early ? 20L * 3600
                                                                                  : -3600));
  checked(X509_gmtime_adj(X509_getm_notAfter(certificate.get()), options.expired ? -day
                                                                 : options.early ? 30 * day
                                                                                 : day));
  checked(X509_set_pubkey(certificate.get(), key.get()));
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  checked(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(names.c_str()),
                                     static_cast<int>(std::min<std::size_t>(names.size(), 64)), -1, 0));
  const Certificate issuer(options.issuer != nullptr ? certificate_in(options.issuer->pem) : nullptr);
  const Key signer(options.issuer != nullptr ? key_in(options.issuer->key) : nullptr);
  checked(X509_set_issuer_name(certificate.get(), issuer ? X509_get_subject_name(issuer.get()) : subject));
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_alt_name, names.c_str());
  checked(X509_sign(certificate.get(), signer ? signer.get() : key.get(), EVP_sha256()));

  const Memory pem(checked(BIO_new(BIO_s_mem())));
  const Memory secret(checked(BIO_new(BIO_s_mem())));
  checked(PEM_write_bio_X509(pem.get(), certificate.get()));
  checked(PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  return {text_of(pem.get()), text_of(secret.get())};
}

}  // namespace tern::test
