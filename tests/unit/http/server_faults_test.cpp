// What happens when the system fails: these definitions stand before the C library's and fail when a test says so.
#include "support/run.hpp"
#include "web_socket_fixture.hpp"

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool has_address_sanitizer = true;
#elif defined(__has_feature)
constexpr bool has_address_sanitizer = __has_feature(address_sanitizer);
#else
constexpr bool has_address_sanitizer = false;
#endif

// Only the server's calls count: a test sets this while it runs the server.
thread_local bool counting = false;
thread_local long calls_left = -1;  // until the one that fails; negative: none fails
thread_local int failure = 0;
thread_local bool accept_fails = false;

bool fails() {
  if (!counting || calls_left < 0 || calls_left-- > 0) {
    return false;
  }
  errno = failure;
  return true;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t recv(int s, void* data, size_t size, int flags) {
  static const auto call = real<ssize_t (*)(int, void*, size_t, int)>("recv");
  return fails() ? -1 : call(s, data, size, flags);
}

ssize_t recvmsg(int s, msghdr* message, int flags) {
  static const auto call = real<ssize_t (*)(int, msghdr*, int)>("recvmsg");
  return fails() ? -1 : call(s, message, flags);
}

ssize_t send(int s, const void* data, size_t size, int flags) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t, int)>("send");
  return fails() ? -1 : call(s, data, size, flags);
}

ssize_t sendmsg(int s, const msghdr* message, int flags) {
  static const auto call = real<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  return fails() ? -1 : call(s, message, flags);
}

int accept(int s, sockaddr* address, socklen_t* size) {
  static const auto call = real<int (*)(int, sockaddr*, socklen_t*)>("accept");
  if (counting && accept_fails) {
    errno = EMFILE;
    return -1;
  }
  return fails() ? -1 : call(s, address, size);
}

int setsockopt(int s, int level, int name, const void* value, socklen_t size) noexcept {
  static const auto call = real<int (*)(int, int, int, const void*, socklen_t)>("setsockopt");
  return fails() ? -1 : call(s, level, name, value, size);
}

int shutdown(int s, int how) noexcept {
  static const auto call = real<int (*)(int, int)>("shutdown");
  return fails() ? -1 : call(s, how);
}
}

namespace tern::test {
namespace {

using namespace std::chrono_literals;

class HttpServerFaults : public WebSocketTest {
 public:
  void run_counted() {
    counting = true;
    settle();
    counting = false;
  }

  // A bit of everything: body in pieces, 100-continue, a large response, a stream, a refusal, lingering.
  void play(WireClient& client) {
    const auto step = [&](std::string_view bytes) {
      client.try_send(bytes);
      client.delivered();
      run_counted();
    };
    step("POST /echo HTTP/1.1\r\nHost: a\r\n");
    step("Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    step("hel");
    step("lo" + get_empty);
    step("GET /medium HTTP/1.1\r\nHost: a\r\n\r\n");
    step(post("/held", "x"));
    clock.advance(100ms);  // its client is watched
    run_counted();
    handler.release();
    run_counted();
    step("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    handler.fed->feed("piece");
    run_counted();
    handler.fed->end();
    run_counted();
    step("nonsense\r\n\r\n");
    step("more\r\n\r\n");
    client.close();
    run_counted();
  }

  // The same for a WebSocket: messages, a ping each way, a large text, the closing.
  void play_socket(WireClient& client) {
    const auto step = [&](std::string_view bytes) {
      client.try_send(bytes);
      client.delivered();
      run_counted();
    };
    step(handshake_of("/socket") + wire_frame(0x81, "one"));
    step(wire_frame(0x01, "two") + wire_frame(0x89, "ping"));
    step(wire_frame(0x80, "three"));
    clock.advance(21s);
    run_counted();
    step(wire_frame(0x8a, ""));
    for (const auto& socket : std::vector(served->open)) {
      counting = true;
      socket->send(text_of(std::string(500'000, 'l')));
      socket->close(4000, "enough");
      counting = false;
    }
    run_counted();
    step(wire_frame(0x88, close_payload(4000)));
    client.close();
    run_counted();
  }

  void fail_every_call(void (HttpServerFaults::*scenario)(WireClient&));
};

TEST_F(HttpServerFaults, AnyFailingCallEndsNoMoreThanItsConnection) {
  fail_every_call(&HttpServerFaults::play);
}

TEST_F(HttpServerFaults, AnyFailingCallEndsNoMoreThanItsWebSocket) {
  fail_every_call(&HttpServerFaults::play_socket);
  EXPECT_TRUE(served->open.empty());
  EXPECT_EQ(shown(), 0);
}

void HttpServerFaults::fail_every_call(void (HttpServerFaults::*scenario)(WireClient&)) {
  for (const int error : {ECONNRESET, EPIPE, ENOBUFS}) {
    bool complete = false;
    for (long n = 0; !complete; ++n) {
      ASSERT_LT(n, 1000);
      handler.fed = std::make_shared<FedBody>(clock);
      failure = error;
      calls_left = n;
      {
        WireClient client(server->port(), [this] {
          run_counted();
          clock.advance(10ms);  // for the pause after a failed accept
        });
        run_counted();
        try {
          (this->*scenario)(client);
        } catch (const boost::system::system_error&) {  // its handshake failed
          ASSERT_TRUE(over_tls());
        }
      }
      complete = calls_left >= 0;
      calls_left = -1;
      advance(10s + 200ms);  // the pause after a failed accept; a connection accepted late finds its client gone
      advance(100ms);
      until([&] { return server->connections() == 0; });
      EXPECT_EQ(handler.fed->alive, 0);

      auto next = connect();
      next.send(get_empty);
      ASSERT_EQ(next.read().status, 200) << "after a failure of call " << n;
      next.close();
      until([&] { return server->connections() == 0; });
    }
  }
}

TEST_F(HttpServerFaults, ClientThatResetsAfterAnyHandlerIsForgotten) {
  bool complete = false;
  for (std::size_t n = 0; !complete; ++n) {
    ASSERT_LT(n, 1000U);
    handler.fed = std::make_shared<FedBody>(clock);
    handler.fed->feed("piece");
    handler.fed->end();
    WireClient client(server->port(), [this] { settle(); });
    client.send(post("/echo", "hello") + "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n" +
                "GET /medium HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n");
    client.delivered();
    std::size_t ran = 0;
    io.restart();
    while (ran < n && io.poll_one() > 0) {
      ++ran;
    }
    complete = ran < n;
    client.reset();
    settle();
    until([&] { return server->connections() == 0; });
    EXPECT_EQ(handler.fed->alive, 0);
  }
}

TEST_F(HttpServerFaults, AcceptorOutlivesALackOfDescriptors) {
  if (over_tls()) {
    GTEST_SKIP() << "the client would wait for its handshake";
  }
  accept_fails = true;
  WireClient client(server->port(), [this] { settle(); });
  client.send(get_empty);
  for (int i = 0; i < 30; ++i) {
    run_counted();
    clock.advance(100ms);
  }
  EXPECT_EQ(server->connections(), 0U);
  accept_fails = false;
  advance(100ms);
  EXPECT_EQ(client.read().status, 200);
}

// The descriptor in reserve is what the client is accepted with.
TEST_F(HttpServerFaults, WithoutDescriptorsNewClientsAreTold503AndOthersAreServed) {
  if (has_address_sanitizer) {
    GTEST_SKIP() << "UndefinedBehaviorSanitizer needs a descriptor to see whether an object is what it should be";
  }
  if (over_tls()) {
    GTEST_SKIP() << "the clients would wait for their handshakes";
  }
  auto established = connect();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<WireClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(server->port(), [this] { settle(); });  // in the backlog: nobody runs the server
    clients.back().send(get_empty);
  }
  const int next = ::dup(0);
  ASSERT_GE(next, 0);
  ::close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  settle();
  established.send(get_empty);
  EXPECT_EQ(established.read().status, 200);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (auto& client : clients) {
    EXPECT_EQ(client.read().status, 503);
  }
  EXPECT_EQ(rejected("connections"), 5);
  auto later = connect();
  later.send(get_empty);
  EXPECT_EQ(later.read().status, 200);
}

TEST_F(HttpServerFaults, StopEndsThePauseOfTheAcceptor) {
  accept_fails = true;
  WireClient client(server->port());
  run_counted();
  accept_fails = false;
  EXPECT_TRUE(run_on(io, server->drain(Deadline::never())));
}

/// A server and its client's steps, for `destroy_after_every_n_handlers`.
struct Scenario {
  Scenario(asio::io_context& context, ManualClock& c, TestHandler& h, Metrics& m)
      : io(context), clock(c), handler(h), wheel(c, context.get_executor()) {
    asio::co_spawn(io, wheel.run(), ignore_end);
    server.emplace(std::vector<http::ServerShard>{{io, wheel}}, handler, http::ServerLimits{}, clock, m);
    server->listen("127.0.0.1", 0);
    server->start();
    client.emplace(server->port());
  }

  bool advance() {
    switch (step++) {
      case 0:
        send(post("/echo", "hello") + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nt");
        return true;
      case 1:
        clock.advance(2s);
        return true;
      case 2:
        send("wo" + post("/held", "x"));
        return true;
      case 3:
        clock.advance(100ms);  // its client is watched
        return true;
      case 4:
        handler.release();
        return true;
      case 5:
        clock.advance(2s);
        return true;
      case 6:
        send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
        return true;
      case 7:
        handler.fed->feed("piece");
        return true;
      case 8:
        handler.fed->end();
        return true;
      case 9:
        send(post("/held", "y"));
        return true;
      case 10:
        clock.advance(100ms);
        client->half_close();
        return true;
      case 11:
        asio::co_spawn(io, keep(server->drain(Deadline::after(1h, clock))), ignore_end);
        return true;
      case 12:
        server->abort();
        wheel.stop();
        return true;
      default:
        return false;
    }
  }

  static awaitable<void> keep(awaitable<bool> work) { [[maybe_unused]] const bool drained = co_await std::move(work); }

  void send(std::string_view bytes) {
    client->try_send(bytes);
    client->delivered();
  }

  asio::io_context& io;
  ManualClock& clock;
  TestHandler& handler;
  TimingWheel wheel;
  std::optional<http::Server> server;
  std::optional<WireClient> client;
  int step = 0;
};

TEST(HttpServerDestruction, IsSafeAfterAnyHandler) {
  if (over_tls()) {
    GTEST_SKIP() << "which handlers there are depends on the threads that do the handshakes; see ServerTls";
  }
  log::configure(log::Level::off, log::Format::text);
  ManualClock clock;
  Metrics metrics;
  TestHandler handler(clock);
  destroy_after_every_n_handlers([&](asio::io_context& io) {
    handler.held.clear();
    handler.fed = std::make_shared<FedBody>(clock);
    return std::make_unique<Scenario>(io, clock, handler, metrics);
  });
}

}  // namespace
}  // namespace tern::test
