// Messages that go through a proxy.
#include "support/proxy_server.hpp"
#include "tls_harness.hpp"

#include <tern/turn/credential_provider.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

namespace tern::connector::test {
namespace {

using tern::test::ProxyServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class OneToken final : public CredentialProvider {
 public:
  TokenAnswer token(const TokenRequest&) override { return std::make_shared<const AccessToken>("the-token"); }
  bool refused(const TokenRequest&, const std::shared_ptr<const AccessToken>&) override { return false; }
};

/// The options of a bot that sends to `channel.test` over https and to this machine over http, behind a proxy.
ConnectorOptions behind(const ProxyServer& proxy, const std::string& no_proxy = {}) {
  const std::map<std::string, std::string> values{
      {"https_proxy", proxy.url("user:secret")}, {"http_proxy", proxy.url()}, {"no_proxy", no_proxy}};
  auto hosts = net::AllowedHosts::parse("http://localhost,http://plain.test");
  hosts->add_public("channel.test");
  hosts->add_public("*.below.test");
  ConnectorOptions options;
  options.loopback_only = false;
  options.allowed_hosts = std::make_shared<const net::AllowedHosts>(std::move(*hosts));
  options.proxies = std::make_shared<const net::Proxies>([&values](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  });
  return options;
}

TEST(ChannelBehindAProxy, IsReachedThroughATunnelThatIsKept) {
  const auto certificate = make_certificate("DNS:channel.test");
  const TrustOnly trust(certificate.pem);
  FakeChannel channel(serving(certificate));
  const ProxyServer proxy(channel.port());
  OneToken credentials;
  auto options = behind(proxy);
  options.credentials = &credentials;
  Harness on(std::move(options));
  on.deliver(message_to("https://channel.test/teams/"));
  on.deliver(message_to("https://channel.test/teams/"));
  ASSERT_EQ(proxy.heads().size(), 1U);
  EXPECT_THAT(proxy.heads()[0], AllOf(StartsWith("CONNECT channel.test:443 HTTP/1.1\r\nHost: channel.test:443\r\n"),
                                      HasSubstr("\r\nProxy-Authorization: Basic "), Not(HasSubstr("the-token")),
                                      Not(HasSubstr("teams"))));
  const auto request = channel.wait_for(2)[0];
  EXPECT_THAT(request.target, StartsWith("/teams/v3/conversations/"));
  EXPECT_EQ(request.header("Host"), "channel.test");
  EXPECT_EQ(request.header("Authorization"), "Bearer the-token") << "the channel alone reads it";
  EXPECT_EQ(request.header("Proxy-Authorization"), std::nullopt);
}

TEST(ChannelBehindAProxy, ShowsACertificateOfItsOwn) {
  const auto certificate = make_certificate("DNS:other.test,IP:127.0.0.1");
  const TrustOnly trust(certificate.pem);
  FakeChannel channel(serving(certificate));
  const ProxyServer proxy(channel.port());
  Harness on(behind(proxy));
  auto pending = on.send(message_to("https://channel.test"));
  EXPECT_EQ(on.finish(pending).code(), errc::channel_unreachable);
  EXPECT_EQ(channel.request_count(), 0U);
}

TEST(ChannelBehindAProxy, MayRedirectToItself) {
  const auto certificate = make_certificate("DNS:channel.test");
  const TrustOnly trust(certificate.pem);
  FakeChannel channel(serving(certificate));
  const ProxyServer proxy(channel.port());
  Harness on(behind(proxy));
  channel.answer_next(FakeAnswer::with(307, "", {{"Location", "https://channel.test/elsewhere"}}));
  on.deliver(message_to("https://channel.test"));
  EXPECT_EQ(channel.wait_for(2)[1].target, "/elsewhere");
}

TEST(ChannelBehindAProxy, IsNotAskedForUnlessItIsOnTheList) {
  const ProxyServer proxy;
  Harness on(behind(proxy));
  for (const char* url : {"https://other.test", "https://10.0.0.1", "https://[::1]:8443", "https://169.254.169.254"}) {
    auto pending = on.send(message_to(url));
    EXPECT_EQ(on.finish(pending).code(), errc::service_url_refused) << url;
  }
  EXPECT_EQ(proxy.heads().size(), 0U);
}

TEST(ChannelBehindAProxy, ThatTheProxyRefusesIsUnreachableAndNothingWasSent) {
  ProxyServer proxy;
  proxy.answer_with("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
  Harness on(behind(proxy));
  auto pending = on.send(message_to("https://channel.test"));
  try {
    on.finish(pending).get();
    ADD_FAILURE() << "it was sent";
  } catch (const AmbiguousSend&) {
    ADD_FAILURE() << "nothing was sent, and that is certain";
  } catch (const system_error& error) {
    EXPECT_EQ(error.code(), errc::channel_unreachable);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("https://channel.test:443 through the proxy http://127.0.0.1:"),
                                    HasSubstr("status 403"), HasSubstr("nothing was sent"), Not(HasSubstr("secret"))));
  }
}

TEST(ChannelBehindAProxy, IsReachedStraightWithoutTlsAndForNoProxy) {
  const auto certificate = make_certificate("DNS:channel.test");
  const TrustOnly trust(certificate.pem);
  FakeChannel plain;
  FakeChannel listed(serving(certificate));
  const ProxyServer proxy;
  FakeNameServer names;
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}));
  names.answer("plain.test", FakeRecords::at({"127.0.0.1"}));
  auto options = behind(proxy, "channel.test");
  options.nameservers = {names.endpoint()};
  Harness on(std::move(options));
  on.deliver(message_to("http://localhost:" + std::to_string(plain.port())));
  on.deliver(message_to("http://plain.test:" + std::to_string(plain.port())));
  EXPECT_EQ(plain.request_count(), 2U);
  // Here the address counts again, and only a host that is listed in full may be on this machine.
  auto pending = on.send(message_to("https://channel.test:" + std::to_string(listed.port())));
  EXPECT_EQ(on.finish(pending).code(), errc::address_refused);
  EXPECT_EQ(listed.accepted(), 0U);
  EXPECT_EQ(proxy.heads().size(), 0U);
}

}  // namespace
}  // namespace tern::connector::test
