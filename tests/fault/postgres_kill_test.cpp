#include <tern/storage/postgres_storage.hpp>

#include "fault/kill_loop.hpp"
#include "support/postgres_server.hpp"

#include <gtest/gtest.h>

namespace tern::fault {

namespace {

AnyStorage store_on(const std::string& url) {
  PostgresOptions options;
  options.url = url;
  return AnyStorage::make<PostgresStorage>(std::move(options));
}

}  // namespace

// No test: the process that is killed.
TEST(PostgresKill, DISABLED_Writer) {
  if (writer_place().empty()) {
    GTEST_SKIP() << "this is a part of WhatWasConfirmedOutlivesTheProcess";
  }
  write_until_killed(store_on(writer_place()));
}

TEST(PostgresKill, WhatWasConfirmedOutlivesTheProcess) {
  if (const auto why = test::PostgresServer::obstacle(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const test::PostgresServer server;
  expect_confirmed_writes_outlive_kills("PostgresKill.DISABLED_Writer", server.url(),
                                        [&server] { return store_on(server.url()); });
}

}  // namespace tern::fault
