// Requests through a proxy.
#include "support/fake_name_server.hpp"
#include "tls_harness.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tern::http_client::test {
namespace {

TEST(Tunnel, LeadsToAnHttpsHostWhoseNameOnlyTheProxyKnows) {
  const Authority authority;
  FakeChannel server(authority.serving("DNS:api.test"));
  ProxyServer proxy(server.port());
  const Environment environment({{"https_proxy", proxy.url("user:pass%20word")}});
  Harness on(authority.trusted());
  EXPECT_EQ(on.answer_to(request_of("GET", "https://api.test/path?x", {}, {{"Authorization", "Bearer token"}})).status,
            201);
  EXPECT_EQ(on.answer_of("https://api.test/again").status, 201);
  ASSERT_EQ(proxy.heads().size(), 1U) << "the tunnel is kept";
  const std::string head = proxy.heads()[0];
  EXPECT_TRUE(head.starts_with("CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n")) << head;
  EXPECT_NE(head.find("\r\nProxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("token"), std::string::npos);
  const auto request = server.wait_for(2)[0];
  EXPECT_EQ(request.target, "/path?x");
  EXPECT_EQ(request.header("Proxy-Authorization"), std::nullopt) << "the password is the proxy's alone";
}

TEST(Tunnel, ChecksTheCertificateOfTheHostBehindTheProxy) {
  const Authority authority;
  FakeChannel server(authority.serving("DNS:other.test"));
  ProxyServer proxy(server.port());
  const Environment environment({{"https_proxy", proxy.url()}});
  Harness on(authority.trusted());
  const auto text = on.failure(on.get("https://api.test/"), errc::host_unreachable);
  EXPECT_NE(text.find("hostname mismatch"), std::string::npos) << text;
  EXPECT_EQ(server.request_count(), 0U);
}

TEST(Tunnel, ThatTheProxyRefusesIsAnErrorWithoutItsPassword) {
  for (const int status : {407, 403, 502}) {
    ProxyServer proxy;
    proxy.answer_with("HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: 2\r\n\r\nno");
    const Environment environment({{"https_proxy", proxy.url("user:secret")}});
    Harness on;
    const auto text = on.failure(on.get("https://api.test/?token=secret"), errc::host_unreachable);
    EXPECT_NE(text.find("https://api.test:443 through the proxy http://127.0.0.1:"), std::string::npos) << text;
    EXPECT_NE(text.find("refused the connection with status " + std::to_string(status)), std::string::npos) << text;
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  }
}

TEST(Tunnel, OfAProxyThatIsNoneIsAnError) {
  for (const char* bytes : {"SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nsurplus"}) {
    ProxyServer proxy;
    proxy.answer_with(bytes);
    const Environment environment({{"https_proxy", proxy.url()}});
    Harness on;
    EXPECT_NE(on.failure(on.get("https://api.test/"), errc::host_unreachable).find("could not be connected to"),
              std::string::npos);
  }
}

TEST(Proxy, GetsAPlainRequestWithItsWholeUrl) {
  FakeChannel proxy;
  const Environment environment({{"http_proxy", "http://user:pass@127.0.0.1:" + std::to_string(proxy.port())}});
  Harness on;
  EXPECT_EQ(on.answer_of("http://one.test/path?x").status, 201);
  EXPECT_EQ(on.answer_of("http://two.test:81").status, 201);
  const auto requests = proxy.wait_for(2);
  EXPECT_EQ(requests[0].target, "http://one.test/path?x");
  EXPECT_EQ(requests[0].header("Host"), "one.test");
  EXPECT_EQ(requests[0].header("Proxy-Authorization"), "Basic dXNlcjpwYXNz");
  EXPECT_EQ(requests[1].target, "http://two.test:81/");
  EXPECT_EQ(proxy.accepted(), 1U);
}

TEST(Proxy, ThatCannotBeReachedIsNamedWithoutItsPassword) {
  asio::io_context io;
  const asio::ip::tcp::socket bound(io, {asio::ip::address_v4::loopback(), 0});  // not listening
  const auto port = std::to_string(bound.local_endpoint().port());
  const Environment environment({{"http_proxy", "http://user:secret@127.0.0.1:" + port}});
  Harness on;
  const auto text = on.failure(on.get("http://api.test/?token=secret"), errc::host_unreachable);
  EXPECT_TRUE(text.starts_with("the proxy http://127.0.0.1:" + port + " could not be connected to")) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
}

TEST(Proxy, IsPassedByForNoProxyForThisMachineAndWhenSwitchedOff) {
  FakeChannel server;
  ProxyServer proxy;
  tern::test::FakeNameServer names;
  for (const char* name : {"listed.test", "other.test"}) {
    names.answer(name, tern::test::FakeRecords::at({"127.0.0.1"}));
  }
  const auto port = ":" + std::to_string(server.port());
  const Environment environment({{"http_proxy", proxy.url()}, {"no_proxy", "listed.test"}});
  HttpClientOptions options;
  options.nameservers = "127.0.0.1:" + std::to_string(names.endpoint().port());
  Harness on(options);
  EXPECT_EQ(on.answer_of(server.url()).status, 201) << "this machine";
  EXPECT_EQ(on.answer_of("http://listed.test" + port).status, 201);
  options.proxy_from_environment = false;
  Harness without(options);
  EXPECT_EQ(without.answer_of("http://other.test" + port).status, 201);
  EXPECT_EQ(server.request_count(), 3U);
  EXPECT_EQ(proxy.heads().size(), 0U);
}

}  // namespace
}  // namespace tern::http_client::test
