#include "wire/json_differences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace tern::wire {
namespace {

using boost::json::parse;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(JsonDifferences, DoNotMindTheOrderOfMembers) {
  EXPECT_THAT(json_differences(parse(R"({"a":1,"b":[{"c":2,"d":3}]})"), parse(R"({"b":[{"d":3,"c":2}],"a":1})")),
              IsEmpty());
}

TEST(JsonDifferences, NameThePlaceAndBothValues) {
  EXPECT_THAT(json_differences(parse(R"({"a":{"b":"x"}})"), parse(R"({"a":{"b":"y"}})")),
              ElementsAre(R"(/a/b: expected "x", got "y")"));
}

TEST(JsonDifferences, NameWhatIsMissingAndWhatIsTooMuch) {
  EXPECT_THAT(
      json_differences(parse(R"({"a":1,"l":[1,2]})"), parse(R"({"b":2,"l":[1]})")),
      ElementsAre("/a: expected 1, it is missing", "/l/1: expected 2, it is missing", "/b: expected nothing, got 2"));
}

TEST(JsonDifferences, TellTypesApart) {
  EXPECT_THAT(json_differences(parse("1"), parse(R"("1")")), ElementsAre(R"(/: expected 1, got "1")"));
  EXPECT_THAT(json_differences(parse("{}"), parse("[]")), ElementsAre("/: expected {}, got []"));
}

}  // namespace
}  // namespace tern::wire
