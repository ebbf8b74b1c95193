#include <tern/turn/user_time_zone.hpp>

#include "support/captured_log.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <cstdlib>

namespace tern {
namespace {

using Source = UserTimeZone::Source;

std::optional<UserTimeZone> zone_of(const std::string& fields) {
  return user_time_zone(Activity(json::parse("{" + fields + "}").as_object()));
}

std::string name_of(const std::string& fields) {
  const auto zone = zone_of(fields);
  return zone ? zone->name : "none";
}

constexpr const char* client_info = R"("entities":[{"type":"mention"},{"type":"clientInfo","timezone":"Asia/Tokyo"}])";
constexpr const char* local = R"("localTimestamp":"2026-11-28T10:00:00.000+01:00")";

TEST(UserTimeZone, IsTheFirstThatIsSaid) {
  const std::string zone = R"("localTimezone":"Europe/Berlin")";
  EXPECT_EQ(name_of(zone + "," + client_info + "," + local), "Europe/Berlin");
  EXPECT_EQ(name_of(std::string(client_info) + "," + local), "Asia/Tokyo");
  EXPECT_EQ(name_of(local), "UTC+01:00");
  EXPECT_EQ(name_of(R"("rawLocalTimestamp":"2026-11-28T10:00:00-05:30")"), "UTC-05:30");
  EXPECT_EQ(name_of(""), "none");
}

TEST(UserTimeZone, SaysHowItIsKnown) {
  EXPECT_EQ(zone_of(R"("localTimezone":"Europe/Berlin")")->source, Source::local_timezone);
  EXPECT_EQ(zone_of(client_info)->source, Source::client_info);
  EXPECT_EQ(zone_of(local)->source, Source::local_timestamp);
  EXPECT_TRUE(zone_of(local)->is_fixed_offset());
  EXPECT_FALSE(zone_of(client_info)->is_fixed_offset());
}

TEST(UserTimeZone, ANameThatIsUnknownFallsThrough) {
  for (const auto* unknown :
       {"Mars/Base", "W. Europe Standard Time", "", "../../etc/passwd", "europe/berlin", "localtime", "posixrules",
        "Factory", "posix/Europe/Berlin", "right/Europe/Berlin", "leapseconds", "/usr/share/zoneinfo/Europe/Berlin",
        "Europe/../Europe/Berlin", "Europe"}) {
    const auto zone = R"("localTimezone":")" + std::string(unknown) + "\"";
    EXPECT_EQ(name_of(zone + "," + client_info), "Asia/Tokyo") << unknown;
    EXPECT_EQ(name_of(zone + R"(,"entities":[{"type":"clientInfo","timezone":"Nowhere"}],)" + local), "UTC+01:00");
    EXPECT_EQ(name_of(zone), "none");
  }
  EXPECT_EQ(name_of(R"("localTimezone":7,)" + std::string(local)), "UTC+01:00");
}

TEST(UserTimeZone, TheFirstNameThatIsUnknownIsAWarning) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a process that has not warned yet
  const auto warn = [] {
    test::CapturedLog log;
    name_of(R"("localTimezone":"")");
    const bool silent = log.take().empty();
    test::CapturedLog warned;
    name_of(R"("localTimezone":"localtime")");
    const bool told = warned.take().find("localtime") != std::string::npos;
    test::CapturedLog again;
    name_of(R"("localTimezone":"Mars/Base")");
    std::exit(silent && told && again.take().empty() ? EXIT_SUCCESS : EXIT_FAILURE);
  };
  EXPECT_EXIT(warn(), testing::ExitedWithCode(EXIT_SUCCESS), "");
}

TEST(UserTimeZone, AnEntityOfTheClientMayBeginWithACapitalLetter) {
  EXPECT_EQ(name_of(R"("entities":[{"type":"ClientInfo","timezone":"Asia/Tokyo"}])"), "Asia/Tokyo");
  EXPECT_EQ(name_of(R"("entities":[{"type":"CLIENTINFO","timezone":"Asia/Tokyo"}])"), "none");
}

TEST(UserTimeZone, ALocalTimeWithoutAnOffsetTellsNothing) {
  for (const auto* time : {"2026-11-28T10:00:00", "2026-11-28T10:00:00-00:00", "2026-11-28T10:00:00+23:00", "soon",
                           "2026-11-28T10:00:00+14:30", ""}) {
    EXPECT_EQ(name_of(R"("localTimestamp":")" + std::string(time) + "\""), "none") << time;
    EXPECT_EQ(
        name_of(R"("localTimestamp":")" + std::string(time) + R"(","rawLocalTimestamp":"2026-11-28T10:00:00+02:00")"),
        "UTC+02:00")
        << time;
  }
  EXPECT_EQ(name_of(R"("localTimestamp":"2026-11-28T10:00:00Z")"), "UTC");
  EXPECT_EQ(name_of(R"("localTimestamp":"2026-11-28T10:00:00+14:00")"), "UTC+14:00");
  EXPECT_EQ(name_of(R"("localTimestamp":5)"), "none");
}

TEST(UserTimeZone, OddEntitiesAreHarmless) {
  EXPECT_EQ(name_of(R"("entities":[1,null,{"type":"clientInfo"},{"type":"clientInfo","timezone":5},)"
                    R"({"type":"clientInfo","timezone":"Europe/Paris"}])"),
            "Europe/Paris");
  EXPECT_EQ(name_of(R"("entities":{"type":"clientInfo","timezone":"Europe/Paris"})"), "none");
}

}  // namespace
}  // namespace tern
