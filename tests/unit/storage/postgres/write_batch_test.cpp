#include "write_batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

namespace tern::detail::pg {

namespace {

using ::testing::ElementsAre;

class Writes {
 public:
  void add(std::vector<std::string> keys, std::size_t bytes = 1) {
    auto& changes = changes_.emplace_back();
    for (auto& key : keys) {
      changes.upserts.emplace_back(std::move(key), std::string(bytes, 'x'));
    }
    pointers_.push_back(&changes);
  }
  std::vector<std::size_t> taken(std::size_t max_bytes = 1000) const {
    return WriteBatch(pointers_, max_bytes).taken();
  }

 private:
  std::list<StoreChanges> changes_;
  std::vector<const StoreChanges*> pointers_;
};

}  // namespace

TEST(WriteBatch, TakesAllThatShareNoKey) {
  Writes writes;
  writes.add({"a", "b"});
  writes.add({"c"});
  writes.add({"d"});
  EXPECT_THAT(writes.taken(), ElementsAre(0, 1, 2));
}

TEST(WriteBatch, LeavesTheLaterOfTwoWritesOfAKey) {
  Writes writes;
  writes.add({"a"});
  writes.add({"b", "a"});
  writes.add({"c"});
  EXPECT_THAT(writes.taken(), ElementsAre(0, 2));
}

TEST(WriteBatch, DoesNotOvertakeAWriteThatIsLeft) {
  Writes writes;
  writes.add({"a"});
  writes.add({"a", "b"});
  writes.add({"b"});
  EXPECT_THAT(writes.taken(), ElementsAre(0));
}

TEST(WriteBatch, StopsAtItsBytesButTakesOne) {
  Writes writes;
  writes.add({"a"}, 5000);
  writes.add({"b"});
  EXPECT_THAT(writes.taken(), ElementsAre(0));
  Writes small;
  small.add({"a"}, 400);
  small.add({"b"}, 400);
  small.add({"c"}, 400);
  EXPECT_THAT(small.taken(), ElementsAre(0, 1));
}

}  // namespace tern::detail::pg
