#include "wire/js_text.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace tern::wire {
namespace {

std::string text_of(std::string_view json) {
  const auto value = boost::json::parse(boost::json::string_view(json.data(), json.size()));
  return js_text(&value);
}

TEST(JsText, WritesValuesAsJavaScriptDoes) {
  EXPECT_EQ(js_text(nullptr), "undefined");
  EXPECT_EQ(text_of("null"), "null");
  EXPECT_EQ(text_of("true"), "true");
  EXPECT_EQ(text_of(R"("a b")"), "a b");
  EXPECT_EQ(text_of(R"({"a":1})"), "[object Object]");
  EXPECT_EQ(text_of(R"([1,[2,null],"x"])"), "1,2,,x");
}

TEST(JsText, WritesNumbersAsJavaScriptDoes) {
  EXPECT_EQ(text_of("42"), "42");
  EXPECT_EQ(text_of("-0.5"), "-0.5");
  EXPECT_EQ(text_of("-0.0"), "0");
  EXPECT_EQ(text_of("9007199254740993"), "9007199254740992");
  EXPECT_EQ(text_of("100000000000000000000"), "100000000000000000000");
  EXPECT_EQ(text_of("1e21"), "1e+21");
  EXPECT_EQ(text_of("0.000001"), "0.000001");
  EXPECT_EQ(text_of("0.00000015"), "1.5e-7");
}

}  // namespace
}  // namespace tern::wire
