#include "connection_string.hpp"

#include <tern/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern::detail::pg {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

}  // namespace

TEST(ConnectionString, AddsWhatTheUrlLeavesOpen) {
  const ConnectionString target("postgresql://ann@db.example:6000/bots?sslmode=verify-full");
  EXPECT_EQ(target.server(), "db.example:6000/bots");
  for (const auto* part : {"connect_timeout='2'", "application_name='tern'", "client_encoding='UTF8'",
                           "sslmode='verify-full'", "user='ann'", "keepalives_idle='10'"}) {
    EXPECT_THAT(target.text(), HasSubstr(part));
  }
}

TEST(ConnectionString, KeepsWhatTheUrlSays) {
  const ConnectionString target("host=/run/postgresql dbname=bots connect_timeout=7 application_name='my bot'");
  EXPECT_THAT(target.text(), HasSubstr("connect_timeout='7'"));
  EXPECT_THAT(target.text(), HasSubstr("application_name='my bot'"));
  EXPECT_EQ(target.server(), "/run/postgresql:5432/bots");
}

TEST(ConnectionString, QuotesWhatWouldBreakOut) {
  const ConnectionString target("postgresql://ann:a%27%20b%5C@db.example/bots");
  EXPECT_THAT(target.text(), HasSubstr("password='a\\' b\\\\'"));
}

TEST(ConnectionString, BlotsSecretsOut) {
  const ConnectionString target("postgresql://ann:geheim@db.example/bots?sslpassword=auch");
  EXPECT_EQ(target.redact("geheim is wrong, and auch; geheim\n"), "*** is wrong, and ***; ***");
  EXPECT_THAT(target.server(), Not(HasSubstr("geheim")));
}

TEST(ConnectionString, RefusesWhatIsNoUrlWithoutRepeatingIt) {
  for (const std::string url : {"", "geheim", "postgresql://ann:geheim%zz@db.example/bots", "postgresql://[geheim/bots",
                                "postgresql://ann@db.example/bots?geheim=1"}) {
    try {
      const ConnectionString target(url);
      ADD_FAILURE() << "accepted " << url;
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), errc::invalid_argument);
      EXPECT_THAT(error.what(), Not(HasSubstr("geheim")));
    }
  }
}

}  // namespace tern::detail::pg
