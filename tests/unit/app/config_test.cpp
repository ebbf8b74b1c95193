#include <tern/app/config.hpp>

#include "app/edge_rules.hpp"
#include "app/storage_factory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tern {
namespace {

using testing::AllOf;
using testing::HasSubstr;

CommandLine load(std::vector<const char*> arguments, const Environment& environment = {},
                 const ConfigDefaults& defaults = {}) {
  arguments.insert(arguments.begin(), "bot");
  return load_config(static_cast<int>(arguments.size()), arguments.data(), defaults, environment);
}

std::string error_of(std::vector<const char*> arguments, const Environment& environment = {},
                     const ConfigDefaults& defaults = {}) {
  try {
    load(std::move(arguments), environment, defaults);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "tern-config-XXXXXX").string();
    const int file = mkstemp(name.data());
    EXPECT_GE(file, 0);
    close(file);
    path_ = name;
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

TEST(Config, ChecksTheEdge) {
  EXPECT_THAT(error_of({"--set", "listen.address=unix:bot.sock"}), HasSubstr("begins with /"));
  EXPECT_THAT(error_of({"--set", "listen.mode=999"}), HasSubstr("an octal mode"));
  EXPECT_THAT(error_of({"--set", "listen.mode=1660"}), HasSubstr("such as \"660\" or \"0660\""));
  EXPECT_EQ(error_of({"--set", "listen.mode=0640", "--set", "listen.address=unix:/run/bot.sock"}), "no error");
  EXPECT_THAT(error_of({"--set", "listen.trusted_proxies=10.0.0.0/40"}), HasSubstr("IP addresses and networks"));
  EXPECT_EQ(error_of({"--set", "listen.trusted_proxies=10.0.0.0/8, ::1"}), "no error");
  EXPECT_THAT(error_of({"--set", "listen.certificate=/a.pem"}), HasSubstr("listen.certificate_key is not"));
  EXPECT_THAT(error_of({"--set", "listen.certificate_key=/a.pem"}), HasSubstr("listen.certificate is not"));
  EXPECT_EQ(error_of({"--set", "listen.certificate=/a.pem", "--set", "listen.certificate_key=/b.pem"}), "no error");
}

TEST(Config, RefusesWhatDoesNothingAtTheEdge) {
  EXPECT_THAT(error_of({"--set", "listen.mode=600"}), HasSubstr("only the file of a Unix socket has a mode"));
  EXPECT_THAT(error_of({"--set", "listen.trusted_proxies=10.0.0.0/8, unix"}),
              HasSubstr("nobody connects to a Unix socket"));
  const char* socket = "listen.address=unix:/run/bot.sock";
  EXPECT_EQ(error_of({"--set", socket, "--set", "listen.trusted_proxies=unix, 10.0.0.7"}), "no error");
  EXPECT_THAT(error_of({"--set", socket, "--set", "listen.trusted_proxies=10.0.0.7"}),
              HasSubstr("Add unix to the list"));
  EXPECT_THAT(error_of({"--set", "metrics.address=::1"}), HasSubstr("metrics.port is not set"));
  EXPECT_THAT(error_of({"--set", "listen.port=4181", "--set", "metrics.port=4181"}),
              HasSubstr("listen.port and metrics.port are both 4181"));
  EXPECT_THAT(error_of({"--set", "listen.port=4181", "--set", "metrics.port=4181", "--set", "metrics.address=0.0.0.0"}),
              HasSubstr("are both 4181"));
  EXPECT_EQ(error_of({"--set", "listen.port=4181", "--set", "metrics.port=4181", "--set", "metrics.address=127.0.0.2"}),
            "no error");
  EXPECT_EQ(error_of({"--set", "listen.port=0", "--set", "metrics.port=0"}), "no error");
}

TEST(Config, RefusesProxiesThatNobodyCanMean) {
  const auto of = [](const std::string& listed) {
    const auto set = "listen.trusted_proxies=" + listed;
    return error_of({"--set", set.c_str()});
  };
  EXPECT_THAT(of("10.0.0.1/8"), AllOf(HasSubstr("write 10.0.0.0/8 for the network, or 10.0.0.1 for the one address")));
  EXPECT_THAT(of("::1,2001:db8::7/33"), HasSubstr("write 2001:db8::/33 for the network"));
  EXPECT_THAT(of("0.0.0.0/0"), HasSubstr("0.0.0.0/0 is every address"));
  EXPECT_THAT(of("127.0.0.1, ::/0"), HasSubstr("::/0 is every address"));
  for (const char* good : {"10.0.0.1/32", "10.1.2.128/25", "2001:db8::/32", "::ffff:10.0.0.0/104", "128.0.0.0/1"}) {
    EXPECT_EQ(of(good), "no error") << good;
  }
}

TEST(Config, TellsOfDangersAtTheEdge) {
  using testing::ElementsAre;
  const auto dangers = [](std::vector<const char*> words, bool has_authenticator = false) {
    words.insert(words.begin(), "bot");
    const auto read = load_config(static_cast<int>(words.size()), words.data(), {}, {}, {}, has_authenticator);
    return app::dangers_at_the_edge(read.settings, has_authenticator);
  };
  const char* id = "bot.app_id=b0700000-0000-4000-8000-000000000001";
  const char* all = "listen.address=0.0.0.0";
  const auto in_the_clear = ElementsAre(HasSubstr("tokens travel in the clear"));
  EXPECT_THAT(dangers({"--set", id, "--set", all}), in_the_clear);
  EXPECT_THAT(dangers({"--set", all}, true), in_the_clear);
  EXPECT_THAT(dangers({"--set", all, "--set", "bot.allow_anonymous=true", "--set", "proactive.enabled=true", "--set",
                       "proactive.secret=0123456789abcdef"}),
              in_the_clear);
  EXPECT_THAT(dangers({"--set", id}), ElementsAre());
  EXPECT_THAT(dangers({"--set", id, "--set", "listen.address=unix:/run/bot.sock"}), ElementsAre());
  EXPECT_THAT(dangers({"--set", id, "--set", all, "--set", "listen.trusted_proxies=10.0.0.7"}), ElementsAre());
  EXPECT_THAT(dangers({"--set", id, "--set", all, "--set", "listen.certificate=/a.pem", "--set",
                       "listen.certificate_key=/a.pem"}),
              ElementsAre());
  EXPECT_THAT(dangers({"--set", all, "--set", "bot.allow_anonymous=true"}), ElementsAre()) << "said elsewhere";
  EXPECT_THAT(dangers({"--set", "metrics.address=0.0.0.0", "--set", "metrics.port=9090"}),
              ElementsAre(HasSubstr("metrics.address is 0.0.0.0: whoever reaches it may read the figures")));
}

TEST(Config, HasTheDocumentedDefaults) {
  const auto settings = load({}).settings;
  EXPECT_EQ(settings.listen.address, "127.0.0.1");
  EXPECT_EQ(settings.listen.port, 3978);
  EXPECT_FALSE(settings.proactive.enabled);
  EXPECT_EQ(settings.turn.ack_after, std::chrono::seconds(10));
  EXPECT_EQ(settings.turn.deadline, std::chrono::seconds(14));
  EXPECT_EQ(settings.drain.delay, std::chrono::seconds(0));
  EXPECT_EQ(settings.limits.body, 256U * 1024);
}

TEST(Config, LaterSourcesWin) {
  const TemporaryFile file(R"({"listen":{"port":2},"turn.order":"none","limits":{"body":"1MiB"}})");
  const ConfigDefaults defaults{{"listen.port", 1}, {"listen.threads", 7}, {"proactive.enabled", true}};
  const Environment environment{{"TERN_LISTEN_PORT", "3"}, {"TERN_LIMITS_BODY", "2MiB"}, {"HOME", "/"}};
  EXPECT_EQ(load({}, {}, defaults).settings.listen.port, 1);
  EXPECT_EQ(load({"--config", file.path()}, {}, defaults).settings.listen.port, 2);
  EXPECT_EQ(load({"--config", file.path()}, environment, defaults).settings.listen.port, 3);
  const auto all = load({"--config", file.path(), "--set", "listen.port=4", "--set", "proactive.enabled=false"},
                        environment, defaults)
                       .settings;
  EXPECT_EQ(all.listen.port, 4);
  EXPECT_EQ(all.listen.threads, 7U);
  EXPECT_EQ(all.turn.order, "none");
  EXPECT_EQ(all.limits.body, 2U << 20);
  EXPECT_FALSE(all.proactive.enabled) << "the configuration takes back what the program set";
}

TEST(Config, NameserversAreAddresses) {
  const auto settings = load({"--set", "connector.nameservers=192.0.2.53,[2001:db8::53]:5353"}).settings;
  EXPECT_EQ(settings.connector.nameservers, "192.0.2.53,[2001:db8::53]:5353");
  EXPECT_THAT(error_of({"--set", "connector.nameservers=dns.example"}),
              AllOf(HasSubstr("connector.nameservers"), HasSubstr("dns.example"), HasSubstr("IP addresses")));
}

TEST(Config, ReadsDurationsAndSizesWithUnits) {
  const auto settings = load({"--set", "turn.ack_after=1500", "--set", "turn.deadline=2m", "--set",
                              "limits.idle_timeout=1h", "--set", "limits.body=64KiB"})
                            .settings;
  EXPECT_EQ(settings.turn.ack_after, std::chrono::milliseconds(1500));
  EXPECT_EQ(settings.turn.deadline, std::chrono::minutes(2));
  EXPECT_EQ(settings.limits.idle_timeout, std::chrono::hours(1));
  EXPECT_EQ(settings.limits.body, 64U * 1024);
}

TEST(Config, RefusesAnUnknownKeyAndNamesTheNearest) {
  EXPECT_THAT(error_of({"--set", "limits.bdy=1"}),
              AllOf(HasSubstr("limits.bdy"), HasSubstr("Did you mean limits.body")));
  EXPECT_THAT(error_of({}, {}, {{"no.such", 1}}), HasSubstr("default set by the program"));
  EXPECT_EQ(error_of({}, {{"TERN_TEST_POSTGRES", "x"}}), "no error");
}

TEST(Config, RefusesWrongTypesAndRangesAndSaysWhatIsAllowed) {
  EXPECT_THAT(error_of({"--set", "listen.port=65536"}), AllOf(HasSubstr("listen.port (--set)"), HasSubstr("65535")));
  EXPECT_THAT(error_of({"--set", "listen.port=-1"}), HasSubstr("0 to 65535"));
  EXPECT_THAT(error_of({"--set", "listen.port=80x"}), HasSubstr("80x"));
  EXPECT_THAT(error_of({"--set", "proactive.enabled=yes"}), HasSubstr("true or false"));
  EXPECT_THAT(error_of({"--set", "turn.order=fifo"}), HasSubstr("conversation, none"));
  EXPECT_THAT(error_of({"--set", "turn.deadline=1 week"}), HasSubstr("ms, s, m, h"));
  EXPECT_THAT(error_of({"--set", "storage.kind=floppy"}), HasSubstr("memory"));
  EXPECT_THAT(error_of({"--set", "listen.port"}), HasSubstr("key=value"));
  EXPECT_THAT(error_of({"--set", "listen.address=localhost"}), HasSubstr("an IP address"));
  const TemporaryFile typed(R"({"listen":{"port":"x"}})");
  EXPECT_THAT(error_of({"--config", typed.path()}), AllOf(HasSubstr(typed.path()), HasSubstr("listen.port")));
}

TEST(Config, ReportsAFileThatIsMissingOrNoJson) {
  EXPECT_THAT(error_of({"--config", "/no/such/file"}), HasSubstr("/no/such/file"));
  EXPECT_THAT(error_of({"--config", ""}), HasSubstr("--config names no file"));
  EXPECT_THAT(error_of({"--config="}), HasSubstr("--config"));
  EXPECT_THAT(error_of({"--config", "/dev/zero"}), HasSubstr("more than 1 MiB"));
  const TemporaryFile broken("{\"listen\":");
  EXPECT_THAT(error_of({"--config", broken.path()}), HasSubstr("not valid JSON"));
  const TemporaryFile list("[1]");
  EXPECT_THAT(error_of({"--config", list.path()}), HasSubstr("must hold a JSON object"));
}

TEST(Config, NamesLineAndColumnOfBrokenJson) {
  const TemporaryFile comma("{\n  \"listen\": {\"port\": 1,}\n}");
  EXPECT_THAT(error_of({"--config", comma.path()}), HasSubstr("syntax error at line 2, column 24."));
  const TemporaryFile cut("{\"listen\":");
  EXPECT_THAT(error_of({"--config", cut.path()}), HasSubstr("at line 1, column 11."));
  const TemporaryFile umlaut("{\n\n\"bot.app_id\": \"\xc3\xbc\", x}");
  EXPECT_THAT(error_of({"--config", umlaut.path()}), HasSubstr("at line 3, column 20."));
  const TemporaryFile huge("{\n\"listen.port\": 1e999}");
  EXPECT_THAT(error_of({"--config", huge.path()}), testing::ContainsRegex("at line 2, column [0-9]+\\."));
}

TEST(Config, RefusesAFileThatCannotBeRead) {
  const auto folder = std::filesystem::temp_directory_path().string();
  EXPECT_THAT(error_of({"--config", folder.c_str()}), AllOf(HasSubstr(folder), HasSubstr("it is a folder")));
  EXPECT_THAT(error_of({"--config", "/proc/self/mem"}), HasSubstr("/proc/self/mem cannot be read"));
  const TemporaryFile empty("");
  EXPECT_THAT(error_of({"--config", empty.path()}), HasSubstr("is empty"));
}

TEST(Config, RepeatsNoSecretThatStandsInAWrongPlace) {
  for (const char* key : {"proactive.secret", "bot.app_password"}) {
    const auto secret = std::string(key) + "=TOPSECRET";
    for (const auto& [option, value] : {std::pair{"--config", secret}, std::pair{"--set", "listen.port=" + secret},
                                        std::pair{"--set", "log.level=" + secret}}) {
      const auto said = error_of({option, value.c_str()});
      EXPECT_THAT(said, testing::Not(HasSubstr("TOPSECRET"))) << option;
      EXPECT_THAT(said, HasSubstr(std::string(key) + "=***"));
    }
  }
}

TEST(Config, SuggestsTheKeyOfAGroupThatTakesTheValue) {
  for (const auto& [text, key] :
       {std::pair{R"({"storage":"rocksdb"})", "storage.kind"}, std::pair{R"({"listen":3979})", "listen.port"},
        std::pair{R"({"listen":"127.0.0.1"})", "listen.address"}, std::pair{R"({"log":"debug"})", "log.level"},
        std::pair{R"({"log":"json"})", "log.format"}, std::pair{R"({"proactive":true})", "proactive.enabled"}}) {
    const TemporaryFile file(text);
    EXPECT_THAT(error_of({"--config", file.path()}), HasSubstr(std::string("Did you mean ") + key + "?")) << text;
  }
  EXPECT_THAT(error_of({"--set", "storage=rocksdb"}), HasSubstr("Did you mean storage.kind?"));
}

TEST(Config, PassesOverWhatKubernetesMakesForAService) {
  const auto read = load({}, {{"TERN_SERVICE_HOST", "10.0.0.1"},
                              {"TERN_SERVICE_PORT", "3978"},
                              {"TERN_SERVICE_PORT_HTTP", "3978"},
                              {"TERN_PORT", "tcp://10.0.0.1:3978"},
                              {"TERN_PORT_3978_TCP", "tcp://10.0.0.1:3978"},
                              {"TERN_PORT_3978_TCP_PROTO", "tcp"},
                              {"TERN_PORT_3978_TCP_PORT", "3978"},
                              {"TERN_PORT_3978_TCP_ADDR", "10.0.0.1"},
                              {"TERN_LISTEN_SERVICE_HOST", "10.0.0.2"},
                              {"TERN_LISTEN_PORT", "tcp://10.0.0.2:80"},
                              {"TERN_LISTEN_PORT_53_UDP_ADDR", "10.0.0.2"},
                              {"TERN_METRICS_PORT", "udp://10.0.0.3:9090"}});
  EXPECT_EQ(read.settings.listen.port, 3978);
  EXPECT_FALSE(read.settings.metrics.port);
  EXPECT_THAT(read.warnings, testing::IsEmpty());
}

TEST(Config, WarnsOfAVariableThatIsNoKeyAndNamesTheNearest) {
  const auto read = load({}, {{"TERN_LISTEN_PROT", "1"}, {"TERN_LOG_LEVLE", "x"}, {"TERN_ZZZZZZZZZZZZ", "y"}});
  EXPECT_THAT(read.warnings,
              testing::ElementsAre(AllOf(HasSubstr("TERN_LISTEN_PROT"), HasSubstr("Did you mean TERN_LISTEN_PORT?")),
                                   HasSubstr("Did you mean TERN_LOG_LEVEL?"), HasSubstr("--help")));
  EXPECT_THAT(error_of({}, {{"TERN_LISTEN_PORT", "abc"}}), HasSubstr("listen.port (variable TERN_LISTEN_PORT)"))
      << "what a key is given must be right";
}

TEST(Config, WhatSetNamesOverrulesAVariableWhateverThatSays) {
  const Environment wrong{{"TERN_LISTEN_PORT", "abc"}, {"TERN_LOG_LEVEL", "loud"}};
  EXPECT_EQ(load({"--set", "listen.port=5", "--set", "log.level=warn"}, wrong).settings.listen.port, 5);
  EXPECT_THAT(error_of({"--set", "listen.port=5"}, wrong), HasSubstr("log.level"));
}

TEST(Config, NoMessageRepeatsTheAddressOfADatabase) {
  for (const char* word : {"postgresql://bot:hunter2@db/bots", "postgresql://bot:hunter2@db/bots?sslmode=require",
                           "storage.kind=postgresql://bot:hunter2@db/bots", "host=db password=hunter2",
                           "storage.ulr=postgresql://bot:hunter2@db/bots", "bot:hunter2@db"}) {
    EXPECT_THAT(error_of({"--set", word}), testing::Not(HasSubstr("hunter2"))) << word;
    EXPECT_THAT(error_of({word}), AllOf(testing::Not(HasSubstr("hunter2")), HasSubstr("--help"))) << word;
  }
  const TemporaryFile file(R"({"storage":{"kind":"postgresql://bot:hunter2@db/bots"}})");
  EXPECT_THAT(error_of({"--config", file.path()}), testing::Not(HasSubstr("hunter2")));
}

TEST(Config, RefusesAnAddressOfADatabaseThatCannotBeReadAndShowsNothingOfIt) {
  if (!app::has_backend("postgres")) {
    GTEST_SKIP() << "a build without postgres";
  }
  for (const std::string url :
       {"postgresql://bot:se/cret@host/db", "postgresql://bot:se@cret@host/db", "postgresql://bot:12/34cret@host/db",
        "host=db port=secret", "postgresql://bot@host/db?sslmode=secret"}) {
    const Environment environment{{"TERN_STORAGE_URL", url}, {"TERN_STORAGE_KIND", "postgres"}};
    const auto error = error_of({}, environment);
    EXPECT_THAT(error, HasSubstr("storage.url cannot be used")) << url;
    EXPECT_THAT(error, AllOf(testing::Not(HasSubstr("cret")), testing::Not(HasSubstr("bot:")))) << url;
  }
}

TEST(Config, RefusesAnUnknownOption) {
  EXPECT_THAT(error_of({"--verbose"}), HasSubstr("--verbose"));
}

TEST(Config, RefusesToServeOthersWithoutAuthenticationUnlessToldSoInSoManyWords) {
  EXPECT_THAT(error_of({"--set", "listen.address=0.0.0.0"}), HasSubstr("bot.allow_anonymous"));
  EXPECT_EQ(error_of({"--set", "listen.address=0.0.0.0", "--set", "bot.allow_anonymous=true"}), "no error");
  EXPECT_EQ(error_of({"--set", "listen.address=::1"}), "no error");
  EXPECT_EQ(error_of({"--set", "listen.address=unix:/run/bot.sock"}), "no error") << "it counts as this machine";
  EXPECT_THAT(error_of({"--set", "metrics.address=unix:/run/bot.sock"}), HasSubstr("allowed is an IP address"));
  EXPECT_THAT(error_of({"--set", "bot.app_password=x"}), HasSubstr("bot.app_password is set, but bot.app_id is not"));
}

TEST(Config, HostsToSendToAreForABotThatMayLeaveThisMachine) {
  const char* hosts = "bot.allowed_hosts=*.channel.example,http://localhost:3979";
  EXPECT_THAT(error_of({"--set", hosts}), AllOf(HasSubstr("bot.allowed_hosts"), HasSubstr("bot.allow_anonymous")));
  EXPECT_EQ(load({"--set", hosts, "--set", "bot.allow_anonymous=true"}).settings.bot.allowed_hosts,
            "*.channel.example,http://localhost:3979");
  for (const char* wrong : {"bot.allowed_hosts=*", "bot.allowed_hosts=https://a.example/path", "bot.allowed_hosts=a b",
                            "bot.allowed_hosts=127.1", "bot.allowed_hosts=::1"}) {
    EXPECT_THAT(error_of({"--set", wrong}),
                AllOf(HasSubstr("bot.allowed_hosts (--set)"), HasSubstr("separated by commas"),
                      HasSubstr("one of IPv6 in brackets")));
  }
}

// They name no secret, and have a port of their own.
TEST(Config, ShowsFiguresToOthersWhereToldSo) {
  EXPECT_EQ(error_of({"--set", "metrics.address=192.0.2.1", "--set", "metrics.port=0"}), "no error");
  EXPECT_EQ(error_of({"--set", "metrics.address=::1", "--set", "metrics.port=0"}), "no error");
}

TEST(Config, HostsAreNames) {
  EXPECT_EQ(load({"--set", "listen.hosts=bot.example.com, *.tunnel.example"}).settings.listen.hosts,
            "bot.example.com, *.tunnel.example");
  for (const char* hosts : {"listen.hosts=https://bot.example", "listen.hosts=bot.example:80", "listen.hosts=a b"}) {
    EXPECT_THAT(error_of({"--set", hosts}), AllOf(HasSubstr("listen.hosts (--set)"), HasSubstr("separated by commas")));
  }
}

TEST(Config, NoMessageRepeatsASecretThatStandsInTheWrongPlace) {
  const std::string secret = "0123456789abcdef";
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--set", "proactive.secret:" + secret},
                                                {"proactive.secret=" + secret},
                                                {"--set", "proactive.secret", secret},
                                                {"--set", "proactive.secret" + secret},
                                                {"--set", secret},
                                                {secret},
                                                {"--set", "=" + secret},
                                                {"--set", "proactive.secret " + secret},
                                                {"--set", "proactive.secert:" + secret},
                                                {"proactive.secert=" + secret},
                                                {"TERN_PROACTIVE_SECRET=" + secret},
                                                {"--proactive.secret=" + secret},
                                                {"--proactive.secret", secret},
                                                {"--set", "proactive.enabled=true", "bot.app_password:" + secret}}) {
    std::vector<const char*> arguments;
    for (const auto& word : words) {
      arguments.push_back(word.c_str());
    }
    const auto error = error_of(arguments);
    EXPECT_THAT(error, AllOf(testing::Not(HasSubstr(secret)), HasSubstr("--set"))) << words.front();
  }
  EXPECT_THAT(error_of({"--set", "proactive.secret:0123456789abcdef"}),
              HasSubstr("proactive.secret*** is not of the form key=value"));
  EXPECT_THAT(error_of({"listen.port=1"}), HasSubstr("listen.port***")) << "a key may be named";
}

TEST(Config, SecretsAreMaskedWhereverTheyArePrinted) {
  Settings settings;
  settings.bot.app_password = "hunter2";
  EXPECT_THAT(print_config(settings),
              AllOf(HasSubstr("\"bot.app_password\": \"***\""), testing::Not(HasSubstr("hunter2"))));
  const TemporaryFile file(R"({"bot":{"app_password":[1234567]}})");
  EXPECT_THAT(error_of({"--config", file.path()}), testing::Not(HasSubstr("1234567")));
  for (const auto* mask : {"bot.app_password=***", "storage.url=***", "proactive.secret=***"}) {
    EXPECT_THAT(error_of({"--set", mask}), HasSubstr("which --print-config writes in place of a secret")) << mask;
  }
}

TEST(Config, AStorageUrlIsASecret) {
  const auto url = "postgresql://tern:hunter2@db/bots";
  Settings settings;
  settings.storage.url = url;
  EXPECT_THAT(print_config(settings), AllOf(HasSubstr("\"storage.url\": \"***\""), testing::Not(HasSubstr("hunter2"))));
  EXPECT_THAT(error_of({"--set", "storage.kind=postgres", "--set", "storage.url=hunter2"}),
              testing::Not(HasSubstr("hunter2")));
}

TEST(Config, AnAddressOfADatabaseInAnotherKeyIsRefusedAndNotRepeated) {
  for (const auto* key : {"storage.path", "storage.schema", "storage.kind", "listen.hosts"}) {
    const auto set = std::string(key) + "=postgresql://tern:hunter2@db/bots";
    EXPECT_THAT(error_of({"--set", set.c_str()}), AllOf(HasSubstr(std::string(key) + " (--set) is \"***\"; allowed is"),
                                                        testing::Not(HasSubstr("hunter2"))));
  }
}

TEST(Config, AKeyThatStandsTwiceInAFileIsRefused) {
  const TemporaryFile file(R"({"listen":{"port":1},"listen.port":2})");
  EXPECT_THAT(error_of({"--config", file.path()}), HasSubstr("listen.port is given twice"));
}

TEST(Config, RefusesABackendThatTheBuildHasNotAndNamesTheOption) {
  for (const auto& [kind, option] :
       {std::pair{"rocksdb", "-DTERN_WITH_ROCKSDB=ON"}, std::pair{"postgres", "-DTERN_WITH_POSTGRES=ON"}}) {
    const auto set = std::string("storage.kind=") + kind;
    const auto error = error_of({"--set", set.c_str(), "--set", "storage.url=postgresql://db/bots"});
    if (app::has_backend(kind)) {
      EXPECT_EQ(error, "no error");
    } else {
      EXPECT_THAT(error, AllOf(HasSubstr(kind), HasSubstr(option)));
    }
  }
}

TEST(Config, SaysWhatAStorageLacks) {
  if (app::has_backend("rocksdb")) {
    EXPECT_THAT(error_of({"--set", "storage.kind=rocksdb", "--set", "storage.path="}), HasSubstr("storage.path"));
  }
  if (app::has_backend("postgres")) {
    EXPECT_THAT(error_of({"--set", "storage.kind=postgres"}),
                AllOf(HasSubstr("storage.url"), HasSubstr("postgresql://")));
    const Environment url{{"TERN_STORAGE_URL", "host=db dbname=bots"}, {"TERN_STORAGE_KIND", "postgres"}};
    EXPECT_EQ(error_of({}, url), "no error");
    EXPECT_THAT(error_of({"--set", "storage.schema=a-b"}, url), HasSubstr("a-b"));
    EXPECT_THAT(error_of({"--set", "storage.statement_timeout=1ms"}, url), HasSubstr("100ms"));
  }
  EXPECT_EQ(error_of({"--set", "storage.path=x", "--set", "storage.url=postgresql://db/bots"}), "no error")
      << "the keys of the other kinds may stay when the kind changes";
}

TEST(Config, PrintsWhatItWouldRunWithAndThatCanBeReadBack) {
  const auto printed = load({"--set", "limits.turns=5", "--set", "turn.deadline=90s", "--print-config"});
  EXPECT_EQ(printed.action, CommandLine::Action::print);
  EXPECT_THAT(printed.text, AllOf(HasSubstr("\"limits.turns\": 5"), HasSubstr("\"turn.deadline\": \"90s\"")));
  EXPECT_THAT(printed.note, AllOf(HasSubstr("limits.turns"), HasSubstr("in all"))) << "what memory that allows";
  const TemporaryFile file(printed.text);
  EXPECT_EQ(load({"--config", file.path()}).settings.turn.deadline, std::chrono::seconds(90));
}

TEST(Config, HelpListsEveryKeyAndVersionIsTold) {
  EXPECT_THAT(load({"--help"}).text, AllOf(HasSubstr("limits.body"), HasSubstr("proactive.enabled")));
  EXPECT_EQ(load({"--version"}).text, "tern " TERN_PROJECT_VERSION "\n");
}

}  // namespace
}  // namespace tern
