#include <tern/testing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using tern::test::difference;
using ::testing::EndsWith;
using ::testing::StartsWith;

TEST(Mismatch, SaysWhereAndWhat) {
  const tern::test::Mismatch mismatch("it is not so", std::source_location::current());
  EXPECT_THAT(mismatch.what(), StartsWith("mismatch_test.cpp:"));
  EXPECT_THAT(mismatch.what(), EndsWith(": it is not so"));
}

TEST(Difference, MarksWhatIsMissingAndWhatIsNew) {
  EXPECT_EQ(difference({"a", "b", "c"}, {"a", "x", "c"}), "  a\n- b\n+ x\n  c\n");
  EXPECT_EQ(difference({}, {"x"}), "+ x\n");
  EXPECT_EQ(difference({"x"}, {}), "- x\n");
  EXPECT_EQ(difference({}, {}), "");
}

TEST(Difference, KeepsWhatBothHaveInTheirOrder) {
  EXPECT_EQ(difference({"a", "b"}, {"b", "a"}), "- a\n  b\n+ a\n");
  EXPECT_EQ(difference({"a", "a"}, {"a"}), "  a\n- a\n");
}

TEST(Difference, KeepsTheMarginOfATextOfSeveralLines) {
  EXPECT_EQ(difference({"a\nb"}, {}), "- a\n  b\n");
}

}  // namespace
