// What a server does besides when it speaks TLS. That it does all else as without is tested by the tests of this
// program with TERN_TEST_TLS.
#include "http_fixture.hpp"

#include "http/lingering.hpp"

#include <gmock/gmock.h>

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A server whose certificate the test may change.
class HttpServerTls : public HttpServerTest {
 protected:
  void SetUp() override { start_tls({}); }
  void start_tls(http::ServerLimits limits) {
    server =
        std::make_unique<http::Server>(std::vector<http::ServerShard>{{io, *wheel}}, handler, limits, clock, metrics);
    server->serve_tls(folder.load());
    server->listen("127.0.0.1", 0);
    server->start();
    settle();
  }

  WireClient client(TlsWish wish = {}) {
    return WireClient(server->port(), [this] { settle(); }, 0, tls_layer(std::move(wish)));
  }
  /// One that the certificate is good for, with its handshake done on both sides.
  WireClient trusting() {
    const double before = handshakes("done");
    auto made = client({.authority = folder.certificate().pem});
    made.begin();
    until([&] { return handshakes("done") > before; });
    return made;
  }
  /// Bytes alone, without a layer.
  WireClient raw() {
    return WireClient(server->port(), [this] { settle(); }, 0, nullptr);
  }
  /// The first flight of a client, as it leaves it.
  static std::string client_hello() {
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
    SSL_connect(ssl.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    return {data, static_cast<std::size_t>(size)};
  }
  void expect_refused(TlsWish wish, const std::string& outcome) {
    const double before = handshakes(outcome);
    auto refused = client(std::move(wish));
    EXPECT_THROW(refused.begin(), boost::system::system_error);
    until([&] { return handshakes(outcome) == before + 1; });
    until([&] { return server->connections() == 0; });
  }

  CertificateFolder folder;
};

TEST_F(HttpServerTls, SpeaksTheVersionsThatAreSafe) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    int spoken = 0;
    auto made = client(
        {.authority = folder.certificate().pem, .most = version, .look = [&](SSL* ssl) { spoken = SSL_version(ssl); }});
    made.send(post("/echo", "hello"));
    EXPECT_EQ(made.read().body, "hello");
    EXPECT_EQ(spoken, version);
  }
  until([&] { return handshakes("done") == 2; });
  expect_refused({.most = TLS1_1_VERSION}, "unsupported");
}

TEST_F(HttpServerTls, AgreesOnKeysThatAreForgottenWithTheConnection) {
  expect_refused({.most = TLS1_2_VERSION, .ciphers = "kRSA"}, "unsupported");
  expect_refused({.most = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA"}, "unsupported");
}

TEST_F(HttpServerTls, NeverNegotiatesAnew) {
  std::optional<int> outcome;
  auto made = client({.most = TLS1_2_VERSION, .look = [&](SSL* ssl) { outcome = SSL_renegotiate(ssl); }});
  const auto exchange = [&] {
    made.send(get_empty);
    made.read();
  };
  EXPECT_THROW(exchange(), std::exception);
  EXPECT_EQ(outcome, 1) << "the client wanted it";
  until([&] { return server->connections() == 0; });
}

// One read of OpenSSL must not go on for as long as the client sends these.
TEST_F(HttpServerTls, UpdatesOfKeysEndARead) {
  EXPECT_EQ(SSL_CTX_get_mode(folder.load()->native()) & SSL_MODE_AUTO_RETRY, 0U);
  SSL* ssl = nullptr;
  auto made = client({.authority = folder.certificate().pem, .look = [&](SSL* s) { ssl = s; }});
  made.send(get_empty);
  EXPECT_EQ(made.read().status, 200);
  for (int i = 0; i < 2'000; ++i) {  // more than are read at once
    ASSERT_EQ(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(ssl), 1);
  }
  made.send(post("/echo", "hello"));
  EXPECT_EQ(made.read().body, "hello");
}

// Its descriptor belongs to somebody else by the time at which the handler has its answer.
TEST_F(HttpServerTls, NothingIsWrittenToADescriptorThatWasClosed) {
  auto made = trusting();
  made.send(post("/held", "one"));
  until([&] { return !handler.held.empty(); });
  server->abort();
  settle();
  std::vector<std::array<int, 2>> others(32);
  for (auto& pair : others) {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
  }
  handler.release();
  settle();
  for (const auto& pair : others) {
    char byte = 0;
    for (const int end : pair) {
      EXPECT_EQ(::recv(end, &byte, 1, 0), -1);
    }
    for (const int end : pair) {
      ::close(end);
    }
  }
}

TEST_F(HttpServerTls, ChoosesHttp11OfWhatAClientOffers) {
  std::string chosen;
  const auto look = [&](SSL* ssl) {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    chosen.assign(reinterpret_cast<const char*>(name), size);
  };
  auto made = client({.protocols = "\x02h2\x08http/1.1", .look = look});
  made.send(get_empty);
  EXPECT_EQ(made.read().status, 200);
  EXPECT_EQ(chosen, "http/1.1");
  made.close();
  until([&] { return server->connections() == 0; });
  expect_refused({.protocols = "\x02h2"}, "unsupported");
}

TEST_F(HttpServerTls, AClientGoesOnWithTheTicketOfItsLastConnection) {
  SSL_SESSION* kept = nullptr;
  for (const bool reused : {false, true}) {
    bool was_reused = false;
    SSL* ssl = nullptr;
    auto made = client({.most = TLS1_2_VERSION,
                        .look =
                            [&](SSL* s) {
                              ssl = s;
                              was_reused = SSL_session_reused(s) == 1;
                            },
                        .session = kept});
    made.send(get_empty);
    EXPECT_EQ(made.read().status, 200);
    EXPECT_EQ(was_reused, reused);
    SSL_SESSION_free(kept);
    kept = SSL_get1_session(ssl);
    made.half_close();  // OpenSSL goes on with no session that had no end
  }
  SSL_SESSION_free(kept);
}

TEST_F(HttpServerTls, HttpWithoutTlsIsToldSo) {
  auto made = raw();
  made.send(get_empty);
  const auto response = made.read();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_THAT(response.body, HasSubstr("use https instead of http"));
  EXPECT_TRUE(made.sees_end());
  made.close();
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(handshakes("plain_http"), 1);
  EXPECT_EQ(rejected("plain_http"), 1);
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(HttpServerTls, WhatIsNeitherIsClosed) {
  const std::string hello = client_hello();
  for (const std::string& bytes : {std::string("\x80\x2e\x01\x00\x02", 5), std::string("\0\0\0\0", 4),
                                   std::string("get /"), std::string("\x16\x03\x01\xff\xff", 5)}) {
    auto made = raw();
    made.send(bytes);
    EXPECT_EQ(made.read_to_end(), "");
    made.close();
    until([&] { return server->connections() == 0; });
  }
  EXPECT_EQ(handshakes("no_tls"), 4);
  auto broken = raw();
  broken.send(hello.substr(0, 5) + std::string(hello.size() - 5, 'x'));
  EXPECT_EQ(broken.read_to_end().substr(0, 1), "\x15") << "an alert says why";
  EXPECT_EQ(handshakes("failed"), 1);
}

TEST_F(HttpServerTls, AClientThatDoesNotTrustTheCertificateIsCounted) {
  const auto other = make_certificate("DNS:localhost");
  expect_refused({.authority = other.pem}, "refused");
  expect_refused({.authority = folder.certificate().pem, .host = "other.example"}, "refused");
}

TEST_F(HttpServerTls, AHandshakeInPiecesIsOne) {
  const std::string hello = client_hello();
  auto made = raw();
  for (std::size_t sent = 0; sent < hello.size();) {
    const auto piece = hello.substr(sent, sent < 8 ? 1 : 40);  // byte by byte through the head of its record
    made.send(piece);
    arrived(made);
    sent += piece.size();
  }
  EXPECT_EQ(made.read_some(5).substr(0, 1), "\x16") << "the server's answer";
  made.close();
  until([&] { return handshakes("left") == 1; });
}

TEST_F(HttpServerTls, AHandshakeHasTheTimeOfAHeader) {
  auto silent = raw();
  auto slow = raw();
  auto begun = raw();
  until([&] { return server->connections() == 3; });
  slow.send(client_hello().substr(0, 100));
  arrived(slow);
  begun.send(client_hello());
  EXPECT_FALSE(begun.read_some(5).empty());
  advance(9s);
  EXPECT_EQ(server->connections(), 3U);
  advance(1s + TimingWheel::tick);
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_EQ(handshakes("late"), 3);
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(slow.read_to_end(), "");
}

TEST_F(HttpServerTls, TheHeaderHasWhatTheHandshakeHasLeftOfTheTime) {
  auto made = client();
  until([&] { return server->connections() == 1; });
  advance(9s);
  made.send("GET");
  until([&] { return handshakes("done") == 1; });
  arrived(made);
  EXPECT_FALSE(made.has_input());
  advance(1s + TimingWheel::tick);
  EXPECT_EQ(made.read().status, 408);
}

TEST_F(HttpServerTls, ClientsThatLeaveInTheirHandshakesAreForgotten) {
  const std::string hello = client_hello();
  for (const std::size_t sent : {std::size_t{0}, std::size_t{1}, std::size_t{60}, hello.size()}) {
    for (const bool hard : {false, true}) {
      auto made = raw();
      made.send(hello.substr(0, sent));
      arrived(made);
      hard ? made.reset() : made.close();
      until([&] { return server->connections() == 0; });
    }
  }
  EXPECT_EQ(handshakes("left"), 8);
}

TEST_F(HttpServerTls, ANewCertificateIsForNewConnections) {
  auto old = trusting();
  const auto before = folder.certificate();
  folder.write(make_certificate("DNS:localhost"));
  server->serve_tls(folder.load());
  auto made = trusting();
  made.send(post("/echo", "new"));
  EXPECT_EQ(made.read().body, "new");
  old.send(post("/echo", "old"));
  EXPECT_EQ(old.read().body, "old");
  made.close();
  old.close();
  until([&] { return server->connections() == 0; });
  expect_refused({.authority = before.pem}, "refused");
}

TEST_F(HttpServerTls, AHandshakeHoldsNoDrain) {
  auto silent = raw();
  auto begun = raw();
  begun.send(client_hello());
  EXPECT_FALSE(begun.read_some(5).empty());
  until([&] { return server->connections() == 2; });
  server->stop_accepting();
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(handshakes("closing"), 2);
}

TEST_F(HttpServerTls, TheEndOfAnAnswerThatIsCutIsNoEndOfTls) {
  auto made = trusting();
  made.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  made.read_head();
  handler.fed->fail();
  EXPECT_EQ(made.read_to_end(), "");
  EXPECT_TRUE(made.was_reset()) << "a client sees that its answer is not whole";
}

// The server's end of a client's connection.
int descriptor_of_server(WireClient& client) {
  const auto wanted = client.socket().local_endpoint().port();
  for (int descriptor = 0; descriptor < 4096; ++descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && peer.sin_family == AF_INET &&
        ntohs(peer.sin_port) == wanted) {
      return descriptor;
    }
  }
  return -1;
}

// A socket that keeps little is full after an answer of some size, which depends on the kernel.
TEST_F(HttpServerTls, TheEndOfAWholeAnswerArrivesAlsoWhenTheSocketWasFull) {
  for (std::size_t size = 1'000; size < 8'000; size += 100) {
    WireClient made(server->port(), [this] { settle(); }, 1, tls_layer({.authority = folder.certificate().pem}));
    made.begin();
    until([&] { return server->connections() == 1; });
    const int least = 1;
    ASSERT_EQ(::setsockopt(descriptor_of_server(made), SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
    const int before = handler.answered;
    made.send(post("/echo", std::string(size, 'e'), "Connection: close\r\n"));
    until([&] { return handler.answered > before; });
    settle();
    EXPECT_EQ(made.read().body.size(), size);
    EXPECT_TRUE(made.sees_end()) << size << ": the end of TLS comes before that of the connection";
    made.close();
    until([&] { return server->connections() == 0; });
  }
}

TEST_F(HttpServerTls, AClientThatTakesNoEndIsClosed) {
  for (std::size_t size = 3'000; size < 5'000; size += 200) {
    WireClient made(server->port(), [this] { settle(); }, 1, tls_layer({.authority = folder.certificate().pem}));
    made.begin();
    until([&] { return server->connections() == 1; });
    const int least = 1;
    ASSERT_EQ(::setsockopt(descriptor_of_server(made), SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
    const int before = handler.answered;
    made.send(post("/echo", std::string(size, 'e'), "Connection: close\r\n"));
    until([&] { return handler.answered > before; });
    settle();
    clock.advance(http::ServerLimits().write_timeout + http::linger_time);
    until([&] { return server->connections() == 0; });
  }
}

TEST_F(HttpServerTls, ManyHandshakesAtOnceEndAll) {
  constexpr int many = 100;
  auto kept = trusting();
  std::vector<WireClient> clients;
  const std::string hello = client_hello();
  for (int i = 0; i < many; ++i) {
    clients.push_back(raw());
    clients.back().send(hello);
  }
  kept.send(get_empty);
  EXPECT_EQ(kept.read().status, 200);
  for (auto& waiting : clients) {
    EXPECT_EQ(waiting.read_some(1).substr(0, 1), "\x16");
  }
}

// The threads of the handshakes may be at work for a session that is being destroyed.
TEST(HttpServerTlsDestruction, IsSafeAfterAnyHandler) {
  struct Enough {};
  log::configure(log::Level::off, log::Format::text);
  bool complete = false;
  for (std::size_t n = 0; !complete; ++n) {
    ASSERT_LT(n, 1000U);
    ManualClock clock;
    Metrics metrics;
    TestHandler handler(clock);
    std::optional<http::Server> server;
    {
      asio::io_context io{1};
      TimingWheel wheel(clock, io.get_executor());
      asio::co_spawn(io, wheel.run(), ignore_end);
      server.emplace(std::vector<http::ServerShard>{{io, wheel}}, handler, http::ServerLimits{}, clock, metrics);
      server->serve_tls(usual_certificate());
      server->listen("127.0.0.1", 0);
      server->start();
      std::size_t ran = 0;
      complete = true;
      try {
        WireClient client(
            server->port(),
            [&] {
              if (ran == n) {
                throw Enough();
              }
              io.restart();
              ran += io.poll_one();
            },
            0, tls_layer());
        client.send(get_empty);
        EXPECT_EQ(client.read().status, 200);
      } catch (const Enough&) {
        complete = false;
      }
      server.reset();
    }
  }
}

}  // namespace
}  // namespace tern::test
