#include <tern/turn/recurrence.hpp>

#include <tern/error.hpp>

#include <date/date.h>
#include <gtest/gtest.h>

#include <sstream>

namespace tern {
namespace {

using namespace std::chrono_literals;

// "2026-11-23 09:30:00", UTC.
WallTime utc(const std::string& text) {
  std::istringstream in(text);
  date::sys_time<std::chrono::microseconds> time;
  in >> date::parse("%F %T", time);
  EXPECT_FALSE(in.fail()) << text;
  return time;
}

std::string text(WallTime time) {
  return date::format("%F %T", std::chrono::floor<std::chrono::seconds>(time));
}

std::string next(const Recurrence& recurrence, const std::string& after, const std::string& zone = "Europe/Berlin") {
  return text(recurrence.next(utc(after), zone));
}

template <class Action>
error_code error_of(Action action) {
  try {
    action();
  } catch (const system_error& error) {
    return error.code();
  }
  return {};
}

TEST(Recurrence, DailyIsInTheUsersZone) {
  const auto at_nine = Recurrence::daily(TimeOfDay(9));
  EXPECT_EQ(next(at_nine, "2026-11-23 07:59:00"), "2026-11-23 08:00:00");
  EXPECT_EQ(next(at_nine, "2026-11-23 08:00:00"), "2026-11-24 08:00:00") << "after means after";
  EXPECT_EQ(next(at_nine, "2026-07-01 00:00:00"), "2026-07-01 07:00:00") << "summer";
  EXPECT_EQ(next(at_nine, "2026-11-23 12:00:00", "America/New_York"), "2026-11-23 14:00:00");
  EXPECT_EQ(next(at_nine, "2026-11-23 20:00:00", "Pacific/Auckland"), "2026-11-24 20:00:00");
  EXPECT_EQ(next(at_nine, "2026-11-23 07:59:00", "UTC"), "2026-11-23 09:00:00");
}

TEST(Recurrence, KeepsTheLocalTimeWhenTheClockChanges) {
  const auto at_nine = Recurrence::daily(TimeOfDay(9));
  EXPECT_EQ(next(at_nine, "2026-03-28 08:00:00"), "2026-03-29 07:00:00");
  EXPECT_EQ(next(at_nine, "2026-10-24 07:00:00"), "2026-10-25 08:00:00");
}

std::string local(const std::string& now, int days_on, std::chrono::seconds time,
                  const std::string& zone = "Europe/Berlin") {
  return text(at_local(local_day(utc(now), zone) + std::chrono::days(days_on), time, zone));
}

TEST(AtLocal, IsThatTimeOfThatDay) {
  EXPECT_EQ(local("2026-11-23 12:00:00", 1, 9h), "2026-11-24 08:00:00");
  EXPECT_EQ(local("2026-11-23 12:00:00", 0, 9h), "2026-11-23 08:00:00") << "also when it has passed";
  EXPECT_EQ(local("2026-11-23 12:00:00", 7, 9h + 30min), "2026-11-30 08:30:00");
  EXPECT_EQ(local("2026-07-01 12:00:00", 1, 0h), "2026-07-01 22:00:00");
  EXPECT_EQ(local("2026-11-23 12:00:00", 1, 9h, "UTC+05:30"), "2026-11-24 03:30:00");
}

TEST(AtLocal, CountsTheDaysOfTheZone) {
  EXPECT_EQ(local("2026-11-23 23:30:00", 1, 9h), "2026-11-25 08:00:00") << "it is the 24th in Berlin already";
  EXPECT_EQ(local("2026-11-23 12:00:00", 1, 9h, "Pacific/Auckland"), "2026-11-24 20:00:00");
  EXPECT_EQ(local("2026-03-28 12:00:00", 1, 9h), "2026-03-29 07:00:00") << "over a change of the clock";
}

// On 29 March the clock goes from 02:00 to 03:00, on 25 October from 03:00 to 02:00.
TEST(AtLocal, ComesLaterWhereTheClockSkipsItAndFirstWhereItComesTwice) {
  EXPECT_EQ(local("2026-03-28 12:00:00", 1, 2h + 30min), "2026-03-29 01:30:00") << "03:30 in Berlin";
  EXPECT_EQ(local("2026-10-24 12:00:00", 1, 2h + 30min), "2026-10-25 00:30:00") << "the first half past two";
  const auto daily = Recurrence::daily(TimeOfDay(2, 30));
  EXPECT_EQ(next(daily, "2026-03-28 12:00:00"), local("2026-03-28 12:00:00", 1, 2h + 30min)) << "as a recurrence";
}

TEST(AtLocal, RefusesWhatIsNoTimeNoDayAndNoZone) {
  const auto day = local_day(utc("2026-11-23 12:00:00"), "UTC");
  EXPECT_EQ(error_of([&] { at_local(day, 24h, "UTC"); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { at_local(day, -1s, "UTC"); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { at_local(day + std::chrono::days(300 * 366), 9h, "UTC"); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { at_local(day, 9h, "Nowhere"); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { local_day(utc("2026-11-23 12:00:00"), "Nowhere"); }), errc::invalid_argument);
}

// On 29 March the clock goes from 02:00 to 03:00.
TEST(Recurrence, ATimeThatTheClockSkipsComesLater) {
  const auto at_half_past_two = Recurrence::daily(TimeOfDay(2, 30));
  EXPECT_EQ(next(at_half_past_two, "2026-03-28 12:00:00"), "2026-03-29 01:30:00") << "03:30 in Berlin";
  EXPECT_EQ(next(at_half_past_two, "2026-03-29 01:30:00"), "2026-03-30 00:30:00");
}

// On 25 October 02:30 comes twice, at 00:30 and at 01:30 UTC.
TEST(Recurrence, OfATimeThatComesTwiceTheFirstCounts) {
  const auto at_half_past_two = Recurrence::daily(TimeOfDay(2, 30));
  EXPECT_EQ(next(at_half_past_two, "2026-10-24 12:00:00"), "2026-10-25 00:30:00");
  EXPECT_EQ(next(at_half_past_two, "2026-10-25 00:30:00"), "2026-10-26 01:30:00");
}

TEST(Recurrence, WeeklyTakesTheDaysItNames) {
  using Day = Recurrence::Day;
  Recurrence::Days days;
  days.set(static_cast<std::size_t>(Day::monday)).set(static_cast<std::size_t>(Day::friday));
  const auto twice = Recurrence::weekly(days, TimeOfDay(18));
  EXPECT_EQ(next(twice, "2026-11-23 12:00:00"), "2026-11-23 17:00:00") << "a Monday";
  EXPECT_EQ(next(twice, "2026-11-23 17:00:00"), "2026-11-27 17:00:00");
  EXPECT_EQ(next(twice, "2026-11-27 17:00:00"), "2026-11-30 17:00:00");
  EXPECT_EQ(next(Recurrence::weekly(Day::sunday, TimeOfDay(0)), "2026-11-23 12:00:00"), "2026-11-28 23:00:00");
}

TEST(Recurrence, MonthlyEndsWithAShorterMonth) {
  const auto last = Recurrence::monthly(31, TimeOfDay(12));
  EXPECT_EQ(next(last, "2026-01-31 12:00:00"), "2026-02-28 11:00:00");
  EXPECT_EQ(next(last, "2026-02-28 11:00:00"), "2026-03-31 10:00:00");
  EXPECT_EQ(next(last, "2028-02-01 00:00:00"), "2028-02-29 11:00:00");
  EXPECT_EQ(next(Recurrence::monthly(1, TimeOfDay(12)), "2026-12-15 00:00:00"), "2027-01-01 11:00:00");
}

TEST(Recurrence, AnIntervalCountsFromTheLastTime) {
  EXPECT_EQ(next(Recurrence::every(90min), "2026-03-29 00:00:00"), "2026-03-29 01:30:00");
}

TEST(Recurrence, SurvivesItsJson) {
  for (const auto& recurrence :
       {Recurrence::every(3600s), Recurrence::daily(TimeOfDay(9, 5)),
        Recurrence::weekly(Recurrence::Day::wednesday, TimeOfDay(23, 59)), Recurrence::monthly(31, TimeOfDay(0))}) {
    EXPECT_EQ(Recurrence::from_json(recurrence.to_json()), recurrence);
  }
  for (const auto* text :
       {"null", "{}", R"({"seconds":1})", R"({"seconds":18000000000})", R"({"days":0,"at":"09:00"})", R"({"days":5})",
        R"({"day":32,"at":"09:00"})", R"({"day":1,"at":"24:00"})", R"({"days":"5","at":"09:00"})"}) {
    EXPECT_EQ(Recurrence::from_json(json::parse(text)), std::nullopt) << text;
  }
}

TEST(Recurrence, MisuseIsRefused) {
  EXPECT_EQ(error_of([] { (void)Recurrence::every(59s); }), errc::invalid_argument);
  EXPECT_EQ(error_of([] { (void)Recurrence::every(std::chrono::hours(5'000'000)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([] { (void)Recurrence::weekly(Recurrence::Days(), TimeOfDay(9)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([] { (void)Recurrence::monthly(0, TimeOfDay(9)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([] { (void)TimeOfDay(24); }), errc::invalid_argument);
  EXPECT_EQ(error_of([] { (void)next(Recurrence::daily(TimeOfDay(9)), "2026-11-23 00:00:00", "Mars/Base"); }),
            errc::invalid_argument);
  EXPECT_TRUE(is_time_zone("Europe/Berlin"));
  EXPECT_FALSE(is_time_zone(""));
  EXPECT_FALSE(is_time_zone("Europe/Nowhere"));
}

TEST(TimeOfDay, ReadsAndWritesItsText) {
  EXPECT_EQ(TimeOfDay::parse("09:05"), TimeOfDay(9, 5));
  EXPECT_EQ(TimeOfDay::parse("9:05"), TimeOfDay(9, 5));
  EXPECT_EQ(TimeOfDay(9, 5).to_string(), "09:05");
  for (const auto* text : {"", "9", "9:5", "24:00", "12:60", ":30", "123:00", "a:bc", "-1:00", "09:05 "}) {
    EXPECT_EQ(TimeOfDay::parse(text), std::nullopt) << text;
  }
}

TEST(QuietHours, MoveWhatLiesInThemToTheirEnd) {
  const QuietHours night(TimeOfDay(22), TimeOfDay(8));
  const auto moved = [&](const std::string& when) {
    return text(after_quiet_hours(utc(when), night, "Europe/Berlin"));
  };
  EXPECT_EQ(moved("2026-11-23 20:59:59"), "2026-11-23 20:59:59");
  EXPECT_EQ(moved("2026-11-23 21:00:00"), "2026-11-24 07:00:00");
  EXPECT_EQ(moved("2026-11-24 06:59:59"), "2026-11-24 07:00:00");
  EXPECT_EQ(moved("2026-11-24 07:00:00"), "2026-11-24 07:00:00");
  EXPECT_EQ(moved("2026-03-28 23:30:00"), "2026-03-29 06:00:00") << "a short night";
  const QuietHours lunch(TimeOfDay(12), TimeOfDay(13));
  EXPECT_EQ(text(after_quiet_hours(utc("2026-11-23 11:30:00"), lunch, "Europe/Berlin")), "2026-11-23 12:00:00");
  const QuietHours none(TimeOfDay(12), TimeOfDay(12));
  EXPECT_EQ(text(after_quiet_hours(utc("2026-11-23 11:00:00"), none, "Europe/Berlin")), "2026-11-23 11:00:00");
}

std::string awake(const std::string& when, const QuietHours& quiet, const std::string& zone) {
  return text(after_quiet_hours(utc(when), quiet, zone));
}

// On 25 October the clock in Berlin shows 02:00 to 03:00 twice, from 00:00 and from 01:00 UTC.
TEST(QuietHours, EndInTheHourThatComesTwice) {
  const QuietHours night(TimeOfDay(22), TimeOfDay(2, 40));
  EXPECT_EQ(awake("2026-10-25 01:10:00", night, "Europe/Berlin"), "2026-10-25 01:40:00") << "the second 02:10";
  EXPECT_EQ(awake("2026-10-25 00:10:00", night, "Europe/Berlin"), "2026-10-25 00:40:00") << "the first 02:10";
  EXPECT_EQ(awake("2026-10-24 21:00:00", night, "Europe/Berlin"), "2026-10-25 00:40:00") << "23:00 of the day before";
  EXPECT_EQ(awake("2026-10-25 00:50:00", night, "Europe/Berlin"), "2026-10-25 00:50:00") << "between the two";
  EXPECT_EQ(awake("2026-10-25 01:40:00", night, "Europe/Berlin"), "2026-10-25 01:40:00");
  const QuietHours until_three(TimeOfDay(22), TimeOfDay(3));
  EXPECT_EQ(awake("2026-10-25 00:30:00", until_three, "Europe/Berlin"), "2026-10-25 02:00:00");
  const QuietHours begin_in_it(TimeOfDay(2, 30), TimeOfDay(7));
  EXPECT_EQ(awake("2026-10-25 00:45:00", begin_in_it, "Europe/Berlin"), "2026-10-25 01:00:00")
      << "at 02:45 it is set back to 02:00, which is not quiet";
}

// On 29 March the clock goes from 02:00 to 03:00, at 01:00 UTC: 03:00 is past the end.
TEST(QuietHours, EndInTheHourThatIsSkipped) {
  const QuietHours night(TimeOfDay(22), TimeOfDay(2, 30));
  EXPECT_EQ(awake("2026-03-28 22:00:00", night, "Europe/Berlin"), "2026-03-29 01:00:00");
  EXPECT_EQ(awake("2026-03-29 00:59:59", night, "Europe/Berlin"), "2026-03-29 01:00:00");
  EXPECT_EQ(awake("2026-03-29 01:00:00", night, "Europe/Berlin"), "2026-03-29 01:00:00");
  const QuietHours until_two(TimeOfDay(22), TimeOfDay(2));
  EXPECT_EQ(awake("2026-03-29 00:30:00", until_two, "Europe/Berlin"), "2026-03-29 01:00:00");
  const QuietHours over_it(TimeOfDay(1, 30), TimeOfDay(3, 30));
  EXPECT_EQ(awake("2026-03-29 00:45:00", over_it, "Europe/Berlin"), "2026-03-29 01:30:00");
}

// Its clock changes by half an hour: back to 01:30 on 5 April, forward to 02:30 on 4 October.
TEST(QuietHours, EndWhereTheClockChangesByHalfAnHour) {
  const QuietHours night(TimeOfDay(22), TimeOfDay(1, 45));
  EXPECT_EQ(awake("2026-04-04 14:40:00", night, "Australia/Lord_Howe"), "2026-04-04 14:45:00") << "the first 01:40";
  EXPECT_EQ(awake("2026-04-04 15:05:00", night, "Australia/Lord_Howe"), "2026-04-04 15:15:00") << "the second 01:35";
  const QuietHours skipped(TimeOfDay(22), TimeOfDay(2, 15));
  EXPECT_EQ(awake("2026-10-03 15:00:00", skipped, "Australia/Lord_Howe"), "2026-10-03 15:30:00") << "02:30";
}

// No hour of the year is put off by more than the quiet hours are long, whatever the clock does.
TEST(QuietHours, NeverLastLongerThanTheyAre) {
  const QuietHours night(TimeOfDay(22), TimeOfDay(2, 40));
  for (const auto* zone : {"Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "UTC"}) {
    for (auto when = utc("2026-01-01 00:00:00"); when < utc("2027-01-01 00:00:00"); when += 10min) {
      const auto end = after_quiet_hours(when, night, zone);
      ASSERT_GE(end, when);
      ASSERT_LE(end - when, 6h) << zone << " " << text(when);
      ASSERT_EQ(after_quiet_hours(end, night, zone), end) << zone << " " << text(when);
    }
  }
}

}  // namespace
}  // namespace tern
