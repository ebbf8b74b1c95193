// tern-storage as a user calls it.

#include "programs/program.hpp"
#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>

namespace tern::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Ended storage_tool(std::vector<std::string> words, Program::Variables variables = {}) {
  words.insert(words.begin(), TERN_STORAGE_TOOL);
  return run_program(std::move(words), std::move(variables));
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// 3000 documents, some odd.
std::string write_lines(const std::string& path) {
  std::ofstream file(path);
  for (int i = 0; i < 3000; ++i) {
    file << R"({"key":"local/emulator/users/u)" << i << R"(","document":{"messages":)" << i << "}}\n";
  }
  file << R"({"key_hex":"00ff","document":[]})" << '\n' << R"({"key":"odd","text":"{ \"a\" : 1.0 }"})" << '\n';
  return path;
}

TEST(TernStorage, ExplainsItself) {
  const auto help = storage_tool({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("copy"), HasSubstr("check"), HasSubstr("export"), HasSubstr("import"),
                              HasSubstr("salvage"), HasSubstr("schema"), HasSubstr("TERN_STORAGE_URL")));
}

TEST(TernStorage, ToldWronglyEndsWithTwo) {
  EXPECT_THAT(storage_tool({"--version"}).out, HasSubstr("tern-storage "));
  EXPECT_EQ(storage_tool({}).status, 2);
  EXPECT_EQ(storage_tool({"fly"}).status, 2);
  EXPECT_EQ(storage_tool({"copy", "--from", "rocksdb:a"}).status, 2);
  const auto memory = storage_tool({"check", "memory"});
  EXPECT_EQ(memory.status, 2);
  EXPECT_THAT(memory.err, HasSubstr("nothing to open from outside"));
  EXPECT_EQ(storage_tool({"schema"}).status, 2);
  const auto unset = storage_tool({"check", "postgres:"}, {{"TERN_STORAGE_URL", ""}});
  EXPECT_EQ(unset.status, 2);
}

#ifndef TERN_HAS_ROCKSDB
TEST(TernStorage, NamesTheOptionOfABackendThatIsMissing) {
  EXPECT_THAT(storage_tool({"check", "rocksdb:x"}).err, HasSubstr("-DTERN_WITH_ROCKSDB=ON"));
}
#endif
#ifndef TERN_HAS_POSTGRES
TEST(TernStorage, NamesTheOptionOfABackendThatIsMissing) {
  EXPECT_THAT(storage_tool({"check", "postgresql://h/d"}).err, HasSubstr("-DTERN_WITH_POSTGRES=ON"));
}
#endif

#ifdef TERN_HAS_ROCKSDB
TEST(TernStorage, OnRocksdbWhatGoesInComesOut) {
  const Folder folder;
  const auto store = "rocksdb:" + (folder / "a");
  const auto imported = storage_tool({"import", store, "--input", write_lines(folder / "in")});
  EXPECT_EQ(imported.status, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("documents 3002"));
  EXPECT_EQ(storage_tool({"export", store, "--output", folder / "out"}).status, 0);
  EXPECT_EQ(storage_tool({"copy", "--from", store, "--to", "rocksdb:" + (folder / "b")}).status, 0);
  EXPECT_EQ(storage_tool({"export", "rocksdb:" + (folder / "b")}).out, text_of(folder / "out"));
  EXPECT_THAT(storage_tool({"check", "rocksdb:" + (folder / "b")}).out, HasSubstr("problems 0"));
}

TEST(TernStorage, DoesNotMakeAStoreThatItIsToRead) {
  const Folder folder;
  const auto checked = storage_tool({"check", "rocksdb:" + (folder / "none")});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.err, HasSubstr("no RocksDB store"));
  EXPECT_FALSE(std::ifstream(folder / "none"));
}

TEST(TernStorage, SalvagesNothingButARocksdbStore) {
  const Folder folder;
  const auto store = "rocksdb:" + (folder / "a");
  ASSERT_EQ(storage_tool({"import", store, "--input", write_lines(folder / "in")}).status, 0);
  const auto salvaged = storage_tool({"salvage", store});  // sound already
  EXPECT_EQ(salvaged.status, 0) << salvaged.err;
  EXPECT_THAT(storage_tool({"check", store}).out, HasSubstr("documents 3002"));
  EXPECT_EQ(storage_tool({"salvage", "rocksdb:" + (folder / "none")}).status, 1);
  EXPECT_FALSE(std::ifstream(folder / "none"));
}

TEST(TernStorage, IsToldWhenABotHasTheStore) {
  const Folder folder;
  const Bot bot({"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
  const auto checked = storage_tool({"check", "rocksdb:" + (folder / "data")});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.err, HasSubstr("another process"));
}
#endif

#ifdef TERN_HAS_POSTGRES
class TernStorageOnPostgres : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
      GTEST_SKIP() << obstacle;
    }
    server = std::make_unique<PostgresServer>();
  }
  Ended on_server(std::vector<std::string> words) {
    return storage_tool(std::move(words), {{"TERN_STORAGE_URL", server->url()}});
  }

  Folder folder;
  std::unique_ptr<PostgresServer> server;
};

TEST_F(TernStorageOnPostgres, WhatGoesInComesOut) {
  const auto imported = on_server({"import", "postgres:", "--input", write_lines(folder / "in")});
  EXPECT_EQ(imported.status, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("documents 3002"));
  EXPECT_THAT(imported.err, HasSubstr("importing: 3002 documents")) << "a line, for it is no terminal";

  const auto copied = on_server({"copy", "--from", "postgres:", "--to", "postgres:", "--to-schema", "second"});
  EXPECT_EQ(copied.status, 0) << copied.err;
  EXPECT_EQ(copied.out, imported.out) << "the same totals";
  const auto checked = on_server({"check", "postgres:", "--schema", "second"});
  EXPECT_EQ(checked.status, 0);
  EXPECT_EQ(checked.out, imported.out + "problems 0\n");

  EXPECT_EQ(on_server({"export", "postgres:", "--output", folder / "out"}).status, 0);
  const auto again = on_server({"import", "postgres:", "--schema", "third", "--input", folder / "out"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(on_server({"export", "postgres:", "--schema", "third"}).out, text_of(folder / "out"));
}

TEST_F(TernStorageOnPostgres, RefusesWhatWouldMixTwoStores) {
  ASSERT_EQ(on_server({"import", "postgres:", "--input", write_lines(folder / "in")}).status, 0);
  const auto again = on_server({"import", "postgres:", "--input", folder / "in"});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("--overwrite"));
  EXPECT_EQ(on_server({"import", "postgres:", "--input", folder / "in", "--overwrite"}).status, 0);
  EXPECT_EQ(on_server({"copy", "--from", "postgres:", "--to", "postgres:"}).status, 2);
}

TEST_F(TernStorageOnPostgres, DoesNotMakeASchemaThatItIsToRead) {
  const auto checked = on_server({"check", "postgres:"});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.err, HasSubstr("no schema"));
  EXPECT_EQ(on_server({"check", "postgres:"}).status, 1) << "still none";
}

TEST_F(TernStorageOnPostgres, ReadsWhatABotHasWritten) {
  {
    Bot bot({"storage.kind=postgres"}, {{"TERN_STORAGE_URL", server->url()}});
    bot.say("c", "u");
    bot.stop();
  }
  EXPECT_THAT(on_server({"export", "postgres:"}).out,
              AllOf(HasSubstr(R"("key":"local/emulator/conversations/c")"), HasSubstr(R"("messages":1)")));
}

#ifdef TERN_HAS_ROCKSDB
TEST_F(TernStorageOnPostgres, ABotGoesOnAfterItsStateWasMoved) {
  const auto path = folder / "data";
  const std::vector<std::string> on_rocksdb{"storage.kind=rocksdb", "storage.path=" + path};
  {
    Bot bot(on_rocksdb);
    EXPECT_EQ(bot.say("c", "u"), "conversation 1, user 1");
    bot.stop();
  }
  const auto moved = on_server({"copy", "--from", "rocksdb:" + path, "--to", "postgres:"});
  ASSERT_EQ(moved.status, 0) << moved.err;
  Bot bot({"storage.kind=postgres"}, {{"TERN_STORAGE_URL", server->url()}});
  EXPECT_EQ(bot.say("c", "u"), "conversation 2, user 2");
}
#endif

#ifdef TERN_HAS_ROCKSDB
/// proactive_bot with the paths below /proactive/.
struct Sender {
  Sender(std::vector<std::string> settings, const std::string& url)
      : program(words(std::move(settings)), {{"TERN_STORAGE_URL", url}, {"TERN_PROACTIVE_SECRET", secret}}) {
    const auto line = program.wait_for(" serving ");
    port = static_cast<std::uint16_t>(std::stoi(line.substr(line.find("port=") + 5)));
  }
  RawAnswer ask(const std::string& method, const std::string& path, const std::string& body = {}) const {
    return exchange_bytes(port, method + " /proactive/" + path +
                                    " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + "Authorization: Bearer " +
                                    secret + "\r\nContent-Type: application/json\r\n" +
                                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string schedule(const FakeChannel& channel, const std::string& key, const std::string& after) const {
    const auto body = R"({"reference":{"channelId":"emulator","serviceUrl":")" + channel.url() +
                      R"(","conversation":{"id":"c"}},"activity":{"type":"message","text":")" + key + R"("},"key":")" +
                      key + R"(","after":")" + after + "\"}";
    return handle_in(ask("POST", "schedule", body));
  }
  static std::string handle_in(const RawAnswer& answer) {
    return boost::json::parse(answer.body).at("handle").as_string().c_str();
  }
  void stop() {
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait().status, 0);
  }

  static constexpr const char* secret = "0123456789abcdef-secret";
  Program program;
  std::uint16_t port = 0;

 private:
  static std::vector<std::string> words(std::vector<std::string> settings) {
    std::vector<std::string> all{TERN_PROACTIVE_BOT, "--set", "listen.port=0"};
    for (auto& setting : settings) {
      all.insert(all.end(), {"--set", std::move(setting)});
    }
    return all;
  }
};

// There and back again: what is pending keeps its handle, what was said once is not said twice, what is due is sent.
TEST_F(TernStorageOnPostgres, CarriesPendingSendsAndKeysBetweenTheStores) {
  const auto url = server->url();
  const auto rocksdb = [&](const std::string& name) {
    return std::vector<std::string>{"storage.kind=rocksdb", "storage.path=" + (folder / name)};
  };
  FakeChannel channel;
  std::string later;
  std::string moved;
  std::string cancelled;
  {
    Sender bot(rocksdb("a"), url);
    later = bot.schedule(channel, "later", "20h");
    cancelled = bot.schedule(channel, "cancelled", "20h");
    moved = bot.schedule(channel, "moved", "300h");
    EXPECT_EQ(bot.ask("DELETE", "schedule/" + cancelled).status, 200);
    EXPECT_EQ(bot.ask("PATCH", "schedule/" + moved, R"({"after":"30h"})").status, 200);
    bot.stop();
  }
  const auto there = on_server({"copy", "--from", "rocksdb:" + (folder / "a"), "--to", "postgres:"});
  ASSERT_EQ(there.status, 0) << there.err;
  EXPECT_THAT(there.out, HasSubstr("sends 2\nkeys 3\ndead 0\n"));
  EXPECT_THAT(there.err, HasSubstr("no bot may run on it"));
  {
    Sender bot({"storage.kind=postgres"}, url);
    EXPECT_EQ(bot.ask("GET", "schedule/" + later).status, 200);
    EXPECT_EQ(bot.ask("GET", "schedule/" + moved).status, 200) << "by the handle of before it was moved";
    EXPECT_EQ(bot.schedule(channel, "later", "1h"), later) << "its key is known";
    EXPECT_EQ(bot.schedule(channel, "cancelled", "1h"), cancelled);
    EXPECT_EQ(boost::json::parse(bot.ask("GET", "counts").body).at("pending"), 2);
    EXPECT_EQ(bot.ask("PATCH", "schedule/" + later, R"({"after":"40h"})").status, 200);
    bot.stop();
  }
  const auto back = on_server({"copy", "--from", "postgres:", "--to", "rocksdb:" + (folder / "b")});
  ASSERT_EQ(back.status, 0) << back.err;
  Sender bot(rocksdb("b"), url);
  EXPECT_EQ(bot.ask("GET", "schedule/" + moved).status, 200);
  EXPECT_EQ(bot.ask("PATCH", "schedule/" + later, R"({"after":0})").status, 200);
  EXPECT_EQ(boost::json::parse(channel.wait_for(1)[0].body).at("text"), "later");
  EXPECT_EQ(bot.ask("DELETE", "schedule/" + moved).status, 200);
  bot.stop();
  EXPECT_EQ(channel.request_count(), 1U) << "each once";
}

// Thousands of sends, and a copy that is killed again and again.
TEST_F(TernStorageOnPostgres, ACopyOfSendsThatIsKilledGoesOn) {
  FakeChannel channel;
  constexpr int count = 1'000;
  {
    Sender bot({"storage.kind=rocksdb", "storage.path=" + (folder / "a")}, server->url());
    for (int i = 0; i < count; ++i) {
      (void)bot.schedule(channel, "key " + std::to_string(i), "20h");
    }
    bot.stop();
  }
  const std::vector<std::string> words{TERN_STORAGE_TOOL,           "copy", "--from",
                                       "rocksdb:" + (folder / "a"), "--to", "postgres:"};
  Ended copied;
  for (const auto* moment : {"reading the source", "reading the sends", "reading the sends"}) {
    Program copying(words, {{"TERN_STORAGE_URL", server->url()}});
    copying.wait_for(moment);
    copying.signal(SIGKILL);
    copied = copying.wait();
    if (copied.status == 0) {
      break;  // it was quicker
    }
  }
  if (copied.status != 0) {
    copied = run_program(words, {{"TERN_STORAGE_URL", server->url()}});
  }
  ASSERT_EQ(copied.status, 0) << copied.err;
  EXPECT_THAT(copied.out, HasSubstr("sends 1000\nkeys 1000\n"));
}
#endif

TEST(TernStorageSql, IsPrinted) {
  const auto sql = storage_tool({"schema", "--postgres", "--schema", "mine", "--role", "bot"});
  EXPECT_EQ(sql.status, 0);
  EXPECT_THAT(sql.out, AllOf(HasSubstr("CREATE TABLE"), HasSubstr("mine"), HasSubstr("GRANT")));
}

TEST(TernStorageSecrets, APasswordIsNotPrinted) {
  const auto checked = storage_tool({"check", "postgresql://tern:hunter2@127.0.0.1:1/bots"});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.err, AllOf(HasSubstr("127.0.0.1"), Not(HasSubstr("hunter2"))));
}
#endif

}  // namespace
}  // namespace tern::test
