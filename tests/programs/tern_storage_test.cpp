// tern-storage as a user calls it.

#include "programs/program.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>

namespace tern::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Ended tool(std::vector<std::string> words, Program::Variables variables = {}) {
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
  const auto help = tool({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("copy"), HasSubstr("check"), HasSubstr("export"), HasSubstr("import"),
                              HasSubstr("salvage"), HasSubstr("schema"), HasSubstr("TERN_STORAGE_URL")));
}

TEST(TernStorage, ToldWronglyEndsWithTwo) {
  EXPECT_EQ(tool({}).status, 2);
  EXPECT_EQ(tool({"fly"}).status, 2);
  EXPECT_EQ(tool({"copy", "--from", "rocksdb:a"}).status, 2);
  const auto memory = tool({"check", "memory"});
  EXPECT_EQ(memory.status, 2);
  EXPECT_THAT(memory.err, HasSubstr("nothing to open from outside"));
  EXPECT_EQ(tool({"schema"}).status, 2);
  const auto unset = tool({"check", "postgres:"}, {{"TERN_STORAGE_URL", ""}});
  EXPECT_EQ(unset.status, 2);
}

#ifndef TERN_HAS_ROCKSDB
TEST(TernStorage, NamesTheOptionOfABackendThatIsMissing) {
  EXPECT_THAT(tool({"check", "rocksdb:x"}).err, HasSubstr("-DTERN_WITH_ROCKSDB=ON"));
}
#endif
#ifndef TERN_HAS_POSTGRES
TEST(TernStorage, NamesTheOptionOfABackendThatIsMissing) {
  EXPECT_THAT(tool({"check", "postgresql://h/d"}).err, HasSubstr("-DTERN_WITH_POSTGRES=ON"));
}
#endif

#ifdef TERN_HAS_ROCKSDB
TEST(TernStorage, OnRocksdbWhatGoesInComesOut) {
  const Folder folder;
  const auto store = "rocksdb:" + (folder / "a");
  const auto imported = tool({"import", store, "--input", write_lines(folder / "in")});
  EXPECT_EQ(imported.status, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("documents 3002"));
  EXPECT_EQ(tool({"export", store, "--output", folder / "out"}).status, 0);
  EXPECT_EQ(tool({"copy", "--from", store, "--to", "rocksdb:" + (folder / "b")}).status, 0);
  EXPECT_EQ(tool({"export", "rocksdb:" + (folder / "b")}).out, text_of(folder / "out"));
  EXPECT_THAT(tool({"check", "rocksdb:" + (folder / "b")}).out, HasSubstr("problems 0"));
}

TEST(TernStorage, DoesNotMakeAStoreThatItIsToRead) {
  const Folder folder;
  const auto checked = tool({"check", "rocksdb:" + (folder / "none")});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.err, HasSubstr("no RocksDB store"));
  EXPECT_FALSE(std::ifstream(folder / "none"));
}

TEST(TernStorage, SalvagesNothingButARocksdbStore) {
  const Folder folder;
  const auto store = "rocksdb:" + (folder / "a");
  ASSERT_EQ(tool({"import", store, "--input", write_lines(folder / "in")}).status, 0);
  const auto salvaged = tool({"salvage", store});  // sound already
  EXPECT_EQ(salvaged.status, 0) << salvaged.err;
  EXPECT_THAT(tool({"check", store}).out, HasSubstr("documents 3002"));
  EXPECT_EQ(tool({"salvage", "rocksdb:" + (folder / "none")}).status, 1);
  EXPECT_FALSE(std::ifstream(folder / "none"));
}

TEST(TernStorage, IsToldWhenABotHasTheStore) {
  const Folder folder;
  const Bot bot({"storage.kind=rocksdb", "storage.path=" + (folder / "data")});
  const auto checked = tool({"check", "rocksdb:" + (folder / "data")});
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
    return tool(std::move(words), {{"TERN_STORAGE_URL", server->url()}});
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

TEST(TernStorageSql, IsPrinted) {
  const auto sql = tool({"schema", "--postgres", "--schema", "mine", "--role", "bot"});
  EXPECT_EQ(sql.status, 0);
  EXPECT_THAT(sql.out, AllOf(HasSubstr("CREATE TABLE"), HasSubstr("mine"), HasSubstr("GRANT")));
}

TEST(TernStorageSecrets, APasswordIsNotPrinted) {
  const auto checked = tool({"check", "postgresql://tern:hunter2@127.0.0.1:1/bots"});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.err, AllOf(HasSubstr("127.0.0.1"), Not(HasSubstr("hunter2"))));
}
#endif

}  // namespace
}  // namespace tern::test
