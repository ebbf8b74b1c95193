#include "reminder_bot/reminder_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Monday, 23 November 2026, 09:30 in Zurich.
const tern::WallTime now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 8h + 30min};

Remind remind(const std::string& text) {
  const auto request = parse_request(text);
  if (const auto* problem = std::get_if<Explain>(&request)) {
    ADD_FAILURE() << text << ": " << problem->problem;
    return {};
  }
  return std::get<Remind>(request);
}

std::string first(const std::string& text) {
  return tern::local_time_text(remind(text).due(now, "Europe/Zurich"), "Europe/Zurich");
}

std::string problem(const std::string& text) {
  const auto request = parse_request(text);
  const auto* explain = std::get_if<Explain>(&request);
  return explain != nullptr ? explain->problem : "(understood)";
}

TEST(ReminderRequest, UnderstandsHowLong) {
  EXPECT_EQ(remind("remind me in 20 s to stretch").after, 20s);
  EXPECT_EQ(remind("remind me in 20s to stretch").text, "stretch");
  EXPECT_EQ(remind("Remind me in 5 Minutes to Call Bob ").after, 5min);
  EXPECT_EQ(remind("remind me in 5 minutes to Call  Bob").text, "Call  Bob") << "as it was written";
  EXPECT_EQ(remind("remind me in an hour that it is late").after, 1h);
  EXPECT_EQ(remind("remind me in 2 days to rest").after, 48h);
  EXPECT_TRUE(remind("nag me in 10 s to answer").nag);
}

TEST(ReminderRequest, UnderstandsWhen) {
  EXPECT_EQ(first("remind me at 18:30 to go"), "Mon 2026-11-23 18:30");
  EXPECT_EQ(first("remind me at 9 to go"), "Tue 2026-11-24 09:00") << "nine is over for today";
  EXPECT_EQ(first("remind me at 6:30pm to go"), "Mon 2026-11-23 18:30");
  EXPECT_EQ(first("remind me at 12 am to go"), "Tue 2026-11-24 00:00");
  EXPECT_EQ(first("remind me tomorrow at 18:30 to go"), "Tue 2026-11-24 18:30");
  EXPECT_EQ(first("remind me tomorrow at 0 to go"), "Tue 2026-11-24 00:00");
  EXPECT_EQ(first("remind me on friday at 10 to go"), "Fri 2026-11-27 10:00");
  EXPECT_EQ(first("remind me on Monday at 9 to go"), "Mon 2026-11-30 09:00");
}

TEST(ReminderRequest, UnderstandsHowOften) {
  EXPECT_TRUE(remind("every day at 9 to drink water").again_and_again);
  EXPECT_EQ(first("every day at 9 to drink water"), "Tue 2026-11-24 09:00");
  EXPECT_EQ(first("remind me every tuesday at 10 to sing"), "Tue 2026-11-24 10:00");
  EXPECT_EQ(first("every 2 hours to stand up"), "Mon 2026-11-23 11:30");
  EXPECT_EQ(first("every hour to stand up"), "Mon 2026-11-23 10:30");
  EXPECT_EQ(remind("every hour stand up").text, "stand up");
}

TEST(ReminderRequest, UnderstandsTheRest) {
  EXPECT_TRUE(std::holds_alternative<ListThem>(parse_request(" List ")));
  EXPECT_EQ(std::get<Cancel>(parse_request("cancel 2")).number, 2U);
  EXPECT_EQ(std::get<SetZone>(parse_request("time zone Europe/Zurich")).name, "Europe/Zurich");
  const auto quiet = std::get<SetQuiet>(parse_request("quiet 22:00 to 7"));
  ASSERT_TRUE(quiet.hours);
  EXPECT_EQ(quiet.hours->from().to_string() + quiet.hours->to().to_string(), "22:0007:00");
  EXPECT_FALSE(std::get<SetQuiet>(parse_request("quiet off")).hours);
  EXPECT_EQ(problem("help"), "");
  EXPECT_EQ(problem(""), "");
}

TEST(ReminderRequest, SaysWhatItDoesNotUnderstand) {
  EXPECT_THAT(problem("remind me"), HasSubstr("When?"));
  EXPECT_THAT(problem("remind me in soon to go"), HasSubstr("\"soon\""));
  EXPECT_THAT(problem("remind me in 5 parsecs to go"), HasSubstr("\"parsecs\""));
  EXPECT_THAT(problem("remind me in 0 s to go"), HasSubstr("at least"));
  EXPECT_THAT(problem("remind me in 99 weeks to go"), HasSubstr("a year"));
  EXPECT_THAT(problem("remind me in 99999999999999999999 s to go"), HasSubstr("How long"));
  EXPECT_THAT(problem("remind me in 20 s"), HasSubstr("Of what?"));
  EXPECT_THAT(problem("remind me at 25 to go"), HasSubstr("\"25\""));
  EXPECT_THAT(problem("remind me at 9:7 to go"), HasSubstr("no time"));
  EXPECT_THAT(problem("remind me at 13pm to go"), HasSubstr("no time"));
  EXPECT_THAT(problem("remind me on caturday at 9 to go"), HasSubstr("caturday"));
  EXPECT_THAT(problem("every day to go"), HasSubstr("what time"));
  EXPECT_THAT(problem("every 5 s to go"), HasSubstr("minute"));
  EXPECT_THAT(problem("cancel"), HasSubstr("Which"));
  EXPECT_THAT(problem("cancel two"), HasSubstr("Which"));
  EXPECT_THAT(problem("quiet 22:00"), HasSubstr("quiet off"));
}

}  // namespace
