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
  for (const std::string url :
       {"", "geheim", "postgresql://ann:geheim%zz@db.example/bots", "postgresql://[geheim/bots",
        "postgresql://ann@db.example/bots?geheim=1", "postgresql://ann:ge/heim@db.example/bots",
        "postgresql://ann:ge@heim@db.example/bots", "postgresql://ann:12/geheim@db.example/bots",
        "postgresql://ann:ge/heim?@db.example", "host=db port=geheim", "host=db,other port=5432,geheim",
        "host=geheim@db", "host=db port=99999 user=geheim", "postgresql://ann@db.example/bots?sslmode=geheim",
        "postgresql://ann@db.example/bots?target_session_attrs=geheim",
        "postgresql://ann@db.example/bots?connect_timeout=geheim"}) {
    try {
      const ConnectionString target(url);
      ADD_FAILURE() << "accepted " << url;
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), errc::invalid_argument);
      EXPECT_THAT(error.what(), Not(HasSubstr("geheim")));
      EXPECT_THAT(error.what(), Not(HasSubstr("heim")));
      EXPECT_TRUE(obstacle_of(url));
    }
  }
}

TEST(ConnectionString, TakesWhatLibpqTakes) {
  for (const std::string url :
       {"postgresql://ann@one.example:6000,two.example:6001/bots?target_session_attrs=read-write", "postgresql:///bots",
        "postgresql://%2Frun%2Fpostgresql/bots", "postgresql://ann%40corp:a%40b%2Fc@db.example/bots",
        "postgresql://db.example/bots?user=ann@corp", "host=@abstract dbname=bots", "postgresql://[::1]:5432/bots",
        "host=one,two port=5432 keepalives_idle=3", "postgresql://ann:a#b:c@db.example/bots"}) {
    EXPECT_EQ(obstacle_of(url), std::nullopt) << url;
  }
}

}  // namespace tern::detail::pg
