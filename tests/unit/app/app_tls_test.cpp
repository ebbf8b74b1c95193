// A bot that speaks TLS: where its certificate comes from, and how it is replaced.
#include "support/captured_log.hpp"
#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"
#include "support/served_certificate.hpp"
#include "support/tls_layer.hpp"

#include <tern/app/app.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/tern.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string ask_health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const std::string ask_figures = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

class AppTls : public testing::Test {
 protected:
  Settings settings() const {
    Settings made;
    made.listen.port = 0;
    made.listen.threads = 2;
    made.log.level = log::Level::off;
    made.limits.idle_timeout = made.limits.header_timeout = 24h;  // tests move the clock faster than clients are
    made.listen.certificate = folder.files().certificate;
    made.listen.certificate_key = folder.files().key;
    return made;
  }
  void start() {
    log::configure(log::Level::info, log::Format::text);
    App::Options options;
    options.clock = &clock;
    app = std::make_unique<App>(settings(), [] { return std::make_unique<FunctionBot>(); }, options);
    app->start();
  }
  WireClient trusting(const TestCertificate& certificate) const {
    return WireClient(app->port(), {}, 0, tls_layer({.authority = certificate.pem}));
  }
  bool serves(const TestCertificate& certificate) const {
    try {
      auto client = trusting(certificate);
      client.send(ask_health);
      return client.read().status == 200;
    } catch (const boost::system::system_error&) {
      return false;
    }
  }
  /// Moves the clock until `done`: the files are looked at on other threads.
  template <class Condition>
  void advance_until(Condition done) {
    const auto begun = std::chrono::steady_clock::now();
    while (!done()) {
      clock.advance(2s);
      ASSERT_LT(std::chrono::steady_clock::now() - begun, 60s);
    }
  }
  std::string figures() const {
    auto client = trusting(folder.certificate());
    client.send(ask_figures);
    return client.read().body;
  }
  double reads(const std::string& outcome) const {
    return app->metrics().counter("tern_tls_certificate_reads_total", "", {{"outcome", outcome}}).value();
  }

  ManualClock clock{std::chrono::system_clock::now()};  // certificates are made for the time of the machine
  CertificateFolder folder;
  std::unique_ptr<App> app;
};

TEST_F(AppTls, ServesItsCertificateAndShowsWhenItExpires) {
  start();
  EXPECT_TRUE(serves(folder.certificate()));
  EXPECT_FALSE(serves(make_certificate("DNS:localhost")));
  EXPECT_THAT(figures(), HasSubstr("\ntern_tls_certificate_expiry_timestamp_seconds "));
  EXPECT_THAT(figures(), HasSubstr("\ntern_tls_handshakes_total{outcome=\"refused\"} 1\n"));
  EXPECT_TRUE(app->stop());
}

TEST_F(AppTls, DoesNotStartWithoutItsFiles) {
  std::filesystem::remove(folder.files().key);
  try {
    start();
    FAIL() << "it has no key";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("listen.certificate_key is \"" + folder.files().key));
  }
}

TEST_F(AppTls, ReadsFilesThatHaveChanged) {
  start();
  auto kept = trusting(folder.certificate());
  kept.send(ask_health);
  EXPECT_EQ(kept.read().status, 200);
  folder.write(make_certificate("DNS:localhost"));
  advance_until([&] { return serves(folder.certificate()); });
  kept.send(ask_health);
  EXPECT_EQ(kept.read().status, 200) << "its connection is the old one";
}

TEST_F(AppTls, KeepsTheOldOneWhileTheNewOneCannotBeUsed) {
  start();
  const auto old = folder.certificate();
  const auto next = make_certificate("DNS:localhost");
  folder.write_file("tls.crt", next.pem);
  advance_until([&] { return reads("refused") == 1; });
  EXPECT_TRUE(serves(old));
  for (int i = 0; i < 10; ++i) {
    clock.advance(2s);
  }
  EXPECT_EQ(reads("refused"), 1) << "the same files are not tried again";
  folder.write_file("tls.key", next.key);
  advance_until([&] { return serves(next); });
}

TEST_F(AppTls, KeepsTheOldOneWhenTheNewOneHasExpired) {
  start();
  const auto old = folder.certificate();
  folder.write(make_certificate("DNS:localhost", {.expired = true}));
  advance_until([&] { return reads("refused") == 1; });
  EXPECT_TRUE(serves(old));
}

TEST_F(AppTls, ServesWhatIsNotValidYetOnceItIs) {
  CapturedLog log;
  start();
  const auto old = folder.certificate();
  folder.write(make_certificate("DNS:localhost", {.early = true}));
  advance_until([&] { return reads("refused") == 1; });
  EXPECT_TRUE(serves(old));
  for (int i = 0; i < 10; ++i) {
    clock.advance(2s);
  }
  EXPECT_EQ(reads("refused"), 1) << "it waits";
  EXPECT_EQ(reads("served"), 1);
  clock.advance(20h);
  advance_until([&] { return reads("served") == 2; });
  EXPECT_THAT(log.take(), HasSubstr("is not valid before 20"));
}

TEST_F(AppTls, WarnsOfACertificateThatMostClientsRefuse) {
  folder.write(make_certificate("DNS:localhost", {.early = true}));
  {
    CapturedLog log;
    start();
    EXPECT_THAT(log.take(), AllOf(HasSubstr("is not valid yet"), HasSubstr(folder.files().certificate)));
  }
  app.reset();
  folder.write(make_certificate("DNS:localhost", {.expired = true}));
  CapturedLog log;
  start();
  EXPECT_THAT(log.take(), HasSubstr("has expired"));
}

TEST_F(AppTls, WarnsEachDayOfTheLastFortnight) {
  folder.write(make_certificate("DNS:localhost", {.early = true}));
  clock.advance(2 * 24h);
  {
    CapturedLog log;
    start();
    EXPECT_THAT(log.take(), Not(HasSubstr("certificate")));
  }
  for (int read = 2; read < 4; ++read) {
    CapturedLog log;
    clock.advance(read == 2 ? 15 * 24h : 24h);
    advance_until([&] { return reads("served") == read; });
    EXPECT_THAT(log.take(), AllOf(HasSubstr("the certificate expires soon"), HasSubstr("days=1")));
  }
}

TEST_F(AppTls, ReadsTheFilesEachDay) {
  start();
  EXPECT_EQ(reads("served"), 1);
  const auto begun = std::chrono::steady_clock::now();
  clock.advance(24h);
  while (reads("served") < 2) {
    clock.advance(2s);
    ASSERT_LT(std::chrono::steady_clock::now() - begun, 60s);
  }
}

// Connections that are open, and those that are opened meanwhile, are all served.
TEST_F(AppTls, DropsNoConnectionWhenItsCertificateIsReplaced) {
  start();
  std::atomic<bool> done = false;
  const auto load = [&] {
    int asked = 0;
    WireClient kept(app->port(), {}, 0, tls_layer());
    for (; !done || asked < 10; ++asked) {
      kept.send(ask_health);
      EXPECT_EQ(kept.read().status, 200);
      WireClient fresh(app->port(), {}, 0, tls_layer());
      fresh.send(ask_health);
      EXPECT_EQ(fresh.read().status, 200);
    }
    return asked;
  };
  std::vector<std::future<int>> loads;
  for (int i = 0; i < 2; ++i) {
    loads.push_back(std::async(std::launch::async, load));
  }
  for (int i = 0; i < 5; ++i) {
    folder.write(make_certificate("DNS:localhost"));
    advance_until([&] { return serves(folder.certificate()); });
  }
  done = true;
  for (auto& ended : loads) {
    EXPECT_GE(ended.get(), 10);
  }
  EXPECT_GE(reads("served"), 6);
  EXPECT_TRUE(app->stop());
}

}  // namespace
}  // namespace tern::test
