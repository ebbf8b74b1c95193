#include "net/connection.hpp"

#include "net/answer_reader.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <optional>
#include <type_traits>
#include <utility>

namespace tern::net {

using asio::ip::tcp;

namespace {

// The socket has the executor type of the io_context, because the type-erased executor costs more.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using TlsStream = asio::ssl::stream<Socket>;

constexpr auto tuple = asio::as_tuple(asio::deferred);
constexpr int first_failure = 300;  // of the statuses of HTTP

/// The statuses with which a proxy refuses a tunnel.
class TunnelCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tern.tunnel"; }
  std::string message(int status) const override {
    constexpr int proxy_authentication_required = 407;
    return "the proxy has refused the connection with status " + std::to_string(status) +
           (status == proxy_authentication_required ? "; its URL needs a user and a password that are right" : "");
  }
};

/// The reasons of OpenSSL for which a certificate is refused.
class CertificateCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tern.certificate"; }
  std::string message(int reason) const override {
    return std::string("its certificate is refused: ") + X509_verify_cert_error_string(reason);
  }
};

const boost::system::error_category& tunnel_category() noexcept {
  static const TunnelCategory category;
  return category;
}

const boost::system::error_category& certificate_category() noexcept {
  static const CertificateCategory category;
  return category;
}

template <class Stream>
class StreamConnection final : public Connection {
 public:
  static constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;

  StreamConnection(const ConnectionSetup& setup, Peer peer)
      : Connection(setup.counted),
        io_(setup.io),
        peer_(std::move(peer)),
        reader_(answer, setup.response_body, setup.keep_headers) {}
  ~StreamConnection() override { close(); }

  awaitable<error_code> connect(tcp::endpoint where) override;
  awaitable<Exchange> exchange(asio::const_buffer request, bool bodiless) override;
  bool quiet() noexcept override;
  void close() noexcept override;

 private:
  Socket& socket() noexcept;
  void make_stream();
  error_code expect_name();
  awaitable<error_code> handshake();
  awaitable<error_code> open_tunnel();
  awaitable<Exchange> write_rest(asio::const_buffer request, std::size_t sent);
  static error_code end_of_reading(error_code read, error_code unwritten) noexcept;

  asio::io_context& io_;
  Peer peer_;
  std::optional<Stream> stream_;
  AnswerReader reader_;
};

}  // namespace

struct TlsSettings::Impl {
  asio::ssl::context context{asio::ssl::context::tls_client};
  bool verify = true;
};

TlsSettings::TlsSettings(bool verify, const std::string& more_authorities) : impl_(std::make_unique<Impl>()) {
  impl_->verify = verify;
  impl_->context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                             asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                             asio::ssl::context::no_tlsv1_1);
  impl_->context.set_verify_mode(verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  if (verify) {
    impl_->context.set_default_verify_paths();
    if (!more_authorities.empty()) {
      impl_->context.load_verify_file(more_authorities);
    }
  }
}

TlsSettings::~TlsSettings() = default;

void Connection::opened() noexcept {
  open_ = true;
  ++counted_.count;
  counted_.gauge.add(1);
}

void Connection::closed() noexcept {
  if (open_) {
    open_ = false;
    --counted_.count;
    counted_.gauge.add(-1);
  }
}

void Connection::on_expired() noexcept {
  if (keeper_ != nullptr) {
    keeper_->on_idle_expired(*this);
    return;
  }
  expired_ = true;
  close();
}

namespace {

template <class Stream>
Socket& StreamConnection<Stream>::socket() noexcept {
  if constexpr (is_tls) {
    return stream_->next_layer();
  } else {
    return *stream_;
  }
}

template <class Stream>
void StreamConnection<Stream>::make_stream() {
  close();
  if constexpr (is_tls) {
    stream_.emplace(Socket(io_.get_executor()), peer_.tls->impl().context);
  } else {
    stream_.emplace(io_.get_executor());
  }
}

template <class Stream>
awaitable<error_code> StreamConnection<Stream>::connect(tcp::endpoint where) {
  make_stream();
  auto [failed] = co_await socket().async_connect(where, tuple);
  if (failed) {
    co_return failed;
  }
  error_code error;
  const auto local = socket().local_endpoint(error);
  if (!error && local == socket().remote_endpoint(error)) {
    // Linux connects a socket to itself when its own port happens to be the port that it connects to.
    error = asio::error::connection_refused;
  }
  if (!error) {
    socket().set_option(tcp::no_delay(true), error);
  }
  if (!error) {
    socket().non_blocking(true, error);
  }
  if constexpr (is_tls) {
    if (!error && !peer_.tunnel.empty()) {
      error = co_await open_tunnel();
    }
    if (!error) {
      error = co_await handshake();
    }
  }
  if (!socket().is_open()) {
    co_return asio::error::operation_aborted;  // it was closed before this coroutine was resumed
  }
  if (!error) {
    opened();
  }
  co_return error;
}

/// The name that the server is asked for, and that its certificate must have.
template <class Stream>
error_code StreamConnection<Stream>::expect_name() {
  error_code no_address;
  asio::ip::make_address(peer_.name, no_address);
  auto* ssl = stream_->native_handle();
  const bool verify = peer_.tls->impl().verify;
  bool done = true;
  if (no_address) {
    done = SSL_set_tlsext_host_name(ssl, peer_.name.c_str()) == 1 &&
           (!verify || SSL_set1_host(ssl, peer_.name.c_str()) == 1);
  } else if (verify) {
    // RFC 6066, 3: the server name is never an address.
    done = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), peer_.name.c_str()) == 1;
  }
  return done ? error_code() : asio::error::invalid_argument;
}

template <class Stream>
awaitable<error_code> StreamConnection<Stream>::handshake() {
  if (const error_code wrong = expect_name()) {
    co_return wrong;
  }
  auto [failed] = co_await stream_->async_handshake(asio::ssl::stream_base::client, tuple);
  if (failed && peer_.tls->impl().verify) {
    const long reason = SSL_get_verify_result(stream_->native_handle());
    if (reason != X509_V_OK) {
      co_return error_code(static_cast<int>(reason), certificate_category());
    }
  }
  co_return failed;
}

/// Asks the proxy for a tunnel to the peer (RFC 9110, 9.3.6).
template <class Stream>
awaitable<error_code> StreamConnection<Stream>::open_tunnel() {
  auto [unsent, sent] = co_await asio::async_write(socket(), asio::buffer(peer_.tunnel), tuple);
  if (unsent) {
    co_return unsent;
  }
  Answer said;
  AnswerReader reader(said, 0);
  reader.begin(true);
  auto step = AnswerReader::Step::more;
  while (step == AnswerReader::Step::more) {
    const auto room = reader.prepare();
    auto [failed, size] = co_await socket().async_read_some(asio::buffer(room.data(), room.size()), tuple);
    step = reader.take(size);
    if (step == AnswerReader::Step::more && failed) {
      step = reader.finish(failed);
    }
  }
  if (step == AnswerReader::Step::broken) {
    co_return reader.error();
  }
  if (said.status >= first_failure) {
    co_return error_code(said.status, tunnel_category());
  }
  // The server speaks after the client, so bytes that are here already are not the server's.
  co_return reader.has_surplus() ? error_code(asio::error::connection_aborted) : error_code();
}

template <class Stream>
bool StreamConnection<Stream>::quiet() noexcept {
  if (!open()) {
    return false;
  }
  if constexpr (is_tls) {
    // Asio reads as much as the socket has, so bytes behind the answer may be here and not in the socket: in OpenSSL,
    // or in the pair of BIOs between Asio and OpenSSL.
    const SSL* ssl = stream_->native_handle();
    if ((SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0 || SSL_has_pending(ssl) != 0 ||
        BIO_ctrl_pending(SSL_get_rbio(ssl)) != 0) {
      return false;
    }
  }
  char byte = 0;
  error_code error;
  socket().receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
  return error == asio::error::would_block || error == asio::error::try_again;
}

template <class Stream>
void StreamConnection<Stream>::close() noexcept {
  if (stream_) {
    error_code ignored;
    socket().close(ignored);
  }
  closed();
}

template <class Stream>
awaitable<Exchange> StreamConnection<Stream>::exchange(asio::const_buffer request, bool bodiless) {
  reader_.begin(bodiless);
  error_code error;
  std::size_t sent = 0;
  if constexpr (!is_tls) {
    // Written without waiting for the event loop: nearly every request fits into the kernel's buffer.
    sent = socket().write_some(request, error);
    if (error && error != asio::error::would_block && error != asio::error::try_again) {
      co_return Exchange{Exchange::End::unsent, error};
    }
  }
  error_code unwritten;
  if (sent < request.size()) {
    const Exchange written = co_await write_rest(request, sent);
    if (written.end == Exchange::End::unsent || written.error == asio::error::operation_aborted) {
      co_return written;
    }
    // A server may refuse a long request before it has read it all, and then close the connection. Its answer has
    // arrived before the error.
    unwritten = written.error;
  }
  auto step = AnswerReader::Step::more;
  while (step == AnswerReader::Step::more) {
    const auto room = reader_.prepare();
    auto [failed, size] = co_await stream_->async_read_some(asio::buffer(room.data(), room.size()), tuple);
    step = reader_.take(size);
    if (step == AnswerReader::Step::more && failed) {
      step = reader_.finish(end_of_reading(failed, unwritten));
    }
  }
  reader_.trim();
  const bool answered = step == AnswerReader::Step::done;
  answer.reusable = answered && answer.reusable && open() && !unwritten;
  co_return Exchange{answered ? Exchange::End::answered : Exchange::End::lost, reader_.error(), reader_.why(),
                     reader_.begun(), reader_.malformed()};
}

/// How an answer ends whose request could not be written: the system tells an error of the connection once, so the end
/// that the reader sees may be no real one. After `broken_pipe` it is: the peer has sent its end.
template <class Stream>
error_code StreamConnection<Stream>::end_of_reading(error_code read, error_code unwritten) noexcept {
  const bool real = !unwritten || unwritten == asio::error::broken_pipe || read == asio::error::operation_aborted;
  return real ? read : unwritten;
}

template <class Stream>
awaitable<Exchange> StreamConnection<Stream>::write_rest(asio::const_buffer request, std::size_t sent) {
  auto [error, more] = co_await asio::async_write(*stream_, request + sent, tuple);
  // With TLS the kernel may have a part of a record, although no byte of the request is counted.
  const bool nothing = !is_tls && sent + more == 0;
  co_return Exchange{nothing ? Exchange::End::unsent : Exchange::End::lost, error};
}

}  // namespace

std::unique_ptr<Connection> make_connection(const ConnectionSetup& setup, const Peer& peer) {
  if (peer.tls != nullptr) {
    return std::make_unique<StreamConnection<TlsStream>>(setup, peer);
  }
  return std::make_unique<StreamConnection<Socket>>(setup, peer);
}

}  // namespace tern::net
