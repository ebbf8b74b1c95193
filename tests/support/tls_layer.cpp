#include "support/tls_layer.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace tern::test {

namespace {

template <auto Free>
struct Frees {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using Context = std::unique_ptr<SSL_CTX, Frees<SSL_CTX_free>>;

Context context_for(const TlsWish& wish) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (!wish.authority.empty()) {
    const std::unique_ptr<BIO, Frees<BIO_free>> memory(
        BIO_new_mem_buf(wish.authority.data(), static_cast<int>(wish.authority.size())));
    const std::unique_ptr<X509, Frees<X509_free>> authority(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (wish.most != 0) {
    // The level at which OpenSSL speaks versions as old as a test may want.
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), wish.most);
  }
  if (!wish.ciphers.empty() && SSL_CTX_set_cipher_list(context.get(), wish.ciphers.c_str()) != 1) {
    throw std::runtime_error("OpenSSL knows none of the ciphers " + wish.ciphers);
  }
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

class TlsLayer final : public WireLayer {
 public:
  TlsLayer(const TlsWish& wish, int socket) : look_(wish.look), context_(context_for(wish)) {
    std::signal(SIGPIPE, SIG_IGN);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket);
    SSL_set_tlsext_host_name(ssl_.get(), wish.host.c_str());
    SSL_set1_host(ssl_.get(), wish.host.c_str());
    if (wish.session != nullptr) {
      SSL_set_session(ssl_.get(), wish.session);
    }
    if (!wish.protocols.empty()) {
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wish.protocols.data()),
                          static_cast<unsigned>(wish.protocols.size()));
    }
  }

  void begin(boost::system::error_code& ec) override {
    ERR_clear_error();
    ec = error_of(SSL_connect(ssl_.get()));
    if (!ec && look_) {
      look_(ssl_.get());
    }
  }
  std::size_t read(char* into, std::size_t size, boost::system::error_code& ec) override {
    ERR_clear_error();
    std::size_t bytes = 0;
    ec = error_of(SSL_read_ex(ssl_.get(), into, size, &bytes));
    return bytes;
  }
  std::size_t write(std::string_view bytes, boost::system::error_code& ec) override {
    std::size_t total = 0;
    for (ec = {}; !ec && total < bytes.size();) {
      ERR_clear_error();
      std::size_t written = 0;
      ec = error_of(SSL_write_ex(ssl_.get(), bytes.data() + total, bytes.size() - total, &written));
      total += written;
    }
    return total;
  }
  void end() override { SSL_shutdown(ssl_.get()); }

 private:
  boost::system::error_code error_of(int outcome) const {
    if (outcome == 1) {
      return {};
    }
    switch (SSL_get_error(ssl_.get(), outcome)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return boost::asio::error::would_block;
      case SSL_ERROR_ZERO_RETURN:
        return boost::asio::error::eof;
      case SSL_ERROR_SYSCALL:
        return errno == ECONNRESET || errno == EPIPE ? boost::asio::error::connection_reset
                                                     : boost::asio::error::connection_aborted;
      case SSL_ERROR_SSL:
        if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_TLSV1_ALERT_INTERNAL_ERROR) {
          return boost::asio::error::connection_refused;
        }
        [[fallthrough]];
      default:  // an end of the connection without that of TLS among them
        return boost::asio::error::connection_aborted;
    }
  }

  std::function<void(ssl_st*)> look_;
  Context context_;
  std::unique_ptr<SSL, Frees<SSL_free>> ssl_;
};

}  // namespace

WireClient::MakeLayer tls_layer(TlsWish wish) {
  return [wish = std::move(wish)](int socket) { return std::make_unique<TlsLayer>(wish, socket); };
}

bool over_tls() {
  static const bool is = std::getenv("TERN_TEST_TLS") != nullptr;
  return is;
}

}  // namespace tern::test
