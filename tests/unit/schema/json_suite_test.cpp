// The cases of JSONTestSuite through the parser of activities: each one as the whole body, and as a value of an
// activity. No case has to stand alone to be refused: what is only cut short leaves the activity around it open.

#include "unit/schema/json_suite.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace {

namespace json = boost::json;
using tern::test::JsonCase;

std::string whole_text(const JsonCase& test) {
  std::string text;
  for (std::size_t i = 0; i < test.times; ++i) {
    text += test.text;
  }
  for (std::size_t i = 0; i < test.after_times; ++i) {
    text += test.after;
  }
  return text;
}

/// Activities that have `text` as a value: as the last member, before others, and below the first level.
std::vector<std::string> activities_with(const std::string& text) {
  constexpr std::string_view head = R"({"type":"message","serviceUrl":"http://h","conversation":{"id":"c"},"value":)";
  return {std::string(head) + text + "}", std::string(head) + text + R"(,"text":"x"})",
          std::string(head) + R"({"a":[0,)" + text + R"(,0],"b":1},"text":"x"})"};
}

/// The value that `activities_with` put into an activity.
const json::value& value_in(const tern::Activity& activity) {
  const json::value& value = activity.json().at("value");
  const json::object* outer = value.if_object();
  return outer != nullptr && outer->contains("b") ? outer->at("a").as_array().at(1) : value;
}

std::size_t count_of(char kind) {
  const auto is_of_kind = [kind](const JsonCase& test) { return test.name[0] == kind; };
  const auto accepted = tern::test::accepted_json_cases();
  const auto refused = tern::test::refused_json_cases();
  return static_cast<std::size_t>(std::count_if(accepted.begin(), accepted.end(), is_of_kind) +
                                  std::count_if(refused.begin(), refused.end(), is_of_kind));
}

TEST(JsonSuite, HasEachCaseOnceAndEachWhereItsNamePutsIt) {
  EXPECT_EQ(count_of('y'), 95u);
  EXPECT_EQ(count_of('n'), 188u + 5u);
  EXPECT_EQ(count_of('i'), 35u);
  std::set<std::string_view> names;
  for (const JsonCase& test : tern::test::accepted_json_cases()) {
    EXPECT_TRUE(names.insert(test.name).second) << test.name;
    EXPECT_NE(test.name[0], 'n') << test.name;
  }
  for (const JsonCase& test : tern::test::refused_json_cases()) {
    EXPECT_TRUE(names.insert(test.name).second) << test.name;
    EXPECT_NE(test.name[0], 'y') << test.name;
  }
}

TEST(JsonSuite, WhatIsAcceptedKeepsItsMeaning) {
  for (const JsonCase& test : tern::test::accepted_json_cases()) {
    SCOPED_TRACE(test.name);
    const auto value = tern::parse_json(whole_text(test));
    ASSERT_TRUE(value.has_value()) << value.error().message;
    EXPECT_EQ(json::serialize(*value), test.expected);
    const auto again = tern::parse_json(test.expected);
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(*again, *value);
  }
}

TEST(JsonSuite, WhatIsAcceptedMayBeAnyValueOfAnActivity) {
  for (const JsonCase& test : tern::test::accepted_json_cases()) {
    for (const std::string& body : activities_with(whole_text(test))) {
      SCOPED_TRACE(test.name + (": " + body));
      const auto activity = tern::parse_activity(body);
      ASSERT_TRUE(activity.has_value()) << activity.error().message;
      EXPECT_EQ(json::serialize(value_in(*activity)), test.expected);
      const auto again = tern::parse_activity(json::serialize(activity->json()));
      ASSERT_TRUE(again.has_value()) << again.error().message;
      EXPECT_EQ(again->json(), activity->json());
    }
  }
}

TEST(JsonSuite, WhatIsAcceptedIsNoActivityByItselfAndTheErrorSaysWhy) {
  for (const JsonCase& test : tern::test::accepted_json_cases()) {
    SCOPED_TRACE(test.name);
    const auto activity = tern::parse_activity(whole_text(test));
    ASSERT_TRUE(activity.has_error());
    const bool is_object = test.expected.starts_with('{');
    EXPECT_EQ(activity.error().code, is_object ? "MissingProperty" : "BadSyntax");
    EXPECT_NE(activity.error().message.find(is_object ? "has no 'type'" : "not an object"), std::string::npos)
        << activity.error().message;
    EXPECT_FALSE(activity.error().position) << "the text is JSON";
  }
}

TEST(JsonSuite, WhatIsRefusedIsRefusedAsAWholeBody) {
  for (const JsonCase& test : tern::test::refused_json_cases()) {
    SCOPED_TRACE(test.name);
    const std::string text = whole_text(test);
    const auto value = tern::parse_json(text);
    ASSERT_TRUE(value.has_error()) << json::serialize(*value);
    EXPECT_EQ(value.error().code, test.expected) << value.error().message;
    const auto activity = tern::parse_activity(text);
    ASSERT_TRUE(activity.has_error());
    EXPECT_EQ(activity.error().code, test.expected);
    EXPECT_EQ(activity.error().message, value.error().message);
    ASSERT_TRUE(activity.error().position) << "refused as JSON, not for what it is";
    EXPECT_LE(*activity.error().position, text.size());
  }
}

TEST(JsonSuite, WhatIsRefusedSpoilsTheActivityThatHasItAsAValue) {
  for (const JsonCase& test : tern::test::refused_json_cases()) {
    for (const std::string& body : activities_with(whole_text(test))) {
      SCOPED_TRACE(test.name + (": " + body.substr(0, 200)));
      const auto activity = tern::parse_activity(body);
      ASSERT_TRUE(activity.has_error()) << json::serialize(activity->json());
      EXPECT_EQ(activity.error().code, test.expected) << activity.error().message;
      EXPECT_TRUE(activity.error().position);
    }
  }
}

TEST(JsonSuite, DeepNestingIsRefusedAtTheFirstLevelThatIsTooDeep) {
  for (const JsonCase& test : tern::test::refused_json_cases()) {
    if (test.times > 1) {
      const auto value = tern::parse_json(whole_text(test));
      ASSERT_TRUE(value.has_error()) << test.name;
      EXPECT_LE(*value.error().position, test.text.size() * tern::max_json_depth) << test.name;
    }
  }
}

}  // namespace
