#include "failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/except>

namespace tern::detail::pg {

namespace {

using ::testing::HasSubstr;

template <class Error>
Failure failure_of(const Error& error, bool connection_is_open = true) {
  try {
    throw error;
  } catch (...) {
    return current_failure(connection_is_open);
  }
}

std::string message_of(const Failure& failure) {
  try {
    std::rethrow_exception(error_for(failure, true));
  } catch (const system_error& error) {
    return error.what();
  }
}

}  // namespace

TEST(Failure, IsToldByTheCodeOfTheServer) {
  using Kind = FailureKind;
  const std::pair<const char*, Kind> kinds[]{
      {"40001", Kind::race},      {"40P01", Kind::race},    {"40002", Kind::race},    {"23505", Kind::race},
      {"23514", Kind::race},      {"22012", Kind::race},    {"22P02", Kind::race},    {"40003", Kind::outage},
      {"57014", Kind::timed_out}, {"57P01", Kind::outage},  {"08006", Kind::outage},  {"25006", Kind::outage},
      {"25P03", Kind::outage},    {"26000", Kind::outage},  {"0A000", Kind::outage},  {"28P01", Kind::outage},
      {"3D000", Kind::outage},    {"53100", Kind::full},    {"53300", Kind::full},    {"22021", Kind::input},
      {"23502", Kind::input},     {"54000", Kind::input},   {"42501", Kind::refused}, {"42P01", Kind::refused},
      {"XX000", Kind::refused},   {"00000", Kind::refused},
  };
  for (const auto& [code, kind] : kinds) {
    EXPECT_EQ(kind_of(code), kind) << code;
  }
}

// Whoever tried such a write again might do it twice.
TEST(Failure, AWriteWhoseCompletionIsUnknownMayHaveHappened) {
  for (const auto& failure :
       {failure_of(pqxx::statement_completion_unknown("unknown")),
        failure_of(pqxx::sql_error("unknown", "COMMIT", "40003")), failure_of(pqxx::in_doubt_error("unknown"))}) {
    EXPECT_EQ(failure.kind(), FailureKind::outage);
    EXPECT_TRUE(failure.is_lost());
    EXPECT_THAT(message_of(failure), HasSubstr("Whether it was written is unknown"));
  }
}

TEST(Failure, WhatWasRolledBackIsTriedAgain) {
  for (const auto& failure :
       {failure_of(pqxx::serialization_failure("race")), failure_of(pqxx::deadlock_detected("race")),
        failure_of(pqxx::transaction_rollback("x")), failure_of(pqxx::unique_violation("twice", "INSERT"))}) {
    EXPECT_EQ(failure.kind(), FailureKind::race);
    EXPECT_FALSE(failure.is_lost());
    EXPECT_THAT(message_of(failure), HasSubstr("Nothing was written"));
  }
}

TEST(Failure, IsToldInOneLineAndInSentences) {
  const auto told = [](const char* what) {
    return std::string(failure_of(pqxx::broken_connection(what), false).what());
  };
  EXPECT_EQ(told("connection refused\n\tIs the server running on that host?\n"),
            "connection refused Is the server running on that host?");
  EXPECT_EQ(told("Name or service not known\n"), "Name or service not known.");
  EXPECT_EQ(told(""), "");
}

TEST(Failure, SaysWhichKeyToSetBehindAPooler) {
  const std::string told =
      failure_of(pqxx::sql_error("prepared statement \"tern_read\" already exists", "", "42P05"), true).what();
  EXPECT_NE(told.find("exists. A pooler such as PgBouncer"), std::string::npos) << told;
  EXPECT_NE(told.find("storage.pgbouncer=true"), std::string::npos) << told;
}

TEST(Failure, AtTheDoorWaitsForANameServerAndForNoOtherName) {
  const std::string untranslated = "could not translate host name \"db\" to address: ";
  EXPECT_FALSE(is_permanent_at_door(untranslated + "Temporary failure in name resolution"));
  EXPECT_TRUE(is_permanent_at_door(untranslated + "Name or service not known"));
  EXPECT_TRUE(is_permanent_at_door("FATAL:  password authentication failed for user \"bot\""));
  EXPECT_TRUE(is_permanent_at_door("FATAL:  database \"bots\" does not exist"));
  EXPECT_FALSE(is_permanent_at_door("connection to server at \"127.0.0.1\", port 5432 failed: Connection refused"));
}

TEST(Failure, IsAnOutageOnAConnectionThatIsClosed) {
  EXPECT_EQ(failure_of(pqxx::sql_error("gone", "SELECT", "42P01"), false).kind(), FailureKind::outage);
  EXPECT_EQ(failure_of(pqxx::broken_connection("gone")).kind(), FailureKind::outage);
}

}  // namespace tern::detail::pg
