// Secrets, each with a mark, wherever a bot has them: none is in what the bot and the tools write.

#include "programs/program.hpp"
#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"
#include "support/test_certificate.hpp"
#include "unit/auth/local_authority.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <tern/async/clock.hpp>

#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace tern::test {
namespace {

using auth::test::LocalAuthority;
using testing::HasSubstr;
using testing::Not;

const std::string marked_bot = "b0700000-0000-4000-8000-000000000001";
const std::string proactive_secret = "marked-proactive-secret";
const std::string said_in_private = "private-words";

using Words = std::vector<std::string>;

/// A bot with a credential, its authority, its token service and its channel. All repeat what they are asked for.
class Secrets : public testing::Test {
 protected:
  Secrets() {
    std::ofstream(folder / "channel.pem") << channel_certificate.pem;
    std::ofstream(folder / "bot.pem") << bot_certificate.pem;
    std::ofstream(folder / "bot.key") << bot_certificate.key;
    std::ofstream(folder / "secret") << "marked-secret-in-a-file\n";
    std::ofstream(folder / "federated") << "marked-federated-token\n";
    tokens.answer_with([this](const FakeRequest& request) {
      if (asked++ == 0) {
        return FakeAnswer::with(
            503, boost::json::serialize(boost::json::object{{"error", "temporarily_unavailable"},
                                                            {"error_description", "AADSTS90033: " + request.body}}));
      }
      return FakeAnswer::with(200, R"({"token_type":"Bearer","expires_in":3600,"access_token":"marked-access-token"})");
    });
    channel.answer_with([](const FakeRequest& request) {
      const auto shown = request.header("Authorization").value_or("none");
      return request.body.find("refuse") == std::string::npos
                 ? FakeAnswer()
                 : FakeAnswer::with(404, R"({"error":{"code":")" + shown + R"(","message":")" + shown + "\"}}");
    });
    token = LocalAuthority::token(LocalAuthority::channel_claims(marked_bot, channel.url("/"), system_clock()));
  }

  static FakeChannelOptions secured(const TestCertificate& certificate) {
    FakeChannelOptions options;
    options.certificate = certificate.pem;
    options.private_key = certificate.key;
    return options;
  }
  /// A line in the middle of what only the bot may know of its key.
  std::string marked_key() const {
    const auto begin = bot_certificate.key.find('\n', 200) + 1;
    return bot_certificate.key.substr(begin, bot_certificate.key.find('\n', begin) - begin);
  }

  Words words_of_bot(const Words& more) const {
    Words words{TERN_PROACTIVE_BOT};
    Words settings{"bot.app_id=" + marked_bot,
                   "bot.tenant_id=" + std::string(LocalAuthority::tenant),
                   "bot.channel_issuer=" + std::string(LocalAuthority::channel_issuer),
                   "bot.openid_url=" + authority.openid_url(),
                   "bot.login_url=" + tokens.url("/login/"),
                   "bot.ca_file=" + authority.ca_file(),
                   "bot.allowed_hosts=127.0.0.1",
                   "proactive.secret=" + proactive_secret,
                   "listen.port=0",
                   "listen.threads=2",
                   "log.level=trace"};
    settings.insert(settings.end(), more.begin(), more.end());
    for (auto& setting : settings) {
      words.insert(words.end(), {"--set", std::move(setting)});
    }
    return words;
  }
  Program::Variables variables() const { return {{"SSL_CERT_FILE", folder / "channel.pem"}}; }

  std::string say(std::uint16_t port, const std::string& text, const std::string& bearer) const {
    const boost::json::object activity{{"type", "message"},
                                       {"id", "in-" + std::to_string(text.size())},
                                       {"text", said_in_private + " " + text},
                                       {"channelId", "emulator"},
                                       {"serviceUrl", channel.url("/")},
                                       {"from", {{"id", "user"}}},
                                       {"recipient", {{"id", marked_bot}}},
                                       {"conversation", {{"id", "conversation"}}}};
    return ask(port, "POST", "/api/messages", bearer, boost::json::serialize(activity));
  }
  static std::string ask(std::uint16_t port, const std::string& method, const std::string& path,
                         const std::string& bearer, const std::string& body = {}) {
    const auto answer =
        exchange_bytes(port, method + " " + path +
                                 " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                 "Content-Type: application/json\r\nAuthorization: Bearer " +
                                 bearer + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return answer.head + answer.body;
  }

  std::string schedule(std::uint16_t port, const std::string& after) const {
    return ask(port, "POST", "/proactive/schedule", proactive_secret,
               R"({"reference":{"channelId":"emulator","serviceUrl":")" + channel.url("/") +
                   R"(","conversation":{"id":"later"}},"activity":{"type":"message","text":")" + said_in_private +
                   R"("},"after":")" + after + "\"}");
  }

  /// What a bot writes that has turns, a reply that is refused once, a send that is given up, and one that is pending.
  void run_bot(const Words& settings) {
    seen += run_program([&] {
              auto words = words_of_bot(settings);
              words.emplace_back("--print-config");
              return words;
            }())
                .out;
    asked = 0;
    Program program(words_of_bot(settings), variables());
    const auto line = program.wait_for(" serving ");
    const auto port = static_cast<std::uint16_t>(std::stoi(line.substr(line.find("port=") + 5)));
    EXPECT_THAT(schedule(port, "0s"), HasSubstr("201"));
    (void)channel.wait_for(1);  // once the token service answers
    seen += say(port, "with a bad token", "marked.bad.token");
    seen += ask(port, "GET", "/proactive/counts", "marked-wrong-proactive-secret");
    EXPECT_THAT(say(port, "hello", token), HasSubstr("200 OK"));
    EXPECT_THAT(say(port, "refuse this", token), HasSubstr("200 OK"));
    EXPECT_THAT(schedule(port, "20h"), HasSubstr("201"));
    program.wait_for("a scheduled send is dead");
    seen += ask(port, "GET", "/proactive/dead", proactive_secret);
    unsaid = ask(port, "GET", "/metrics", token) + ask(port, "GET", "/readyz", token);
    program.signal(SIGTERM);
    const auto ended = program.wait();
    EXPECT_EQ(ended.status, 0) << ended.err;
    unsaid += ended.out + ended.err;
    EXPECT_FALSE(channel.requests().empty());
    EXPECT_THAT(channel.requests().back().header("Authorization").value_or(""), HasSubstr("marked-access-token"));
  }

  void run_tool(Words words, const Program::Variables& with = {}) {
    const auto named = words[0] + " " + words[1];
    const auto ended = run_program(std::move(words), with);
    EXPECT_EQ(ended.status, 0) << named << "\n" << ended.err;
    seen += ended.out + ended.err;
  }
  void run_tools(const std::string& store, const std::string& copy, const Program::Variables& with = {}) {
    for (const auto& words : {Words{TERN_STORAGE_TOOL, "export", store},
                              {TERN_STORAGE_TOOL, "check", store},
                              {TERN_STORAGE_TOOL, "copy", "--from", store, "--to", copy},
                              {TERN_STORAGE_TOOL, "export", copy},
                              {TERN_SCHEDULE_TOOL, "list", store, "--json", "--text"},
                              {TERN_SCHEDULE_TOOL, "dead", store, "--json", "--text"},
                              {TERN_SCHEDULE_TOOL, "stats", store}}) {
      run_tool(words, with);
    }
    EXPECT_THAT(seen, HasSubstr(said_in_private)) << "it is what --text shows";
    for (const auto& words : {Words{TERN_SCHEDULE_TOOL, "list", store}, {TERN_SCHEDULE_TOOL, "dead", store}}) {
      const auto ended = run_program(words, with);
      unsaid += ended.out + ended.err;
    }
  }
  /// All files of a store.
  void read_files(const std::string& path) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      std::ifstream file(entry.path(), std::ios::binary);
      seen.append(std::istreambuf_iterator<char>(file), {});
    }
  }
  void expect_no_secret() const {
    EXPECT_THAT(unsaid, Not(HasSubstr(said_in_private)));
    EXPECT_THAT(seen, HasSubstr("\"proactive.secret\": \"***\""));
    const auto signature = token.substr(token.rfind('.') + 1);
    for (const auto& text : {seen, unsaid}) {
      for (const auto& secret : {std::string("marked"), signature, marked_key()}) {
        const auto at = text.find(secret);
        EXPECT_EQ(at, std::string::npos) << text.substr(at < 300 ? 0 : at - 300, 600);
      }
    }
  }

  const Folder folder;
  const TestCertificate channel_certificate = make_certificate("IP:127.0.0.1");
  const TestCertificate bot_certificate = make_certificate("DNS:bot", {.rsa = true});
  std::atomic<int> asked{0};
  LocalAuthority authority;
  FakeChannel tokens;
  FakeChannel channel{secured(channel_certificate)};
  std::string token;
  std::string seen;    // may have the messages, and no secret
  std::string unsaid;  // may have neither
};

#ifdef TERN_HAS_ROCKSDB
class SecretsOnRocksdb : public Secrets, public testing::WithParamInterface<const char*> {
 protected:
  Words credential() const {
    const std::string kind = GetParam();
    if (kind == "secret") {
      return {"bot.app_password=marked-secret"};
    }
    if (kind == "file") {
      return {"bot.app_password_file=" + (folder / "secret")};
    }
    if (kind == "certificate") {
      return {"bot.certificate=" + (folder / "bot.pem"), "bot.certificate_key=" + (folder / "bot.key")};
    }
    if (kind == "federated") {
      return {"bot.federated_token_file=" + (folder / "federated")};
    }
    return {"bot.managed_identity=" + marked_bot, "bot.managed_identity_url=" + tokens.url("/identity")};
  }
};

TEST_P(SecretsOnRocksdb, AreInNothingThatABotOrAToolWrites) {
  auto settings = credential();
  settings.insert(settings.end(), {"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
  run_bot(settings);
  run_tools("rocksdb:" + (folder / "data"), "rocksdb:" + (folder / "copy"));
  read_files(folder / "data");
  read_files(folder / "copy");
  expect_no_secret();
}

INSTANTIATE_TEST_SUITE_P(EachCredential, SecretsOnRocksdb,
                         testing::Values("secret", "file", "certificate", "federated", "identity"),
                         [](const auto& of) { return std::string(of.param); });
#endif

#ifdef TERN_HAS_POSTGRES
TEST_F(Secrets, OnPostgresAreInNothingThatABotOrAToolWrites) {
  if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
    GTEST_SKIP() << obstacle;
  }
  const PostgresServer server;
  auto url = server.url();
  url.insert(url.find('@'), ":marked-password");
  run_bot({"bot.app_password=marked-secret", "storage.kind=postgres", "storage.url=" + url});
#ifdef TERN_HAS_ROCKSDB
  run_tools("postgres:", "rocksdb:" + (folder / "copy"), {{"TERN_STORAGE_URL", url}});
  read_files(folder / "copy");
#endif
  expect_no_secret();
}

TEST_F(Secrets, AreInNoErrorOfADatabaseThatIsAway) {
  const std::string url = "postgresql://tern:marked-password@127.0.0.1:1/bots?sslpassword=marked-too";
  Program program(words_of_bot({"bot.app_password=marked-secret", "storage.kind=postgres", "storage.url=" + url}),
                  variables());
  program.wait_for("waiting for the server");
  program.signal(SIGTERM);
  unsaid += program.wait().err;
  EXPECT_THAT(unsaid, HasSubstr("127.0.0.1"));
  for (const auto& words : {Words{TERN_STORAGE_TOOL, "check", url},
                            {TERN_STORAGE_TOOL, "export", url},
                            {TERN_STORAGE_TOOL, "copy", "--from", url, "--to", "rocksdb:" + (folder / "x")},
                            {TERN_STORAGE_TOOL, "check", url + "&port=none"},
                            {TERN_STORAGE_TOOL, url},
                            {TERN_SCHEDULE_TOOL, "list", url},
                            {TERN_SCHEDULE_TOOL, url},
                            {TERN_SCHEDULE_TOOL, "show", url, "nothing"},
                            {TERN_SCHEDULE_TOOL, "cancel", "x", url}}) {
    const auto ended = run_program(words);
    EXPECT_NE(ended.status, 0);
    unsaid += ended.out + ended.err;
  }
  EXPECT_THAT(unsaid, Not(HasSubstr("marked")));
}
#endif

}  // namespace
}  // namespace tern::test
