#include "turn/time_zone.hpp"

#include "support/bot_world.hpp"

#include <tern/error.hpp>
#include <tern/turn/recurrence.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>

namespace tern::detail {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

WallTime noon() {
  return WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 28) + 12h);
}

TEST(TimeZone, OffsetsAreZones) {
  EXPECT_EQ(TimeZone::find("UTC+02:00")->at(noon()).east, 2h);
  EXPECT_EQ(TimeZone::find("UTC-05:30")->at(noon()).east, -(5h + 30min));
  EXPECT_EQ(TimeZone::find("UTC+00:00")->at(noon()).east, 0h);
  EXPECT_EQ(TimeZone::find("UTC")->at(noon()).until, WallTime::max());
  EXPECT_EQ(local_time_text(noon(), "UTC+14:00"), "Sun 2026-11-29 02:00");
  EXPECT_EQ(Recurrence::daily(TimeOfDay(9)).next(noon(), "UTC-05:30"), noon() + 2h + 30min);
  for (const auto* name : {"UTC+2:00", "UTC+02", "UTC+0200", "UTC+15:00", "UTC+14:01", "UTC+02:60", "utc+02:00",
                           "UTC 02:00", "UTC+-2:00", "+02:00", "UTC+02:000", ""}) {
    EXPECT_FALSE(TimeZone::find(name)) << name;
  }
}

TEST(TimeZone, AnOffsetHasOneName) {
  EXPECT_EQ(fixed_time_zone(0min), "UTC");
  EXPECT_EQ(fixed_time_zone(120min), "UTC+02:00");
  EXPECT_EQ(fixed_time_zone(-(5h + 30min)), "UTC-05:30");
  for (const auto east : {-14h, -1h, 1h, 14h}) {
    EXPECT_EQ(TimeZone::find(fixed_time_zone(east))->at(noon()).east, east);
  }
}

TEST(TimeZone, ANameThatIsUnknownIsToldWithWhatToDo) {
  EXPECT_THAT(unknown_time_zone("Mars/Base"), AllOf(HasSubstr("Mars/Base"), HasSubstr("Europe/Berlin")));
  EXPECT_LT(unknown_time_zone(std::string(5'000, 'x')).size(), 300U);
}

// Takes the machine's zones away from this process. False where that is not allowed.
bool hide_time_zones() {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return false;
  }
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("none", "/usr/share/zoneinfo", "tmpfs", 0, nullptr) == 0;
}

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "not so: %s\n", what);
    std::exit(1);
  }
}

// A slim container. What wants a zone says what is missing; the rest works, and nothing throws once a send is out.
[[noreturn]] void live_without_time_zones() {
  constexpr int not_allowed = 77;
  if (!hide_time_zones()) {
    std::exit(not_allowed);
  }
  require(!has_time_zone_data(), "there is no data");
  require(!is_time_zone("Europe/Berlin"), "Berlin is unknown");
  require(is_time_zone("UTC") && is_time_zone("Etc/UTC") && is_time_zone("UTC+02:00"), "UTC is known");
  require(unknown_time_zone("Europe/Berlin").find("no time zone data") != std::string::npos, "it is told");
  require(local_time_text(noon(), "UTC") == "Sat 2026-11-28 12:00", "UTC has a clock");
  require(after_quiet_hours(noon(), QuietHours(TimeOfDay(11), TimeOfDay(13)), "UTC") == noon() + 1h, "quiet in UTC");

  test::BotWorld world(test::message_bot([](TurnContext&) -> awaitable<void> { co_return; }));
  const auto schedule = [&](SendOptions options) {
    return test::run_on(world.io(), world.proactive->send_after(world.message("x").reference(), 1s,
                                                                Activity::message("tick"), std::move(options)));
  };
  schedule(SendOptions().every(Recurrence::every(60s)));
  world.pass(130s, 100ms);
  require(world.sender.texts().size() == 3, "what recurs in UTC comes three times");
  bool told = false;
  try {
    schedule(SendOptions().every(Recurrence::every(60s)).time_zone("Europe/Berlin"));
  } catch (const system_error& error) {
    told = error.code() == errc::invalid_argument;
  }
  require(told, "Berlin is refused");
  std::exit(0);
}

TEST(TimeZoneDeathTest, WithoutDataUtcWorksAndTheRestIsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  bool allowed = true;
  EXPECT_EXIT(
      live_without_time_zones(),
      [&allowed](int status) {
        allowed = !WIFEXITED(status) || WEXITSTATUS(status) != 77;
        return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !allowed);
      },
      "");
  if (!allowed) {
    GTEST_SKIP() << "This process may not have a mount namespace of its own.";
  }
}

}  // namespace
}  // namespace tern::detail
