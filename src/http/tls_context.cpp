#include "http/tls_context.hpp"

#include <tern/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

namespace tern::http {

namespace {

constexpr std::size_t longest_file = 1024 * 1024;
// Only those with which a key that leaks later opens nothing that was recorded before (forward secrecy), and which
// protect what they encrypt in one step (AEAD). They are for TLS 1.2; all of TLS 1.3 are like that.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free>>;

/// A file, and the key of the configuration that names it.
struct NamedFile {
  const char* key;
  const std::string& path;
};

[[noreturn]] void refuse(const NamedFile& file, const std::string& why) {
  throw_error(errc::invalid_argument, std::string(file.key) + " is \"" + file.path + "\", " + why);
}

// What OpenSSL says, in its own words.
std::string last_reason() {
  const auto code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "no reason is given";
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int operator*() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

[[noreturn]] void refuse_unreadable(const NamedFile& file, int error) {
  refuse(file, "which cannot be read (" + std::string(std::strerror(error)) +
                   "); give the path of a PEM file that the bot's user may read.");
}

std::string read(const NamedFile& file) {
  const OpenFile open(file.path);
  struct stat found{};
  if (*open < 0 || ::fstat(*open, &found) != 0) {
    refuse_unreadable(file, errno);
  }
  if (!S_ISREG(found.st_mode)) {
    refuse(file, "which is no file; give the path of a PEM file.");
  }
  std::string text;
  std::array<char, 16 * 1024> piece{};
  for (;;) {
    const auto bytes = ::read(*open, piece.data(), piece.size());
    if (bytes < 0) {
      refuse_unreadable(file, errno);
    }
    if (bytes == 0) {
      return text;
    }
    text.append(piece.data(), static_cast<std::size_t>(bytes));
    if (text.size() > longest_file) {
      refuse(file, "which is larger than 1 MiB; a certificate, its chain and its key are some KiB.");
    }
  }
}

Memory memory_of(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool is_end_of_pem(unsigned long error) noexcept {
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// Takes the certificate and its chain. Returns the certificate.
Certificate take_certificates(SSL_CTX* context, const NamedFile& file) {
  const std::string text = read(file);
  const Memory memory = memory_of(text);
  Certificate own(PEM_read_bio_X509_AUX(memory.get(), nullptr, nullptr, nullptr));
  if (!own) {
    refuse(file, "in which there is no certificate in PEM (-----BEGIN CERTIFICATE-----): " + last_reason() + ".");
  }
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    refuse(file, "whose certificate cannot be used (" + last_reason() +
                     "); take one with an ECDSA key on P-256, or RSA of 2048 bits or more, signed with SHA-256.");
  }
  for (;;) {
    Certificate next(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    if (!next) {
      break;
    }
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
      refuse(file, "in whose chain a certificate cannot be used (" + last_reason() + ").");
    }
    [[maybe_unused]] const auto* owned_by_the_context = next.release();
  }
  if (!is_end_of_pem(ERR_peek_last_error())) {
    refuse(file, "in whose chain a certificate is broken (" + last_reason() + ").");
  }
  ERR_clear_error();
  return own;
}

void take_key(SSL_CTX* context, const NamedFile& file, const NamedFile& certificate) {
  std::string text = read(file);
  const Memory memory = memory_of(text);
  bool has_password = false;
  // Without a function of our own, OpenSSL asks the terminal for the password.
  const auto ask = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  const PrivateKey key(PEM_read_bio_PrivateKey(memory.get(), nullptr, ask, &has_password));
  OPENSSL_cleanse(text.data(), text.size());
  if (!key && has_password) {
    refuse(file, "whose key is encrypted with a password; write it without one, for instance with openssl pkey.");
  }
  if (!key) {
    refuse(file, "in which there is no private key in PEM (-----BEGIN PRIVATE KEY-----): " + last_reason() + ".");
  }
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1) {
    refuse(file, "whose key is not that of the certificate in " + std::string(certificate.key) + " (\"" +
                     certificate.path +
                     "\"); give the key that the certificate was made for. The server's own "
                     "certificate is the first of its file.");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    refuse(file, "whose key cannot be used (" + last_reason() + ").");
  }
}

// Clients that ask for HTTP/2 alone are told that it is not spoken here (RFC 7301, 3.2).
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int length, void*) {
  static constexpr std::string_view ours = "\x08http/1.1";
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                                            static_cast<unsigned int>(ours.size()), offered, length);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::shared_ptr<SSL_CTX> make_context() {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), [](SSL_CTX* c) { SSL_CTX_free(c); });
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), ciphers) != 1) {
    throw_error(errc::invalid_argument, "OpenSSL cannot serve TLS 1.2: " + last_reason());
  }
  // An end of the connection without TLS's own is taken for an end: HTTP has its own lengths.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // With it a client that sends one update of keys after the other, which costs it little, holds the shard in one read.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return context;
}

WallTime time_of(const ASN1_TIME* time, WallTime otherwise) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? std::chrono::system_clock::from_time_t(::timegm(&parts)) : otherwise;
}

}  // namespace

TlsContext::TlsContext(const CertificateFiles& files) {
  ERR_clear_error();
  auto context = make_context();
  const NamedFile certificate{"listen.certificate", files.certificate};
  const Certificate own = take_certificates(context.get(), certificate);
  take_key(context.get(), {"listen.certificate_key", files.key}, certificate);
  ERR_clear_error();
  begins_ = time_of(X509_get0_notBefore(own.get()), WallTime::min());
  expires_ = time_of(X509_get0_notAfter(own.get()), WallTime::max());
  context_ = std::move(context);
}

}  // namespace tern::http
