// Servers that do what no well-behaved server does.
#include "scripted_server.hpp"
#include "tls_harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::http_client::test {
namespace {

constexpr const char* short_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr const char* stale_answer = "HTTP/1.1 500 Stale\r\nContent-Length: 5\r\n\r\nstale";
constexpr std::size_t long_body = 16 << 20;  // more than the buffers of a connection take

// The socket is open after an error of TLS, and must not be used again.
TEST(OddServers, ThatBreakTlsAndLeaveTheSocketOpenLoseTheConnection) {
  const Authority authority;
  const auto certificate = authority.certificate_for("IP:127.0.0.1");
  const ScriptedServer server(&certificate, [](ScriptedPeer& peer, int connection) {
    peer.read_head();
    peer.write(short_answer);
    if (connection == 1) {
      peer.read_head();
      peer.write_below("these bytes are no record of TLS");
    }
    peer.wait_for_end();
  });
  Harness on(authority.trusted());
  EXPECT_EQ(on.answer_of(server.url()).status, 200);
  auto repeated = on.get(server.url());
  EXPECT_EQ(on.finish(repeated).get().status, 200);
}

TEST(OddServers, ThatAnswerTwiceAreNotAskedOnTheSameConnectionAgain) {
  const Authority authority;
  const auto certificate = authority.certificate_for("IP:127.0.0.1");
  for (const auto* tls : {&certificate, static_cast<const TestCertificate*>(nullptr)}) {
    const ScriptedServer server(tls, [](ScriptedPeer& peer, int connection) {
      peer.read_head();
      peer.keep_back(true);
      peer.write(short_answer);
      if (connection == 1) {
        peer.write(stale_answer);
      }
      peer.keep_back(false);
      peer.wait_for_end();
    });
    Harness on(authority.trusted());
    EXPECT_EQ(on.answer_of(server.url()).body, "ok");
    auto second = on.get(server.url());
    EXPECT_EQ(on.finish(second).get().body, "ok");
  }
}

// The server closes the connection with bytes unread, so that the client's system reports an error to the writing.
TEST(OddServers, ThatRefuseALongRequestBeforeItsEndAreHeard) {
  const Authority authority;
  const auto certificate = authority.certificate_for("IP:127.0.0.1");
  for (const auto* tls : {&certificate, static_cast<const TestCertificate*>(nullptr)}) {
    const ScriptedServer server(tls, [](ScriptedPeer& peer, int) {
      peer.read_head();
      peer.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo long");
    });
    Harness on(authority.trusted());
    for (const char* method : {"PUT", "POST"}) {
      auto refused = on.send(request_of(method, server.url(), std::string(long_body, 'x')));
      const auto response = on.finish(refused).get();
      EXPECT_EQ(response.status, 413) << method;
      EXPECT_EQ(response.body, "too long") << method;
    }
  }
}

TEST(OddServers, ThatAnswerALongRequestInPartAndCloseAreNotAskedAgain) {
  int connections = 0;
  {
    const ScriptedServer server(nullptr, [&connections](ScriptedPeer& peer, int connection) {
      connections = connection;
      peer.read_head();
      if (connection == 1) {
        peer.write(short_answer);
        peer.read_head();
        peer.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo");
      }
    });
    Harness on;
    EXPECT_EQ(on.answer_of(server.url()).status, 200);
    const auto text =
        on.failure(on.send(request_of("PUT", server.url(), std::string(long_body, 'x'))), errc::host_unreachable);
    EXPECT_NE(text.find("was lost"), std::string::npos) << text;
  }
  EXPECT_EQ(connections, 1);
}

}  // namespace
}  // namespace tern::http_client::test
