#include "support/fake_channel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace tern::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto patience = std::chrono::seconds(30);
constexpr auto tuple = asio::as_tuple(asio::deferred);

/// Where an answer waits for `release`.
struct Gate {
  explicit Gate(asio::io_context& io) : timer(io, asio::steady_timer::time_point::max()) {}
  asio::steady_timer timer;
  bool open = false;
};

std::string render(const FakeAnswer& answer, const std::string& body) {
  if (answer.kind == FakeAnswer::Kind::raw) {
    return body;
  }
  const auto known = bhttp::int_to_status(static_cast<unsigned>(answer.status));
  std::string text =
      "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(bhttp::obsolete_reason(known)) + "\r\n";
  bool framed = answer.status == 204 || answer.status == 304;
  for (const auto& [name, value] : answer.headers) {
    framed = framed || beast::iequals(name, "content-length") || beast::iequals(name, "transfer-encoding");
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!body.empty()) {
    text.append("Content-Type: application/json; charset=utf-8\r\n");
  }
  if (!framed) {
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  return text.append("\r\n").append(body);
}

}  // namespace

std::optional<std::string> FakeRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (beast::iequals(key, name)) {
      return value;
    }
  }
  return std::nullopt;
}

FakeAnswer FakeAnswer::with(int status, std::string body, HeaderList headers) {
  FakeAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  answer.headers = std::move(headers);
  return answer;
}

FakeAnswer FakeAnswer::raw(std::string bytes) {
  FakeAnswer answer;
  answer.kind = Kind::raw;
  answer.body = std::move(bytes);
  return answer;
}

FakeAnswer FakeAnswer::truncated(std::size_t cut) {
  FakeAnswer answer;
  answer.kind = Kind::truncate;
  answer.cut = cut;
  return answer;
}

FakeAnswer FakeAnswer::closing() {
  FakeAnswer answer;
  answer.kind = Kind::close;
  return answer;
}

FakeAnswer FakeAnswer::resetting() {
  FakeAnswer answer;
  answer.kind = Kind::reset;
  return answer;
}

FakeAnswer FakeAnswer::holding() {
  FakeAnswer answer;
  answer.held = true;
  return answer;
}

struct FakeChannel::Impl {
  /// What the channel knows of a connection; used on its thread only.
  struct Session {
    Session(Impl& i, tcp::socket s, std::size_t n) : impl(i), socket(std::move(s)), number(n) {
      impl.sessions.insert(this);
    }
    ~Session() {
      impl.sessions.erase(this);
      error_code ignored;
      socket.close(ignored);  // before the count, so that a test that saw the count finds the peer closed
      const std::lock_guard lock(impl.mutex);
      --impl.open;
      impl.closing -= closing ? 1 : 0;
      impl.changed.notify_all();
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Impl& impl;
    tcp::socket socket;
    std::size_t number;
    bool busy = false;
    bool answering = false;      // the answer is being written: its receiver may have it already
    bool closing = false;        // to be closed after the answer
    std::shared_ptr<Gate> gate;  // set while the answer is held
  };
  using error_code = boost::system::error_code;

  explicit Impl(FakeChannelOptions given);
  ~Impl();

  asio::awaitable<void> accept();
  static asio::awaitable<void> serve_plain(std::unique_ptr<Session> session);
  static asio::awaitable<void> serve_tls(std::unique_ptr<Session> session);
  template <class Stream>
  static asio::awaitable<void> serve(Session& session, Stream& stream);
  FakeAnswer record(FakeRequest request, Session& session, std::string& body);
  template <class Predicate>
  void await_change(const char* what, Predicate predicate) const;

  FakeChannelOptions options;
  std::uint16_t port = 0;

  mutable std::mutex mutex;  // guards what follows, up to `sessions`
  mutable std::condition_variable changed;
  std::vector<FakeRequest> requests;  // those that are kept
  std::size_t arrived = 0;
  std::deque<FakeAnswer> script;
  std::function<FakeAnswer(const FakeRequest&)> otherwise;
  std::deque<std::shared_ptr<Gate>> held;
  bool hold_all = false;
  std::size_t mocks = 0;
  std::size_t accepted = 0;
  std::size_t open = 0;
  std::size_t to_close = 0;
  std::size_t closing = 0;

  std::set<Session*> sessions;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  std::thread thread;
};

FakeChannel::Impl::Impl(FakeChannelOptions given) : options(std::move(given)) {
  if (!options.certificate.empty()) {
    tls.use_certificate_chain(asio::buffer(options.certificate));
    tls.use_private_key(asio::buffer(options.private_key), asio::ssl::context::pem);
  }
  const tcp::endpoint where(asio::ip::make_address(options.host), options.port);
  acceptor.open(where.protocol());
  acceptor.bind(where);
  acceptor.listen();
  port = acceptor.local_endpoint().port();
  asio::co_spawn(io, accept(), [](std::exception_ptr error) {
    if (error) {
      std::rethrow_exception(error);  // out of run(): a broken test server must not pass for a silent one
    }
  });
  thread = std::thread([this] { io.run(); });
}

FakeChannel::Impl::~Impl() {
  io.stop();
  thread.join();
  held.clear();  // their timers belong to `io`, which is destroyed first
}

asio::awaitable<void> FakeChannel::Impl::accept() {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(tuple);
    if (error) {
      continue;  // the peer had gone again
    }
    bool refuse = false;
    std::size_t number = 0;
    {
      const std::lock_guard lock(mutex);
      number = ++accepted;
      ++open;
      refuse = to_close > 0;
      to_close -= refuse ? 1 : 0;
      changed.notify_all();
    }
    auto session = std::make_unique<Session>(*this, std::move(socket), number);
    if (refuse) {
      continue;
    }
    auto ended = [](std::exception_ptr failure) {
      if (failure) {
        std::rethrow_exception(failure);
      }
    };
    if (options.certificate.empty()) {
      asio::co_spawn(io, serve_plain(std::move(session)), ended);
    } else {
      asio::co_spawn(io, serve_tls(std::move(session)), ended);
    }
  }
}

asio::awaitable<void> FakeChannel::Impl::serve_plain(std::unique_ptr<Session> session) {
  co_await serve(*session, session->socket);
}

asio::awaitable<void> FakeChannel::Impl::serve_tls(std::unique_ptr<Session> session) {
  asio::ssl::stream<tcp::socket&> stream(session->socket, session->impl.tls);
  auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, tuple);
  if (!error) {
    co_await serve(*session, stream);
  }
}

template <class Stream>
asio::awaitable<void> FakeChannel::Impl::serve(Session& session, Stream& stream) {
  beast::flat_buffer buffer;
  for (;;) {
    bhttp::request_parser<bhttp::string_body> parser;
    parser.body_limit(boost::none);
    parser.header_limit(256 * 1024);
    while (!parser.is_done()) {
      session.busy = buffer.size() > 0 || parser.got_some();
      auto [error, size] = co_await bhttp::async_read_some(stream, buffer, parser, tuple);
      if (error) {
        co_return;
      }
    }
    session.busy = true;
    auto message = parser.release();
    FakeRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message) {
      request.headers.emplace_back(field.name_string(), field.value());
    }
    request.body = std::move(message.body());
    request.arrived = std::chrono::steady_clock::now();
    request.connection = session.number;

    std::string body;
    const FakeAnswer answer = session.impl.record(std::move(request), session, body);
    while (session.gate && !session.gate->open) {
      co_await session.gate->timer.async_wait(tuple);
    }
    session.gate.reset();

    if (answer.kind == FakeAnswer::Kind::reset) {
      session.socket.set_option(asio::socket_base::linger(true, 0));
    }
    if (answer.kind == FakeAnswer::Kind::reset || answer.kind == FakeAnswer::Kind::close) {
      co_return;
    }
    std::string text = render(answer, body);
    if (answer.kind == FakeAnswer::Kind::truncate) {
      text.resize(std::min(text.size(), answer.cut));
    }
    session.answering = true;
    auto [error, written] = co_await asio::async_write(stream, asio::buffer(text), tuple);
    if (error || answer.kind == FakeAnswer::Kind::truncate || answer.close_after || session.closing) {
      co_return;
    }
    session.answering = false;
    session.busy = false;
  }
}

FakeAnswer FakeChannel::Impl::record(FakeRequest request, Session& session, std::string& body) {
  std::unique_lock lock(mutex);
  FakeAnswer answer;
  if (!script.empty()) {
    answer = std::move(script.front());
    script.pop_front();
  } else if (otherwise) {
    const auto choose = otherwise;
    lock.unlock();  // the script may ask the channel
    answer = choose(request);
    lock.lock();
  }
  const bool sends = answer.kind == FakeAnswer::Kind::respond || answer.kind == FakeAnswer::Kind::truncate;
  if (answer.body) {
    body = *answer.body;
  } else if (sends) {
    body = R"({"id":"mock-)" + std::to_string(++mocks) + R"("})";
  }
  // Recorded and held at once: a test that saw the request may release it.
  if (answer.held || hold_all) {
    session.gate = std::make_shared<Gate>(io);
    held.push_back(session.gate);
  }
  ++arrived;
  if (options.keep_requests) {
    requests.push_back(std::move(request));
  }
  changed.notify_all();
  return answer;
}

template <class Predicate>
void FakeChannel::Impl::await_change(const char* what, Predicate predicate) const {
  std::unique_lock lock(mutex);
  if (!changed.wait_for(lock, patience, predicate)) {
    throw std::runtime_error(std::string("FakeChannel: 30 s have passed without ") + what + "; requests so far: " +
                             std::to_string(arrived) + ", open connections: " + std::to_string(open));
  }
}

FakeChannel::FakeChannel(FakeChannelOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

FakeChannel::~FakeChannel() = default;

std::string FakeChannel::url(std::string_view path) const {
  const bool v6 = impl_->options.host.find(':') != std::string::npos;
  std::string text = impl_->options.certificate.empty() ? "http://" : "https://";
  text += v6 ? "[" + impl_->options.host + "]" : impl_->options.host;
  return text.append(":").append(std::to_string(impl_->port)).append(path);
}

std::uint16_t FakeChannel::port() const noexcept {
  return impl_->port;
}

void FakeChannel::answer_next(FakeAnswer answer) {
  const std::lock_guard lock(impl_->mutex);
  impl_->script.push_back(std::move(answer));
}

void FakeChannel::answer_with(std::function<FakeAnswer(const FakeRequest&)> script) {
  const std::lock_guard lock(impl_->mutex);
  impl_->otherwise = std::move(script);
}

void FakeChannel::hold(bool held) {
  const std::lock_guard lock(impl_->mutex);
  impl_->hold_all = held;
}

void FakeChannel::release(std::size_t count) {
  std::vector<std::shared_ptr<Gate>> gates;
  {
    const std::lock_guard lock(impl_->mutex);
    while (count-- > 0 && !impl_->held.empty()) {
      gates.push_back(std::move(impl_->held.front()));
      impl_->held.pop_front();
    }
  }
  asio::post(impl_->io, [gates = std::move(gates)] {
    for (const auto& gate : gates) {
      gate->open = true;
      gate->timer.cancel();
    }
  });
}

void FakeChannel::close_next_connections(std::size_t count) {
  const std::lock_guard lock(impl_->mutex);
  impl_->to_close = count;
}

void FakeChannel::close_idle_connections() {
  std::promise<void> done;
  auto begun = done.get_future();
  asio::post(impl_->io, [this, &done] {
    for (Impl::Session* session : impl_->sessions) {
      if ((session->busy && !session->answering) || session->closing) {
        continue;
      }
      if (!session->answering) {
        boost::system::error_code ignored;
        session->socket.close(ignored);
      }
      session->closing = true;
      const std::lock_guard lock(impl_->mutex);
      ++impl_->closing;
    }
    done.set_value();
  });
  begun.wait();
  impl_->await_change("the idle connections closing", [this] { return impl_->closing == 0; });
}

std::vector<FakeRequest> FakeChannel::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

std::size_t FakeChannel::request_count() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->arrived;
}

std::size_t FakeChannel::held_count() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->held.size();
}

std::size_t FakeChannel::accepted() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->accepted;
}

std::size_t FakeChannel::open() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->open;
}

std::vector<FakeRequest> FakeChannel::wait_for(std::size_t count) const {
  impl_->await_change("the requests waited for", [&] { return impl_->arrived >= count; });
  return requests();
}

void FakeChannel::wait_for_open_at_most(std::size_t count) const {
  impl_->await_change("the connections closing", [&] { return impl_->open <= count; });
}

}  // namespace tern::test
