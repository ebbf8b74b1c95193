#include "connector/connection.hpp"

#include "connector/answer_reader.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace tern::connector {

using asio::ip::tcp;

namespace {

// With the io_context's own executor: Asio then takes no detour through the erased one.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using TlsStream = asio::ssl::stream<Socket>;

constexpr auto tuple = asio::as_tuple(asio::deferred);

template <class Stream>
class StreamConnection final : public Connection {
 public:
  static constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;

  StreamConnection(const ConnectionSetup& setup, TlsSettings* tls, const std::string& host)
      : Connection(setup.counted), io_(setup.io), tls_(tls), host_(host), reader_(answer, setup.response_body) {}
  ~StreamConnection() override { close(); }

  awaitable<error_code> connect(tcp::endpoint where) override;
  awaitable<Exchange> exchange(const RequestText& request) override;
  bool quiet() noexcept override;
  void close() noexcept override;

 private:
  Socket& socket() noexcept;
  void make_stream();
  awaitable<error_code> handshake();
  awaitable<Exchange> write_rest(const RequestText& request, std::size_t sent);

  asio::io_context& io_;
  TlsSettings* tls_;
  std::string host_;
  std::optional<Stream> stream_;
  AnswerReader reader_;
};

}  // namespace

struct TlsSettings::Impl {
  asio::ssl::context context{asio::ssl::context::tls_client};
  bool verify = true;
};

TlsSettings::TlsSettings(bool verify) : impl_(std::make_unique<Impl>()) {
  impl_->verify = verify;
  impl_->context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                             asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                             asio::ssl::context::no_tlsv1_1);
  impl_->context.set_verify_mode(verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  if (verify) {
    impl_->context.set_default_verify_paths();
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
    stream_.emplace(Socket(io_.get_executor()), tls_->impl().context);
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
    // Linux connects a socket to itself when the port it was given happens to be the one it calls.
    error = asio::error::connection_refused;
  }
  if (!error) {
    socket().set_option(tcp::no_delay(true), error);
  }
  if (!error) {
    socket().non_blocking(true, error);
  }
  if constexpr (is_tls) {
    if (!error) {
      error = co_await handshake();
    }
  }
  if (!socket().is_open()) {
    co_return asio::error::operation_aborted;  // closed while this coroutine waited for its turn
  }
  if (!error) {
    opened();
  }
  co_return error;
}

template <class Stream>
awaitable<error_code> StreamConnection<Stream>::handshake() {
  error_code error;
  asio::ip::make_address(host_, error);
  const bool is_name = static_cast<bool>(error);
  error.clear();
  // RFC 6066: the server name is a name, never an address.
  if (is_name && SSL_set_tlsext_host_name(stream_->native_handle(), host_.c_str()) != 1) {
    co_return asio::error::invalid_argument;
  }
  if (tls_->impl().verify) {
    stream_->set_verify_callback(asio::ssl::host_name_verification(host_), error);
  }
  if (error) {
    co_return error;
  }
  auto [failed] = co_await stream_->async_handshake(asio::ssl::stream_base::client, tuple);
  co_return failed;
}

template <class Stream>
bool StreamConnection<Stream>::quiet() noexcept {
  if (!open()) {
    return false;
  }
  if constexpr (is_tls) {
    if ((SSL_get_shutdown(stream_->native_handle()) & SSL_RECEIVED_SHUTDOWN) != 0) {
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
awaitable<Exchange> StreamConnection<Stream>::exchange(const RequestText& request) {
  reader_.begin();
  error_code error;
  std::size_t sent = 0;
  if constexpr (!is_tls) {
    // Straight into the kernel: nearly every request fits, and no turn of the event loop is spent on it.
    sent = socket().write_some(asio::buffer(request.bytes()), error);
    if (error && error != asio::error::would_block && error != asio::error::try_again) {
      co_return Exchange{Exchange::End::unsent, error};
    }
  }
  if (sent < request.bytes().size()) {
    const Exchange written = co_await write_rest(request, sent);
    if (written.error) {
      co_return written;
    }
  }
  auto step = AnswerReader::Step::more;
  while (step == AnswerReader::Step::more) {
    const auto room = reader_.prepare();
    auto [failed, size] = co_await stream_->async_read_some(asio::buffer(room.data(), room.size()), tuple);
    step = reader_.take(size);
    if (step == AnswerReader::Step::more && failed) {
      step = reader_.finish(failed);
    }
  }
  reader_.trim();
  const bool answered = step == AnswerReader::Step::done;
  answer.reusable = answered && answer.reusable && open();
  co_return Exchange{answered ? Exchange::End::answered : Exchange::End::lost, reader_.error(), reader_.why()};
}

template <class Stream>
awaitable<Exchange> StreamConnection<Stream>::write_rest(const RequestText& request, std::size_t sent) {
  auto [error, more] = co_await asio::async_write(*stream_, asio::buffer(request.bytes()) + sent, tuple);
  // Under TLS the kernel may hold a part of a record of which no byte is counted.
  const bool nothing = !is_tls && sent + more == 0;
  co_return Exchange{nothing ? Exchange::End::unsent : Exchange::End::lost, error};
}

}  // namespace

std::unique_ptr<Connection> make_connection(const ConnectionSetup& setup, TlsSettings* tls, const std::string& host) {
  if (tls != nullptr) {
    return std::make_unique<StreamConnection<TlsStream>>(setup, tls, host);
  }
  return std::make_unique<StreamConnection<Socket>>(setup, tls, host);
}

}  // namespace tern::connector
