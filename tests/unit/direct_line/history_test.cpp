#include "direct_line/history.hpp"

#include "unit/direct_line/store.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <map>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using test::memory_store;
using test::message;
using test::messages;
using test::some_id;
using test::texts_of;

TEST(HeadTest, IsTheSameAfterItWasWritten) {
  Head head;
  head.channel = "webchat";
  head.user = "dl_\"u\"";
  head.user_name = "Ünï";
  head.locale = "en-GB";
  head.streams = true;
  head.ended = true;
  head.first = 3;
  head.last = 1'000'000'000'000;
  head.changed = WallTime(1'700'000'000'123ms);
  head.bytes = 123;
  head.marks = {{3, WallTime(1s), 0}, {9, WallTime(2s), 100}};
  head.keys = {{"digest", 7}};
  head.posts = {{"other", 8}};
  head.runs = {{"run", 3, 9}};
  const auto read = read_head(write_head(head));
  ASSERT_TRUE(read);
  EXPECT_EQ(write_head(*read), write_head(head));
  EXPECT_EQ(read->user_name, "Ünï");
  EXPECT_EQ(read->marks[1].seq, 9U);
  EXPECT_EQ(read->marks[1].bytes, 100U);
  EXPECT_EQ(read->keys[0].digest, "digest");
  EXPECT_EQ(read->posts[0].seq, 8U);
  EXPECT_EQ(read->runs[0].digest, "run");
  EXPECT_EQ(read->runs[0].number, 3U);
  EXPECT_EQ(read->runs[0].seq, 9U);
  for (const char* none : {"", "[]", "{}", R"({"v":2})", R"({"v":"1"})"}) {
    EXPECT_FALSE(read_head(none)) << none;
  }
}

TEST(AppendPlanTest, GivesIdsAndAscendingTimes) {
  auto given = messages({"a", "b"});
  given[0].fields["serviceUrl"] = "urn:tern:direct-line";
  given[0].fields["id"] = "forged";
  given[0].fields["conversation"] = json::object{{"id", "forged"}};
  Head head;
  head.changed = WallTime(10s);
  const auto plan = plan_append(some_id, head, "e1", given, {}, WallTime(5s));
  ASSERT_EQ(plan.stored.size(), 2U);
  EXPECT_EQ(plan.seqs, (std::vector<std::uint64_t>{1, 2}));
  const auto first = json::parse(*plan.stored[0].text).as_object();
  EXPECT_EQ(first.at("id").as_string(), some_id + "|0000001");
  EXPECT_EQ(first.at("conversation").at("id").as_string(), some_id);
  EXPECT_EQ(first.at("timestamp"), "1970-01-01T00:00:10.001Z") << "later than the one before, whatever the clock says";
  EXPECT_FALSE(first.contains("serviceUrl"));
  EXPECT_EQ(plan.times[1], "1970-01-01T00:00:10.002Z");
  EXPECT_EQ(plan.head.last, 2U);
  EXPECT_EQ(plan.changes.upserts.size(), 3U);
  EXPECT_EQ(plan.changes.upserts.back().expect.value(), "e1");
}

TEST(AppendPlanTest, StoresASendWithAKnownKeyOnce) {
  std::vector<NewActivity> given;
  given.push_back(message("a", "key-1"));
  given.push_back(message("b", "key-2"));
  given.push_back(message("a again", "key-1"));
  const auto plan = plan_append(some_id, {}, "e1", given, {}, WallTime(5s));
  EXPECT_EQ(plan.seqs, (std::vector<std::uint64_t>{1, 2, 1}));
  EXPECT_EQ(texts_of(plan.stored), (std::vector<std::string>{"a", "b"}));
  std::vector<NewActivity> again;
  again.push_back(message("b again", "key-2"));
  const auto second = plan_append(some_id, plan.head, "e2", again, {}, WallTime(6s));
  EXPECT_EQ(second.seqs, std::vector<std::uint64_t>{2});
  EXPECT_TRUE(second.changes.empty());
}

TEST(AppendPlanTest, StoresNothingBehindTheEnd) {
  std::vector<NewActivity> given;
  given.push_back(message("a", "key-1"));
  given.push_back(message("bye"));
  given.back().ends = true;
  given.push_back(message("late"));
  given.push_back(message("a again", "key-1"));
  const auto plan = plan_append(some_id, {}, "e1", given, {}, WallTime(5s));
  EXPECT_EQ(plan.seqs, (std::vector<std::uint64_t>{1, 2, 0, 1}));
  EXPECT_EQ(texts_of(plan.stored), (std::vector<std::string>{"a", "bye"}));
  EXPECT_TRUE(plan_append(some_id, plan.head, "e2", messages({"later"}), {}, WallTime(6s)).changes.empty());
}

/// Appends activities of so many bytes one after the other, and looks at what is kept.
class BytesOfAConversation : public testing::Test {
 protected:
  void append(std::size_t size) {
    std::vector<NewActivity> one;
    one.push_back(message(std::string(size, 'x')));
    const auto plan = plan_append(some_id, std::move(head), "e", one, bounds, WallTime(5s));
    head = plan.head;
    for (const auto& removed : plan.changes.removals) {
      kept.erase(removed.key);
    }
    for (const auto& stored : plan.stored) {
      kept[activity_key(some_id, stored.seq)] = stored.text->size();
    }
  }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& each : kept) {
      sum += each.second;
    }
    return sum;
  }

  HistoryBounds bounds{1000, 1h, 100'000};
  Head head;
  std::map<std::string, std::size_t> kept;
};

TEST_F(BytesOfAConversation, AreBounded) {
  for (int i = 0; i < 500; ++i) {
    append(static_cast<std::size_t>(i % 7) * 1000);
    ASSERT_LE(bytes(), bounds.bytes) << i;
    ASSERT_LE(head.marks.size(), 40U);
    head = *read_head(write_head(head));
  }
  EXPECT_GT(bytes(), bounds.bytes * 8 / 10) << "and no more is removed than needed";
  EXPECT_EQ(kept.size(), head.last - head.first + 1);
}

TEST_F(BytesOfAConversation, AreNeverThoseOfTheNewestActivity) {
  for (int i = 0; i < 5; ++i) {
    append(300'000);
    EXPECT_EQ(kept.size(), 1U);
  }
  append(10);
  EXPECT_EQ(head.first, head.last);
}

TEST_F(BytesOfAConversation, AreCountedFromNowOnWhereAnEarlierVersionHasWritten) {
  head.last = 40;
  head.marks = {{1, WallTime(1s)}, {20, WallTime(2s)}};
  for (int i = 0; i < 300; ++i) {
    append(1000);
    ASSERT_LE(bytes(), bounds.bytes);
  }
  EXPECT_GT(bytes(), bounds.bytes * 8 / 10);
  EXPECT_GT(head.first, 40U);
}

TEST(AppendPlanTest, KnowsTheKeysOfTheLastSends) {
  Head head;
  for (std::size_t i = 0; i <= Head::max_keys; ++i) {
    std::vector<NewActivity> one;
    one.push_back(message("x", "key-" + std::to_string(i)));
    head = plan_append(some_id, head, "e", one, {}, WallTime(5s)).head;
  }
  EXPECT_EQ(head.keys.size(), Head::max_keys);
  std::vector<NewActivity> old;
  old.push_back(message("x", "key-1"));
  EXPECT_TRUE(plan_append(some_id, head, "e", old, {}, WallTime(5s)).changes.empty());
}

TEST(AppendPlanTest, KeepsTheKeysOfSendsApartFromThoseOfClients) {
  Head head;
  const auto append = [&head](std::string key, bool is_posted) {
    std::vector<NewActivity> one;
    one.push_back(message("x", std::move(key)));
    one.back().is_posted = is_posted;
    auto plan = plan_append(some_id, head, "e", one, {}, WallTime(5s));
    head = plan.head;
    return !plan.changes.empty();
  };
  EXPECT_TRUE(append("key", false));
  EXPECT_TRUE(append("key", true)) << "a client cannot take the place of a send";
  EXPECT_FALSE(append("key", true));
  EXPECT_TRUE(is_known_post(head, "key"));
  EXPECT_FALSE(is_known_post(head, ""));
  for (int i = 0; i < 100; ++i) {
    append("post-" + std::to_string(i), true);
  }
  EXPECT_EQ(head.posts.size(), Head::max_posts);
  EXPECT_FALSE(is_known_post(head, "key"));
  EXPECT_FALSE(append("key", false)) << "nor push it out";
}

TEST(HeadTest, OfAnEarlierVersionKnowsNoRuns) {
  const auto read = read_head(R"({"v":1,"last":3,"keys":["digest",3]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->keys.size(), 1U);
  EXPECT_TRUE(read->runs.empty());
}

TEST(AppendPlanTest, KeepsOneEntryForAllRepliesOfARun) {
  Head head;
  std::uint64_t seq = 0;
  const auto append = [&](std::string run, std::uint64_t number) {
    std::vector<NewActivity> one;
    one.push_back(message("x", std::move(run)));
    one.back().number_in_run = number;
    auto plan = plan_append(some_id, head, "e", one, {}, WallTime(5s));
    head = plan.head;
    seq = plan.seqs.at(0);
    return !plan.changes.empty();
  };
  std::vector<NewActivity> send;
  send.push_back(message("x", "key"));
  head = plan_append(some_id, head, "e", send, {}, WallTime(5s)).head;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    EXPECT_TRUE(append("run", number));
  }
  EXPECT_EQ(head.runs.size(), 1U);
  for (std::uint64_t number = 1; number <= 100; ++number) {
    EXPECT_FALSE(append("run", number));
    EXPECT_EQ(seq, 101U);
  }
  EXPECT_TRUE(append("another run", 1));
  EXPECT_TRUE(plan_append(some_id, head, "e", send, {}, WallTime(5s)).changes.empty()) << "the key of a send stays";
  for (std::size_t i = 1; i < Head::max_runs; ++i) {
    EXPECT_TRUE(append("run " + std::to_string(i), 1));
    EXPECT_FALSE(append("another run", 1));
    EXPECT_TRUE(append("another run", i + 1)) << "one that goes on is not pushed out";
    EXPECT_FALSE(append("another run", i + 1));
  }
  EXPECT_EQ(head.runs.size(), Head::max_runs);
  EXPECT_TRUE(append("run", 100)) << "the oldest one is";
}

TEST(AppendPlanTest, RemovesWhatIsBeyondTheBounds) {
  Head head;
  head.first = 1;
  head.last = 5;
  head.marks = {{1, WallTime(0s)}};
  HistoryBounds bounds;
  bounds.count = 4;
  const auto plan = plan_append(some_id, head, "e", messages({"x"}), bounds, WallTime(1s));
  EXPECT_EQ(plan.head.first, 3U);
  ASSERT_EQ(plan.changes.removals.size(), 2U);
  EXPECT_EQ(plan.changes.removals[0].key, activity_key(some_id, 1));
  bounds.count = 1;
  const auto batch = plan_append(some_id, head, "e", messages({"x", "y", "z"}), bounds, WallTime(1s));
  EXPECT_EQ(batch.head.first, 6U) << "a write does not remove what it stores";
}

TEST(AppendPlanTest, RemovesWhatIsTooOld) {
  HistoryBounds bounds;
  bounds.age = 160s;
  Head head;
  for (int second = 0; second < 400; second += 5) {
    head = plan_append(some_id, head, "e", messages({"x"}), bounds, WallTime(std::chrono::seconds(second))).head;
    const auto kept = (head.last - head.first) * 5;
    EXPECT_LE(kept, 180U) << "a sixteenth longer at most, and the one before";
    EXPECT_GE(kept + 5, static_cast<std::uint64_t>(std::min(second, 155)));
    EXPECT_LE(head.marks.size(), 20U);
  }
}

class HistoryTest : public testing::Test {
 protected:
  ManualClock clock;
  History history{memory_store(clock), HistoryBounds{}, clock};

  static Deadline soon() { return Deadline::never(); }
  bool begin() { return tern::test::run(history.begin(some_id, Head{}, soon())); }
};

awaitable<std::vector<std::uint64_t>> append_to(History& history, std::vector<NewActivity> activities) {
  std::optional<FoundHead> known;
  auto appended = co_await history.append(some_id, known, std::move(activities), Deadline::never());
  co_return appended ? std::move(appended->seqs) : std::vector<std::uint64_t>();
}

TEST_F(HistoryTest, BeginsAConversationOnce) {
  EXPECT_TRUE(begin());
  EXPECT_FALSE(begin());
  const auto found = tern::test::run(history.find(some_id, soon()));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->head.last, 0U);
  EXPECT_FALSE(tern::test::run(history.find(test::other_id, soon())));
}

TEST_F(HistoryTest, AppendsAndReadsInPages) {
  begin();
  for (int i = 0; i < 150; ++i) {
    tern::test::run(append_to(history, messages({"x"})));
  }
  EXPECT_EQ(tern::test::run(history.read(some_id, 1, 150, soon())).activities.size(), History::max_page);
  const auto rest = tern::test::run(history.read(some_id, 101, 150, soon())).activities;
  EXPECT_EQ(rest.size(), 50U);
  EXPECT_EQ(rest.back().seq, 150U);
}

TEST_F(HistoryTest, ReadsNoMoreBytesThanAPageHas) {
  begin();
  const std::string large(100'000, 'x');
  for (int i = 0; i < 20; ++i) {
    tern::test::run(append_to(history, messages({large.c_str()})));
  }
  tern::test::run(append_to(history, messages({std::string(History::page_bytes * 2, 'y').c_str(), "z"})));
  std::vector<std::uint64_t> lasts;
  for (std::uint64_t next = 1; next <= 22;) {
    const auto page = tern::test::run(history.read(some_id, next, 22, soon()));
    ASSERT_FALSE(page.activities.empty());
    EXPECT_EQ(page.activities.front().seq, next);
    EXPECT_EQ(page.activities.back().seq, page.last);
    lasts.push_back(page.last);
    next = page.last + 1;
  }
  EXPECT_EQ(lasts, (std::vector<std::uint64_t>{3, 6, 9, 12, 15, 18, 21, 22}));
}

TEST_F(HistoryTest, AppendsNothingToWhatIsNotThere) {
  EXPECT_TRUE(tern::test::run(append_to(history, messages({"x"}))).empty());
}

awaitable<void> append_with_a_stale_head(History& history) {
  std::optional<FoundHead> stale = co_await history.find(some_id, Deadline::never());
  std::optional<FoundHead> fresh = stale;
  auto theirs = messages({"theirs"});
  co_await history.append(some_id, fresh, std::move(theirs), Deadline::never());
  auto ours = messages({"ours"});
  const auto appended = co_await history.append(some_id, stale, std::move(ours), Deadline::never());
  EXPECT_EQ(appended->seqs, std::vector<std::uint64_t>{2});
  EXPECT_EQ(stale->head.last, 2U);
}

TEST_F(HistoryTest, ReadsAgainWhenAnotherProcessHasWritten) {
  begin();
  tern::test::run(append_with_a_stale_head(history));
  EXPECT_EQ(texts_of(tern::test::run(history.read(some_id, 1, 2, soon())).activities),
            (std::vector<std::string>{"theirs", "ours"}));
}

TEST_F(HistoryTest, EndsAConversation) {
  begin();
  EXPECT_TRUE(tern::test::run(history.end(some_id, soon())));
  EXPECT_TRUE(tern::test::run(history.find(some_id, soon()))->head.ended);
  EXPECT_FALSE(tern::test::run(history.end(test::other_id, soon())));
}

awaitable<std::size_t> count_all(const AnyStorage& storage) {
  AnyStorage copy = storage;
  StoreScan all("direct-line/", 1000);
  const auto page = co_await copy.scan(std::move(all), Deadline::never());
  co_return page.items.size();
}

TEST_F(HistoryTest, ForgetsAConversationThatNobodyHasUsedForTheWholeAge) {
  begin();
  for (int i = 0; i < 500; ++i) {
    tern::test::run(append_to(history, messages({"x"})));
  }
  clock.advance(history.bounds().age);
  EXPECT_EQ(tern::test::run(history.sweep("", soon())), "");
  EXPECT_EQ(tern::test::run(count_all(history.storage())), 501U) << "not before its time";
  clock.advance(1s);
  EXPECT_FALSE(tern::test::run(history.find(some_id, soon()))) << "also before it is removed";
  tern::test::run(history.sweep("", soon()));
  EXPECT_EQ(tern::test::run(count_all(history.storage())), 0U);
  EXPECT_TRUE(begin());
}

TEST_F(HistoryTest, CountsWhatAllConversationsHave) {
  const std::string text(10'000, 'x');
  auto activities = messages({text.c_str(), "b"});
  std::optional<FoundHead> known;
  tern::test::run(history.begin(some_id, Head{}, Deadline::never()));
  const auto empty = history.room().bytes();
  EXPECT_GT(empty, 0U);
  tern::test::run(history.append(some_id, known, activities, Deadline::never()));
  const auto all = history.room().bytes();
  EXPECT_GT(all, empty + 10'000);
  EXPECT_LT(all, empty + 11'000);
  History other(history.storage(), HistoryBounds{}, clock, all);
  EXPECT_EQ(other.room().bytes(), 0U);
  tern::test::run(other.sweep({}, Deadline::never()));
  EXPECT_EQ(other.room().bytes(), all) << "a sweep finds what others have written";
  EXPECT_FALSE(other.room().has_room(1));
  clock.advance(HistoryBounds{}.age + 1s);
  tern::test::run(other.sweep({}, Deadline::never()));
  EXPECT_EQ(other.room().bytes(), 0U);
  EXPECT_TRUE(other.room().has_room(all));
}

TEST(HistoryRoomTest, CountsWhatASweepMayHaveMissed) {
  HistoryRoom room(1000);
  room.change(0, 600);
  room.begin_count();
  room.count(600);
  room.change(600, 900);
  room.change(300, 100);
  EXPECT_EQ(room.bytes(), 700U);
  room.end_count();
  EXPECT_EQ(room.bytes(), 900U) << "rather too much than too little";
  EXPECT_TRUE(room.has_room(100));
  EXPECT_FALSE(room.has_room(101));
}

}  // namespace
}  // namespace tern::direct_line
