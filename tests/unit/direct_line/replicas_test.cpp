// What one process shows of what another one writes and shows, on a store that passes on hints and notes.
#include "direct_line/conversations.hpp"
#include "direct_line/follower.hpp"
#include "direct_line/shown_note.hpp"
#include "unit/direct_line/store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace tern::direct_line {
namespace {

using test::ReplicaHub;
using test::ReplicaStorage;
using test::some_id;
using testing::ElementsAre;
using testing::IsEmpty;

/// A process.
struct Replica {
  Replica(const std::shared_ptr<ReplicaHub>& hub, Clock& clock) : Replica(made(hub), clock) {}
  Replica(std::pair<AnyStorage, std::shared_ptr<const ReplicaStorage>> store, Clock& clock)
      : access(std::move(store.second)),
        history(std::move(store.first), HistoryBounds{}, clock),
        all(history, 10, clock) {
    all.listen();
  }
  static std::pair<AnyStorage, std::shared_ptr<const ReplicaStorage>> made(const std::shared_ptr<ReplicaHub>& hub) {
    return AnyStorage::make_with_access<ReplicaStorage>(hub);
  }

  std::shared_ptr<const ReplicaStorage> access;
  History history;
  Conversations all;
};

/// The clock stands still, so nobody looks at the store again without a hint.
class ReplicasTest : public testing::Test {
 protected:
  ReplicasTest() { tern::test::run_on(io, a.history.begin(some_id, Head{}, Deadline::never())); }

  void append(Replica& to, std::string_view text) {
    tern::test::run_on(io, to.all.at(some_id)->append(test::message(text), Deadline::never()));
  }
  void show(Replica& at, const std::string& text) {
    tern::test::run_on(io, at.all.show(at.all.at(some_id), R"({"text":")" + text + "\"}", Deadline::never()));
  }
  std::vector<std::string> next(Follower& follower) {
    return test::texts_of(tern::test::run_on(io, follower.next(Deadline::at(clock.now()))).activities);
  }

  ManualClock clock;
  asio::io_context io{1};
  std::shared_ptr<ReplicaHub> hub = std::make_shared<ReplicaHub>(clock);
  Replica a{hub, clock};
  Replica b{hub, clock};
};

TEST_F(ReplicasTest, ShowTypingToTheSocketsOfEachOther) {
  Follower at_a(a.all.at(some_id), 0);
  Follower at_b(b.all.at(some_id), 0);
  append(a, "one");
  show(a, "typing at a");
  EXPECT_THAT(next(at_a), ElementsAre("one", "typing at a"));
  EXPECT_THAT(next(at_b), ElementsAre("one", "typing at a"));
  show(b, "typing at b");
  EXPECT_THAT(next(at_a), ElementsAre("typing at b"));
  EXPECT_THAT(next(at_b), ElementsAre("typing at b"));
}

TEST_F(ReplicasTest, WakeTheSocketsThatWait) {
  Follower at_b(b.all.at(some_id), 0);
  std::optional<Follower::News> later;
  asio::co_spawn(
      io,
      [](Follower& follower, std::optional<Follower::News>& into) -> awaitable<void> {
        into = co_await follower.next(Deadline::never());
      }(at_b, later),
      asio::detached);
  tern::test::drain(io);
  ASSERT_FALSE(later);
  show(a, "typing");
  tern::test::drain(io);
  ASSERT_TRUE(later);
  EXPECT_THAT(test::texts_of(later->activities), ElementsAre("typing"));
}

TEST_F(ReplicasTest, ShowNoTypingBehindTheMessageThatItWasFor) {
  Follower at_b(b.all.at(some_id), 0);
  show(a, "typing");
  append(a, "one");
  EXPECT_THAT(next(at_b), ElementsAre("one"));
  // The note comes late.
  b.all.note(some_id, write_note({0, R"({"text":"late"})"}));
  EXPECT_THAT(next(at_b), IsEmpty());
  show(a, "typing again");
  EXPECT_THAT(next(at_b), ElementsAre("typing again"));
}

TEST_F(ReplicasTest, KeepTypingForNobodyWhoComesLater) {
  show(a, "typing");
  Follower at_b(b.all.at(some_id), 0);
  EXPECT_THAT(next(at_b), IsEmpty());
  EXPECT_EQ(b.all.size(), 1U);
}

TEST_F(ReplicasTest, TellNothingThatIsTooLong) {
  Follower at_a(a.all.at(some_id), 0);
  Follower at_b(b.all.at(some_id), 0);
  show(a, std::string(max_note_bytes, 'x'));
  EXPECT_EQ(next(at_a).size(), 1U);
  EXPECT_THAT(next(at_b), IsEmpty());
  EXPECT_EQ(a.access->told, 0U);
}

TEST_F(ReplicasTest, AskTheStoreForTypingOnlyIfNobodyKnowsTheConversation) {
  append(a, "one");
  const auto before = a.access->reads;
  show(a, "typing");
  show(a, "typing");
  EXPECT_EQ(a.access->reads, before);
  EXPECT_EQ(a.access->told, 2U);
}

TEST_F(ReplicasTest, ShowTypingHereWhenNobodyElseCanBeTold) {
  Follower at_a(a.all.at(some_id), 0);
  hub->passes_on = false;
  show(a, "typing");
  EXPECT_THAT(next(at_a), ElementsAre("typing"));
  EXPECT_EQ(a.access->told, 0U);
}

TEST_F(ReplicasTest, PassOverANoteThatIsNone) {
  Follower at_b(b.all.at(some_id), 0);
  for (const char* text : {"", "0", "0 ", "x {}", "0 {", "0 []", "0 {}{}", "99999999999999999999999 {}", "{}"}) {
    b.all.note(some_id, text);
    EXPECT_THAT(next(at_b), IsEmpty()) << text;
  }
  b.all.note(test::other_id, "0 {}");
  EXPECT_EQ(b.all.size(), 1U) << "nobody follows it here";
}

// A client moves to a process that has not heard yet of what the other one has sent it.
TEST_F(ReplicasTest, DoubleNothingForAClientThatIsAheadOfTheHint) {
  Follower of_another_client(b.all.at(some_id), 0);
  append(a, "one");
  EXPECT_THAT(next(of_another_client), ElementsAre("one"));
  hub->passes_on = false;
  append(a, "two");
  Follower moved(b.all.at(some_id), 2);
  EXPECT_THAT(next(moved), IsEmpty()) << "it has both";
  append(a, "three");
  b.all.hint(some_id);
  EXPECT_THAT(next(moved), ElementsAre("three"));
  EXPECT_THAT(next(of_another_client), ElementsAre("two", "three"));
}

// The newest activities are kept alone, and a client was away for long.
TEST_F(ReplicasTest, GoOnWithTheOldestThatIsKept) {
  History short_history(AnyStorage::make<ReplicaStorage>(hub), HistoryBounds{3, std::chrono::hours(1)}, clock);
  Conversations c(short_history, 10, clock);
  Follower at_b(b.all.at(some_id), 0);
  for (const char* text : {"one", "two", "three", "four", "five"}) {
    tern::test::run_on(io, c.at(some_id)->append(test::message(text), Deadline::never()));
  }
  EXPECT_THAT(next(at_b), ElementsAre("three", "four", "five"));
  Follower later(b.all.at(some_id), 1);
  EXPECT_THAT(next(later), ElementsAre("three", "four", "five"));
  const auto page = tern::test::run_on(io, b.all.at(some_id)->read(1, Deadline::never()));
  ASSERT_TRUE(page);
  EXPECT_THAT(test::texts_of(page->activities), ElementsAre("three", "four", "five"));
  EXPECT_EQ(page->watermark, 5U);
}

}  // namespace
}  // namespace tern::direct_line
