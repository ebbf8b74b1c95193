#include "connector/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace tern::connector {

namespace bhttp = boost::beast::http;
using asio::ip::tcp;

namespace {

// With the io_context's own executor: Asio then takes no detour through the erased one.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using TlsStream = asio::ssl::stream<Socket>;

constexpr auto tuple = asio::as_tuple(asio::deferred);
constexpr std::size_t read_size = 4096;
constexpr std::size_t kept_buffer = 64 * 1024;  // a connection does not keep more after a large answer
constexpr int interim_limit = 16;               // 1xx answers before the real one

/// Beast's parser straight into an `Answer`: no header but the three that matter is stored.
class AnswerParser final : public bhttp::basic_parser<false> {
 public:
  AnswerParser(Answer& answer, std::size_t body_limit) : answer_(answer) {
    this->body_limit(body_limit);
    eager(true);
  }

 private:
  void on_request_impl(bhttp::verb, boost::beast::string_view, boost::beast::string_view, int, error_code&) override {}
  void on_response_impl(int code, boost::beast::string_view, int, error_code&) override { answer_.status = code; }
  void on_field_impl(bhttp::field name, boost::beast::string_view, boost::beast::string_view value,
                     error_code&) override {
    if (name == bhttp::field::retry_after) {
      answer_.retry_after.assign(value.data(), value.size());
    } else if (name == bhttp::field::keep_alive) {
      answer_.keep_alive = parse_keep_alive({value.data(), value.size()});
    }
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view body, error_code&) override {
    answer_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body, error_code&) override {
    answer_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  Answer& answer_;
};

/// Puts together one answer from what was read, without a socket.
class AnswerReader {
 public:
  AnswerReader(Answer& answer, std::size_t body_limit) : answer_(answer), body_limit_(body_limit) { restart(); }

  enum class Step { more, done, broken };

  /// Takes what `buffer` holds.
  Step feed(boost::beast::flat_buffer& buffer, error_code& error) {
    while (buffer.size() > 0) {
      error.clear();
      buffer.consume(parser_->put(buffer.data(), error));
      if (error == bhttp::error::need_more) {
        error.clear();
        return Step::more;
      }
      if (error) {
        return given_up(error);
      }
      if (parser_->is_done() && answer_.status >= 200) {
        // Bytes after the end belong to no request: the two sides do not agree on where answers end.
        answer_.reusable = parser_->keep_alive() && buffer.size() == 0;
        return Step::done;
      }
      if (parser_->is_done()) {
        if (++interim_ > interim_limit) {
          error = bhttp::error::bad_status;
          return Step::broken;
        }
        restart();
      }
    }
    return Step::more;
  }

  /// The peer closed: the end of an answer without a length, a fault within any other.
  Step finish(error_code& error) {
    if (!parser_->got_some()) {
      error = asio::error::eof;
      return Step::broken;
    }
    error.clear();
    parser_->put_eof(error);
    return error ? Step::broken : Step::done;
  }

 private:
  void restart() {
    answer_.clear();
    parser_.emplace(answer_, body_limit_);
  }

  /// The status of an answer that is too long is known all the same, and it is what matters.
  Step given_up(error_code& error) {
    if (error != bhttp::error::body_limit || answer_.status < 200) {
      return Step::broken;
    }
    error.clear();
    answer_.body.clear();
    return Step::done;
  }

  Answer& answer_;
  std::size_t body_limit_;
  std::optional<AnswerParser> parser_;
  int interim_ = 0;
};

template <class Stream>
class StreamConnection final : public Connection {
 public:
  static constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;

  StreamConnection(const ConnectionSetup& setup, TlsSettings* tls, const std::string& host)
      : Connection(setup.counted), io_(setup.io), tls_(tls), host_(host), body_limit_(setup.response_body) {}
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
  void trim();

  asio::io_context& io_;
  TlsSettings* tls_;
  std::string host_;
  std::size_t body_limit_;
  std::optional<Stream> stream_;
  boost::beast::flat_buffer buffer_;
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
  buffer_.clear();
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
  AnswerReader reader(answer, body_limit_);
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
    auto [failed, size] = co_await stream_->async_read_some(buffer_.prepare(read_size), tuple);
    buffer_.commit(size);
    step = reader.feed(buffer_, error);
    if (step == AnswerReader::Step::more && failed) {
      error = failed;
      step = failed == asio::error::eof ? reader.finish(error) : AnswerReader::Step::broken;
    }
  }
  trim();
  const bool answered = step == AnswerReader::Step::done;
  answer.reusable = answered && answer.reusable && open();
  co_return Exchange{answered ? Exchange::End::answered : Exchange::End::lost, error};
}

template <class Stream>
awaitable<Exchange> StreamConnection<Stream>::write_rest(const RequestText& request, std::size_t sent) {
  auto [error, more] = co_await asio::async_write(*stream_, asio::buffer(request.bytes()) + sent, tuple);
  // Under TLS the kernel may hold a part of a record of which no byte is counted.
  const bool nothing = !is_tls && sent + more == 0;
  co_return Exchange{nothing ? Exchange::End::unsent : Exchange::End::lost, error};
}

/// Gives back what one large answer took; the next will be small again.
template <class Stream>
void StreamConnection<Stream>::trim() {
  buffer_.clear();
  if (buffer_.capacity() > kept_buffer) {
    buffer_.shrink_to_fit();
  }
}

}  // namespace

std::unique_ptr<Connection> make_connection(const ConnectionSetup& setup, TlsSettings* tls, const std::string& host) {
  if (tls != nullptr) {
    return std::make_unique<StreamConnection<TlsStream>>(setup, tls, host);
  }
  return std::make_unique<StreamConnection<Socket>>(setup, tls, host);
}

}  // namespace tern::connector
