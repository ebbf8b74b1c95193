// What a bot shows to strangers: which hosts it serves, and what it does when descriptors run out.

#include "programs/stuck_bot.hpp"
#include "support/fake_channel.hpp"
#include "support/served_certificate.hpp"
#include "support/tls_layer.hpp"
#include "unit/http/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tern::test {
namespace {

using testing::HasSubstr;

const std::string get_health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::uint16_t port_in(const std::string& line, const std::string& name) {
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.find(" " + name + "=") + name.size() + 2)));
}

RawAnswer ask(std::uint16_t port, const std::string& path, const std::string& host) {
  return exchange_bytes(port, "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
}

/// state_bot after `ulimit` with these words.
std::vector<std::string> limited(const std::string& ulimit) {
  return {"/bin/sh",         "-c", ulimit + R"(; exec "$0" "$@")", TERN_STATE_BOT, "--set", "listen.port=0", "--set",
          "listen.threads=1"};
}

std::string message_to(const FakeChannel& channel, const std::string& id) {
  const auto body = R"({"type":"message","id":")" + id + R"(","channelId":"emulator","text":"hello","serviceUrl":")" +
                    channel.url() + R"(","conversation":{"id":"c"},"from":{"id":"u"},"recipient":{"id":"b"}})";
  return "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(Edge, AListenerOfThisMachineServesItsNamesAlone) {
  Program bot({TERN_STATE_BOT, "--set", "listen.port=0", "--set", "metrics.port=0"});
  const auto line = bot.wait_for(" serving ");
  const auto port = port_in(line, "port");
  const auto figures = port_in(line, "metrics_port");
  EXPECT_EQ(ask(figures, "/metrics", "127.0.0.1:" + std::to_string(figures)).status, 200);
  EXPECT_EQ(ask(figures, "/healthz", "localhost").status, 200);
  for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
    const auto answer = ask(figures, path, "rebound.example");
    EXPECT_EQ(answer.status, 421) << path;
    EXPECT_THAT(answer.body, HasSubstr("listen.hosts"));
  }
  EXPECT_EQ(ask(port, "/api/messages", "rebound.example:" + std::to_string(port)).status, 421);
  EXPECT_EQ(ask(port, "/api/messages", "localhost:" + std::to_string(port)).status, 405);
}

TEST(Edge, ABotBehindAProxyServesTheNameThatItPassesOn) {
  const StuckBot bot({"listen.hosts=bot.example,*.tunnel.example"});
  EXPECT_EQ(ask(bot.port(), "/healthz", "bot.example").status, 200);
  EXPECT_EQ(ask(bot.port(), "/healthz", "a1.tunnel.example:443").status, 200);
  EXPECT_EQ(ask(bot.port(), "/healthz", "other.example").status, 421);
}

TEST(Edge, ABotForEverybodyServesEveryHostUnlessTheyAreListed) {
  const std::vector<std::string> open{"listen.address=0.0.0.0", "bot.allow_anonymous=true"};
  const StuckBot any(open);
  EXPECT_EQ(ask(any.port(), "/healthz", "bot.example").status, 200);
  const StuckBot some({open[0], open[1], "listen.hosts=bot.example"});
  EXPECT_EQ(ask(some.port(), "/healthz", "bot.example").status, 200);
  EXPECT_EQ(ask(some.port(), "/healthz", "10.1.2.3:8080").status, 200) << "as probes of an orchestrator ask";
  EXPECT_EQ(ask(some.port(), "/healthz", "other.example").status, 421);
}

TEST(Edge, TheLimitOfDescriptorsIsRaisedToWhatIsAllowed) {
  Program bot(limited("ulimit -Sn 200 && ulimit -Hn 800"));
  const auto port = port_in(bot.wait_for(" serving "), "port");
  EXPECT_THAT(get(port, "/metrics").body, HasSubstr("\nprocess_max_fds 800"));
  EXPECT_THAT(bot.wait_for("fewer connections than limits.connections"),
              testing::AllOf(HasSubstr("limits.connections=10000"), HasSubstr(" connections=525"),
                             HasSubstr("descriptors=800")));
}

TEST(Edge, BeyondWhatTheDescriptorsAllowEveryoneIsTold503AndTurnsGoOn) {
  FakeChannel channel;
  Program bot(limited("ulimit -n 160"));
  const auto port = port_in(bot.wait_for(" serving "), "port");
  std::vector<WireClient> clients;
  int served = 0;
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    clients.emplace_back(port);
    clients.back().send(get_health);
    const auto status = clients.back().read().status;
    served += status == 200 ? 1 : 0;
    refused += status == 503 ? 1 : 0;
  }
  EXPECT_EQ(served, 84);
  EXPECT_EQ(refused, 150 - 84);
  clients.front().send(message_to(channel, "1"));
  EXPECT_EQ(clients.front().read().status, 200);
  EXPECT_EQ(channel.wait_for(1).size(), 1U) << "there is a descriptor for it";
}

// Clients that post and are gone keep nobody out, while their turns go on for ever.
TEST(Edge, ClientsThatPostAndLeaveKeepNobodyOut) {
  for (const bool hard : {false, true}) {
    const StuckBot bot({"limits.connections=10", "turn.ack_after=24h", "turn.deadline=24h", "drain.deadline=1s"});
    for (int i = 0; i < 50; ++i) {
      int served = 0;
      for (int tries = 0; served != 200; ++tries) {  // until the server has noticed that some have gone
        ASSERT_LT(tries, 10'000);
        WireClient good(bot.port());
        good.try_send(get_health);
        served = good.read().status;
      }
      const std::string body =
          R"({"type":"message","channelId":"emulator","deliveryMode":"expectReplies","text":"wait","conversation":{"id":")" +
          std::to_string(i) + R"("},"from":{"id":"u"}})";
      WireClient client(bot.port());
      client.try_send(
          "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body);
      client.delivered();
      hard ? client.reset() : client.close();
    }
  }
}

int ask_health_over_tls(WireClient& client) {
  client.send(get_health);
  return client.read().status;
}

TEST(Edge, HangingUpReadsTheCertificateAndDropsNoConnection) {
  CertificateFolder folder;
  Program bot({TERN_STATE_BOT, "--set", "listen.port=0", "--set", "listen.certificate=" + folder.files().certificate,
               "--set", "listen.certificate_key=" + folder.files().key});
  const auto line = bot.wait_for(" serving ");
  EXPECT_THAT(line, HasSubstr(" tls=true"));
  const auto port = port_in(line, "port");
  const auto connect = [&] { return WireClient(port, {}, 0, tls_layer({.authority = folder.certificate().pem})); };
  auto kept = connect();
  EXPECT_EQ(ask_health_over_tls(kept), 200);
  folder.write(make_certificate("DNS:localhost"));
  const auto before = bot.mark();
  bot.signal(SIGHUP);
  bot.wait_for("the certificate was read; new connections get it", before);
  auto next = connect();
  EXPECT_EQ(ask_health_over_tls(next), 200);
  folder.write_file("tls.key", make_certificate("DNS:localhost").key);
  bot.signal(SIGHUP);
  EXPECT_THAT(bot.wait_for("is not served"), HasSubstr("listen.certificate_key is"));
  auto last = connect();
  EXPECT_EQ(ask_health_over_tls(last), 200);
  EXPECT_EQ(ask_health_over_tls(next), 200);
  EXPECT_EQ(ask_health_over_tls(kept), 200);
  bot.signal(SIGTERM);
  EXPECT_EQ(bot.wait().status, 0);
}

TEST(Edge, ACertificateWithoutItsKeyStopsTheStart) {
  const CertificateFolder folder;
  const auto path = folder.files().certificate;
  const auto alone = run_program({TERN_STATE_BOT, "--set", "listen.certificate=" + path});
  EXPECT_EQ(alone.status, 2);
  EXPECT_THAT(alone.err, HasSubstr("listen.certificate is set, and listen.certificate_key is not"));
  const auto wrong = run_program(
      {TERN_STATE_BOT, "--set", "listen.certificate=" + path, "--set", "listen.certificate_key=" + path + ".missing"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("listen.certificate_key is"));
}

TEST(Edge, OutOfDescriptorsNewClientsAreTold503AndTurnsGoOnSending) {
  FakeChannel channel;
  Program bot(limited("true"));
  const auto port = port_in(bot.wait_for(" serving "), "port");
  WireClient established(port);
  established.send(message_to(channel, "1"));
  EXPECT_EQ(established.read().status, 200);
  channel.wait_for(1);
  rlimit before{};
  ASSERT_EQ(::prlimit(bot.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  rlimit none = before;
  for (none.rlim_cur = 0; std::filesystem::exists(std::filesystem::symlink_status(
           "/proc/" + std::to_string(bot.pid()) + "/fd/" + std::to_string(none.rlim_cur)));) {
    ++none.rlim_cur;  // the first that is free
  }
  ASSERT_EQ(::prlimit(bot.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  std::vector<WireClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(port);
    clients.back().send(get_health);
    EXPECT_EQ(clients.back().read().status, 503);
  }
  bot.wait_for("no descriptors are left");
  established.send(message_to(channel, "2"));
  EXPECT_EQ(established.read().status, 200);
  EXPECT_EQ(channel.wait_for(2).size(), 2U);
  ASSERT_EQ(::prlimit(bot.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
  clients.clear();
  EXPECT_EQ(get(port, "/healthz").status, 200);
}

}  // namespace
}  // namespace tern::test
