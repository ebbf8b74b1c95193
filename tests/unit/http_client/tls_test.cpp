// https: whom the client trusts.
#include "support/fake_name_server.hpp"
#include "tls_harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::http_client::test {
namespace {

TEST(Https, ReachesAServerWithACertificateOfAnAuthorityThatIsTrusted) {
  const Authority authority;
  FakeChannel server(authority.serving("DNS:localhost,IP:127.0.0.1"));
  Harness on(authority.trusted());
  EXPECT_EQ(on.answer_of(server.url()).status, 201);
  EXPECT_EQ(on.answer_of(server.url()).status, 201);
  EXPECT_EQ(server.accepted(), 1U) << "the connection is used again";
  EXPECT_EQ(on.answer_of("https://localhost:" + std::to_string(server.port())).status, 201);
}

TEST(Https, ReachesAHostByItsName) {
  const Authority authority;
  FakeChannel server(authority.serving("DNS:api.test"));
  tern::test::FakeNameServer names;
  names.answer("api.test", tern::test::FakeRecords::at({"127.0.0.1"}));
  auto options = authority.trusted();
  options.nameservers = "127.0.0.1:" + std::to_string(names.endpoint().port());
  Harness on(options);
  EXPECT_EQ(on.answer_of("https://API.test:" + std::to_string(server.port())).status, 201);
}

std::string refusal(const HttpClientOptions& options, const FakeChannel& server) {
  Harness on(options);
  const auto text = on.failure(on.get(server.url("/path?token=secret")), errc::host_unreachable);
  EXPECT_EQ(server.request_count(), 0U);
  EXPECT_NE(text.find("https://127.0.0.1:"), std::string::npos) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  return text;
}

TEST(Https, TheNameInTheCertificateMustBeThatOfTheHost) {
  const Authority authority;
  for (const char* names : {"DNS:other.example", "IP:127.0.0.2", "DNS:127.0.0.1"}) {
    FakeChannel server(authority.serving(names));
    EXPECT_NE(refusal(authority.trusted(), server).find("its certificate is refused: IP address mismatch"),
              std::string::npos)
        << names;
  }
  FakeChannel server(authority.serving("DNS:other.example"));
  Harness on(authority.trusted());
  const auto text = on.failure(on.get("https://localhost:" + std::to_string(server.port())), errc::host_unreachable);
  EXPECT_NE(text.find("hostname mismatch"), std::string::npos) << text;
}

TEST(Https, AnAuthorityThatNobodyTrustsIsRefused) {
  const Authority authority;
  const Authority other;
  FakeChannel server(authority.serving("IP:127.0.0.1"));
  EXPECT_NE(refusal(other.trusted(), server).find("its certificate is refused: "), std::string::npos);
  EXPECT_NE(refusal({}, server).find("its certificate is refused: "), std::string::npos);
}

TEST(Https, ACertificateThatHasExpiredIsRefused) {
  const Authority authority;
  FakeChannel server(authority.serving("IP:127.0.0.1", true));
  EXPECT_NE(refusal(authority.trusted(), server).find("certificate has expired"), std::string::npos);
}

TEST(Https, AServerWithoutTlsIsUnreachable) {
  FakeChannel server;
  Harness on;
  const auto text = on.failure(on.get("https://127.0.0.1:" + std::to_string(server.port())), errc::host_unreachable);
  EXPECT_NE(text.find("could not be connected to"), std::string::npos) << text;
  EXPECT_EQ(server.request_count(), 0U);
}

TEST(Https, LostConnectionsAreReplacedAsWithoutTls) {
  const Authority authority;
  FakeChannel server(authority.serving("IP:127.0.0.1"));
  Harness on(authority.trusted());
  on.answer_of(server.url());
  server.close_idle_connections();
  EXPECT_EQ(on.answer_to(request_of("POST", server.url(), "x")).status, 201);
  server.answer_next(FakeAnswer::closing());
  EXPECT_EQ(on.answer_of(server.url()).status, 201);
  EXPECT_EQ(server.accepted(), 3U);
}

TEST(Https, CancelledAfterEveryHandlerThePlaceIsFree) {
  const Authority authority;
  FakeChannel server(authority.serving("IP:127.0.0.1"));
  auto options = authority.trusted();
  options.connections_per_host = 1;
  Harness on(options);
  bool complete = false;
  for (int n = 0; !complete; ++n) {
    ASSERT_LT(n, 1000);
    auto pending = on.get(server.url());
    for (int i = 0; i < n && !pending.ended(); ++i) {
      on.io.restart();
      on.io.run_one();
    }
    complete = pending.ended();
    pending.cancel();
    on.finish(pending);
    EXPECT_TRUE(pending.code() == error_code() || pending.code() == asio::error::operation_aborted) << n;
    EXPECT_EQ(on.answer_of(server.url()).status, 201);
    server.close_idle_connections();
  }
}

}  // namespace
}  // namespace tern::http_client::test
