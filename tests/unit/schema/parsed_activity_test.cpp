#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

// A parsed activity keeps its values in one piece of memory that goes with it. These tests find under AddressSanitizer
// whatever outlives it.

namespace tern {
namespace {

const std::string long_text(100, 't');

Activity parsed(const std::string& extra = {}) {
  auto activity =
      parse_activity(R"({"type":"message","serviceUrl":"http://localhost:1","conversation":{"id":"c"},"text":")" +
                     long_text + "\"" + extra + "}");
  EXPECT_TRUE(activity.has_value());
  return std::move(*activity);
}

TEST(ParsedActivity, IsMovedWithItsValues) {
  Activity last;
  {
    Activity first = parsed();
    Activity second = std::move(first);
    last = std::move(second);
    second = Activity::typing();  // moved from and used again
    EXPECT_TRUE(second.is(activity_types::typing));
    first.set_text("again");
    EXPECT_EQ(first.text(), "again");
  }
  EXPECT_EQ(last.text(), long_text);
}

TEST(ParsedActivity, IsCopiedWithoutItsMemory) {
  Activity copy;
  {
    const Activity first = parsed();
    copy = first;
  }
  EXPECT_EQ(copy.text(), long_text);
}

TEST(ParsedActivity, MayBeReplacedByAnotherOne) {
  Activity activity = parsed();
  activity = parsed(R"(,"id":"second")");
  EXPECT_EQ(activity.id(), "second");
  activity = Activity::message("built");
  EXPECT_EQ(activity.text(), "built");
  auto& same = activity;
  activity = std::move(same);
  EXPECT_EQ(activity.text(), "built");
}

TEST(ParsedActivity, GivesAwayValuesThatOutliveIt) {
  json::value text;
  json::object whole;
  json::object conversation;
  {
    Activity activity = parsed();
    text = std::move(activity.json()["text"]);
    Activity other = parsed();
    whole = std::move(other).json();
    conversation = parsed().conversation()->json();
  }
  EXPECT_EQ(text.as_string(), long_text);
  EXPECT_EQ(whole["text"].as_string(), long_text);
  EXPECT_EQ(json::serialize(conversation), R"({"id":"c"})");
}

TEST(ParsedActivity, IsChangedInPlace) {
  Activity activity = parsed(R"(,"channelData":{"a":[1,2,3]})");
  activity.set_text(std::string(5'000, 'n'));
  activity.set_id("changed");
  EXPECT_EQ(activity.text().size(), 5'000U);
  EXPECT_EQ(activity.json().at("channelData"), json::value({{"a", {1, 2, 3}}}));
}

TEST(ParsedActivity, HoldsWhatIsManyTimesItsText) {
  std::string list = R"(,"value":[)";
  for (int i = 0; i < 2'000; ++i) {
    list += "{},";
  }
  const Activity activity = parsed(list + "1]");
  EXPECT_EQ(activity.value()->as_array().size(), 2'001U);
}

}  // namespace
}  // namespace tern
