#include "schema/spare_text.hpp"

#include "pools/block_pool.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

namespace tern::detail {
namespace {

// Its length decides how often the text must grow.
TEST(SpareText, JsonOfAnyLengthIsAppended) {
  for (const std::size_t length : {0U, 1U, 500U, 1'023U, 1'024U, 1'025U, 5'000U, 100'000U}) {
    const boost::json::object object{{"text", std::string(length, '"')}, {"list", {1, 2.5, nullptr}}};
    std::string text = "before";
    append_json(text, object);
    EXPECT_EQ(text, "before" + boost::json::serialize(object)) << length;
  }
}

TEST(SpareText, IsEmptyAndHasTheMemoryOfOneThatWasKept) {
  while (spare_text().capacity() > std::string().capacity()) {  // of other tests
  }
  keep_text(std::string(1'000, 'x'));
  const auto text = spare_text();
  EXPECT_EQ(text, "");
  EXPECT_EQ(text.capacity() >= 1'000, blocks_are_pooled);
  EXPECT_LT(spare_text().capacity(), 1'000u) << "each is given once";
}

TEST(SpareText, VeryLongOnesAreNotKept) {
  while (spare_text().capacity() > std::string().capacity()) {
  }
  keep_text(std::string(1'000'000, 'x'));
  EXPECT_LT(spare_text().capacity(), 1'000'000u);
}

}  // namespace
}  // namespace tern::detail
