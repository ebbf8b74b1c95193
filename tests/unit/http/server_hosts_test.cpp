// Which requests name a host that is served, and which are well-formed beyond their framing.
#include "http_fixture.hpp"
#include "support/captured_log.hpp"

namespace tern::test {
namespace {

class HttpServerHosts : public HttpServerTest {
 protected:
  void SetUp() override {
    server = std::make_unique<http::Server>(std::vector<http::ServerShard>{{io, *wheel}}, handler, http::ServerLimits(),
                                            clock, metrics);
    speak_as_told(*server);
    server->listen("127.0.0.1", 0);
    server->serve_hosts(http::ServedHosts::loopback_and({"bot.example"}));
    server->start();
    settle();
  }

  WireResponse ask(const std::string& request) {
    SCOPED_TRACE(request);
    auto client = connect();
    client.send(request);
    auto response = client.read();
    client.close();
    until([&] { return server->connections() == 0; });
    return response;
  }
  int with_host(const std::string& host) { return ask("GET /empty HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status; }
};

TEST_F(HttpServerHosts, ThoseOfThisMachineAreServed) {
  for (const char* host : {"localhost", "LOCALHOST:3978", "bot.localhost", "127.0.0.1:1", "127.9.9.9", "[::1]:3978",
                           "bot.example", "localhost:"}) {
    EXPECT_EQ(with_host(host), 200) << host;
  }
}

TEST_F(HttpServerHosts, OthersAreToldWhatToDo) {
  for (const char* host : {"evil.example", "localhost.evil.example", "192.0.2.1", "0.0.0.0", "[::2]"}) {
    EXPECT_EQ(with_host(host), 421) << host;
  }
  const auto response = ask("GET /empty HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_NE(response.body.find("listen.hosts"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find("MisdirectedRequest"), std::string::npos) << response.body;
  EXPECT_EQ(handler.requests, 0);
  EXPECT_EQ(rejected("host"), 6);
}

TEST_F(HttpServerHosts, OthersAreInTheLogOnceAMinuteAsAWarning) {
  log::configure(log::Level::warn, log::Format::text);
  const auto logged = [this] {
    CapturedLog log;
    EXPECT_EQ(with_host("evil.example"), 421);
    return log.take();
  };
  const auto first = logged();
  EXPECT_NE(first.find(" warn "), std::string::npos) << first;
  EXPECT_NE(first.find("evil.example"), std::string::npos) << first;
  EXPECT_EQ(logged(), "");
  clock.advance(std::chrono::minutes(1));
  EXPECT_NE(logged().find("evil.example"), std::string::npos);
  log::configure(log::Level::off, log::Format::text);
}

TEST_F(HttpServerHosts, AnOldClientMayNameNone) {
  EXPECT_EQ(ask("GET /empty HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_EQ(ask("GET /empty HTTP/1.0\r\nHost: evil.example\r\n\r\n").status, 421);
}

TEST_F(HttpServerHosts, TheHostOfTheTargetCountsMoreThanTheHeader) {
  EXPECT_EQ(ask("GET http://evil.example/empty HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 421);
  EXPECT_EQ(ask("GET http://localhost:1/empty HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 200);
  EXPECT_EQ(ask("GET http://localhost/empty HTTP/1.1\r\n\r\n").status, 400) << "the header is wanted all the same";
  EXPECT_EQ(ask("GET http://localhost/empty HTTP/1.1\r\nHost: a b\r\n\r\n").status, 400);
  EXPECT_EQ(ask("GET http://u@localhost/empty HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 400);
  EXPECT_EQ(ask("GET http://localhost/empty HTTP/1.0\r\n\r\n").status, 200);
}

TEST_F(HttpServerHosts, MalformedOnesAreRefused) {
  for (const char* host : {"a b", "a/b", "u@a", "a, b", "a,b", "a:b", "", "localhost:99999", "[::1", "local\r\n host",
                           "\r\n localhost", "localhost\r\n ", "localhost\r\n\t:80"}) {
    EXPECT_EQ(with_host(host), 400) << host;
    EXPECT_EQ(ask("GET /empty HTTP/1.0\r\nHost: " + std::string(host) + "\r\n\r\n").status, 400) << host;
  }
  EXPECT_EQ(ask("GET /empty HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n").status, 400);
  EXPECT_EQ(ask("GET /empty HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n").status, 400);
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(HttpServerHosts, MalformedTargetsAreRefused) {
  for (const char* target :
       {"empty", "h:443", "*", "http://", "ftp://localhost/", "/%zz", "/%", "/a#b", "/a\\b", "/<a>", "/\xc3\xbc"}) {
    EXPECT_EQ(ask("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 400) << target;
  }
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(HttpServerHosts, UnknownMethodsAreNotImplemented) {
  for (const char* line : {"BREW /empty", "get /empty", "TRACE /empty", "CONNECT localhost:443", "PROPFIND /"}) {
    const auto response = ask(std::string(line) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(response.status, 501) << line;
    EXPECT_EQ(response.header("Connection"), "close") << "what follows a CONNECT is no request";
  }
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(HttpServerHosts, ContentCodingsAreRefused) {
  const auto with = [&](const std::string& coding) {
    return ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Encoding: " + coding +
               "\r\n\r\nhi");
  };
  for (const char* coding : {"gzip", "br", "identity, gzip", "gzip, identity"}) {
    const auto response = with(coding);
    EXPECT_EQ(response.status, 415) << coding;
    EXPECT_EQ(response.header("Accept-Encoding"), "identity");
  }
  EXPECT_EQ(handler.requests, 0);
  EXPECT_EQ(with("Identity").body, "hi");
  EXPECT_EQ(with("").body, "hi");
}

TEST_F(HttpServerHosts, LaterMinorVersionsAreReadAsTheOneThatIsKnown) {
  auto client = connect();
  const std::string request = "POST /echo HTTP/1.2\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi";
  client.send(request +
              "POST /echo HTTP/1.9\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(client.read().body, "hi");
  EXPECT_EQ(client.read().body, "x");
  for (const char& c : request) {
    client.send({&c, 1});
    settle();
  }
  EXPECT_EQ(client.read().body, "hi");
  client.close();
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(ask("GET /empty HTTP/1.2x\r\nHost: localhost\r\n\r\n").status, 400);
  EXPECT_EQ(ask("GET /empty HTTP/2.0\r\nHost: localhost\r\n\r\n").status, 505);
  EXPECT_EQ(ask("GET /empty HTTP/3.1\r\nHost: localhost\r\n\r\n").status, 505);
}

TEST_F(HttpServerHosts, EveryResponseHasADate) {
  for (const char* request :
       {"GET /empty HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /empty HTTP/1.0\r\n\r\n", "what\r\n\r\n",
        "GET /throw HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /status?204 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /empty HTTP/1.1\r\nHost: evil.example\r\n\r\n"}) {
    const auto date = ask(request).header("Date");
    ASSERT_TRUE(date) << request;
    EXPECT_TRUE(date->ends_with(" GMT")) << *date;
    EXPECT_EQ(date->size(), std::string("Sun, 06 Nov 1994 08:49:37 GMT").size());
  }
}

}  // namespace
}  // namespace tern::test
