// Who the client of a request is when it comes through a proxy.
#include "http_fixture.hpp"

namespace tern::test {
namespace {

class HttpServerProxies : public HttpServerTest {
 protected:
  void SetUp() override { trusting("127.0.0.0/8"); }

  void trusting(const std::string& proxies) {
    server = std::make_unique<http::Server>(std::vector<http::ServerShard>{{io, *wheel}}, handler, http::ServerLimits(),
                                            clock, metrics);
    server->trust(http::TrustedProxies::parse(proxies).value());
    speak_as_told(*server);
    server->listen("127.0.0.1", 0);
    server->start();
    settle();
  }
  /// The client, as the handler sees it.
  std::string seen(WireClient& client, const std::string& headers) {
    client.send("GET /info HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n");
    const auto body = client.read().body;
    const auto end = body.rfind('|');
    const auto begin = body.rfind('|', end - 1) + 1;
    return body.substr(begin, end - begin);
  }
};

TEST_F(HttpServerProxies, EachRequestOfAConnectionHasItsOwnClient) {
  auto proxy = connect();
  EXPECT_EQ(seen(proxy, "X-Forwarded-For: 192.0.2.1\r\n"), "192.0.2.1");
  EXPECT_EQ(seen(proxy, "forwarded: for=\"[2001:db8::1]:80\"\r\n"), "2001:db8::1");
  EXPECT_EQ(seen(proxy, ""), "127.0.0.1");
  EXPECT_EQ(seen(proxy, "X-Forwarded-For: 192.0.2.3\r\n"), "192.0.2.3");
}

TEST_F(HttpServerProxies, AHeaderInSeveralLinesIsOne) {
  auto proxy = connect();
  EXPECT_EQ(seen(proxy, "X-Forwarded-For: 6.6.6.6\r\nX-Other: a\r\nx-forwarded-for: 192.0.2.1\r\n"), "192.0.2.1");
  EXPECT_EQ(seen(proxy, "Forwarded: for=192.0.2.1\r\nForwarded: for=127.0.0.2\r\n"), "192.0.2.1");
  EXPECT_EQ(seen(proxy, "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n"), "127.0.0.1");
}

TEST_F(HttpServerProxies, StrangersAreNotBelieved) {
  trusting("10.0.0.0/8");
  auto stranger = connect();
  EXPECT_EQ(seen(stranger, "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n"), "127.0.0.1");
  trusting("");
  auto other = connect();
  EXPECT_EQ(seen(other, "X-Forwarded-For: 192.0.2.1\r\n"), "127.0.0.1");
}

}  // namespace
}  // namespace tern::test
