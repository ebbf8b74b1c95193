#include <tern/schema/timestamp.hpp>

#include <gtest/gtest.h>

#include <random>

namespace {

using std::chrono::system_clock;
using tern::Timestamp;
using namespace std::chrono_literals;

system_clock::time_point at(std::int64_t seconds, std::int64_t nanos = 0) {
  return system_clock::time_point(std::chrono::seconds(seconds)) + std::chrono::nanoseconds(nanos);
}

TEST(Timestamp, KeepsTextAndOffset) {
  const auto stamp = Timestamp::parse("2026-11-22T11:00:00.123+01:00");
  ASSERT_TRUE(stamp);
  EXPECT_EQ(stamp->text(), "2026-11-22T11:00:00.123+01:00");
  EXPECT_EQ(stamp->offset(), 60min);
  EXPECT_EQ(stamp->time(), Timestamp::parse("2026-11-22T10:00:00.123Z")->time());
  EXPECT_EQ(stamp->time(), at(1795341600, 123'000'000));
}

TEST(Timestamp, ReadsWhatRfc3339AndDotNetWrite) {
  EXPECT_EQ(Timestamp::parse("1970-01-01T00:00:00Z")->time(), at(0));
  EXPECT_EQ(Timestamp::parse("1970-01-01t00:00:00z")->time(), at(0));
  EXPECT_EQ(Timestamp::parse("1970-01-01T00:00:00")->time(), at(0)) << "no offset is UTC";
  EXPECT_EQ(Timestamp::parse("1970-01-01T00:00:00.5")->time(), at(0, 500'000'000));
  EXPECT_EQ(Timestamp::parse("1970-01-01T00:00:00.123456789Z")->time(), at(0, 123'456'789));
  EXPECT_EQ(Timestamp::parse("1970-01-01T00:00:00.0000001Z")->time(), at(0, 100));
  EXPECT_EQ(Timestamp::parse("1969-12-31T23:59:59.9Z")->time(), at(-1, 900'000'000));
  EXPECT_EQ(Timestamp::parse("2000-02-29T00:00:00Z")->time(), at(951782400));
  EXPECT_EQ(Timestamp::parse("1970-01-01T00:00:00-05:30")->time(), at(19800));
  EXPECT_EQ(Timestamp::parse("1970-01-01T00:00:00-05:30")->offset(), -330min);
  EXPECT_EQ(Timestamp::parse("1970-01-01T23:59:00+23:59")->time(), at(0));
}

TEST(Timestamp, ALeapSecondIsTheNextMidnight) {
  EXPECT_EQ(Timestamp::parse("2016-12-31T23:59:60Z")->time(), Timestamp::parse("2017-01-01T00:00:00Z")->time());
  EXPECT_TRUE(Timestamp::parse("2017-01-01T00:59:60+01:00"));
  EXPECT_FALSE(Timestamp::parse("2016-12-31T12:00:60Z"));
}

TEST(Timestamp, RefusesWhatIsNoDate) {
  for (const char* text : {"",
                           "soon",
                           "2026",
                           "2026-11-22",
                           "2026-11-22T10:00Z",
                           "2026-02-30T10:00:00Z",
                           "2026-02-29T10:00:00Z",
                           "1900-02-29T10:00:00Z",
                           "2026-04-31T10:00:00Z",
                           "2026-13-01T10:00:00Z",
                           "2026-00-01T10:00:00Z",
                           "2026-01-00T10:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T10:60:00Z",
                           "2026-01-01T10:00:61Z",
                           "2026-01-01T10:00:00.Z",
                           "2026-01-01T10:00:00.1234567890Z",
                           "2026-01-01T10:00:00,5Z",
                           "2026-01-01T10:00:00+24:00",
                           "2026-01-01T10:00:00+01:60",
                           "2026-01-01T10:00:00+0100",
                           "2026-01-01T10:00:00+01",
                           "2026-01-01T10:00:00ZZ",
                           "2026-01-01T10:00:00 Z",
                           " 2026-01-01T10:00:00Z",
                           "2026-01-01 10:00:00Z",
                           "+026-01-01T10:00:00Z",
                           "2026-1-01T10:00:00Z",
                           "2026-01-01T10:00:-1Z",
                           "2026/01/01T10:00:00Z"}) {
    EXPECT_FALSE(Timestamp::parse(text)) << text;
  }
  EXPECT_FALSE(Timestamp::parse(std::nullopt));
  EXPECT_FALSE(Timestamp::parse(std::string_view("2026-01-01T10:00:00Z\0", 21)));
}

TEST(Timestamp, ADateOutsideTheClockIsItsFirstOrLastMoment) {
  EXPECT_EQ(Timestamp::parse("0001-01-01T00:00:00")->time(), system_clock::time_point::min());
  EXPECT_EQ(Timestamp::parse("0000-01-01T00:00:00+23:59")->time(), system_clock::time_point::min());
  EXPECT_EQ(Timestamp::parse("9999-12-31T23:59:59.9999999Z")->time(), system_clock::time_point::max());
  EXPECT_EQ(Timestamp::parse("9999-12-31T23:59:59.9999999Z")->text(), "9999-12-31T23:59:59.9999999Z");
}

TEST(Timestamp, UtcPrintsMillisecondsAndZ) {
  EXPECT_EQ(Timestamp::utc(at(1795341600, 123'999'999)).text(), "2026-11-22T10:00:00.123Z");
  EXPECT_EQ(Timestamp::utc(at(1795341600, 123'999'999)).time(), at(1795341600, 123'000'000));
  EXPECT_EQ(Timestamp::utc(at(0)).text(), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(Timestamp::utc(at(0, -1)).text(), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(Timestamp::utc(at(0)).offset(), 0min);
}

TEST(Timestamp, UtcWritesTheClocksFirstAndLastMoment) {
  EXPECT_EQ(Timestamp::utc(system_clock::time_point::min()).text(), "1677-09-21T00:12:43.145Z");
  EXPECT_EQ(Timestamp::utc(system_clock::time_point::max()).text(), "2262-04-11T23:47:16.854Z");
}

TEST(Timestamp, WhatUtcWritesIsReadBackTheSame) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> seconds(-9'000'000'000, 9'000'000'000);
  for (int i = 0; i < 20'000; ++i) {
    const auto written = Timestamp::utc(at(seconds(random), static_cast<std::int64_t>(random() % 1'000'000'000)));
    const auto read = Timestamp::parse(written.text());
    ASSERT_TRUE(read) << written.text();
    ASSERT_EQ(read->time(), written.time()) << written.text();
  }
}

}  // namespace
