#include "direct_line/conversations.hpp"

#include "direct_line/follower.hpp"
#include "support/failing_storage.hpp"
#include "unit/direct_line/store.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <functional>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using test::memory_store;
using test::message;
using test::some_id;

class ConversationTest : public testing::Test {
 protected:
  using MakeStore = std::function<AnyStorage(Clock&)>;
  explicit ConversationTest(const MakeStore& make) : history(make(clock), HistoryBounds{}, clock) {}
  ConversationTest() : ConversationTest(memory_store) {}

  void begin() { tern::test::run_on(io, history.begin(some_id, Head{}, Deadline::never())); }
  std::uint64_t append(std::string_view text, std::string key = {}) {
    auto work = all.at(some_id)->append(message(text, std::move(key)), Deadline::never());
    const auto place = tern::test::run_on(io, std::move(work));
    return place ? place->seq : 0;
  }
  void sleep(Follower& follower) {
    asio::co_spawn(
        io, [](Follower& f) -> awaitable<void> { (void)co_await f.next(Deadline::never()); }(follower), asio::detached);
    tern::test::drain(io);
  }
  Follower::News next(Follower& follower) { return tern::test::run_on(io, follower.next(Deadline::never())); }

  ManualClock clock;
  asio::io_context io{1};
  History history;
  Conversations all{history, 2, clock};
};

TEST_F(ConversationTest, GivesAFollowerWhatIsKeptAndWhatComes) {
  begin();
  append("one");
  append("two");
  Follower follower(all.at(some_id), 1);
  auto news = next(follower);
  EXPECT_EQ(test::texts_of(news.activities), std::vector<std::string>{"two"});
  EXPECT_EQ(news.watermark, 2U);
  std::optional<Follower::News> later;
  asio::co_spawn(
      io,
      [](Follower& f, std::optional<Follower::News>& into) -> awaitable<void> {
        into = co_await f.next(Deadline::never());
      }(follower, later),
      asio::detached);
  tern::test::drain(io);
  EXPECT_FALSE(later);
  append("three");
  tern::test::drain(io);
  ASSERT_TRUE(later);
  EXPECT_EQ(test::texts_of(later->activities), std::vector<std::string>{"three"});
  EXPECT_EQ(later->watermark, 3U);
}

TEST_F(ConversationTest, HoldsNoTextWhileAllWhoFollowWait) {
  begin();
  Follower follower(all.at(some_id), 0);
  append("one");
  auto news = next(follower);
  const std::weak_ptr<const std::string> text = news.activities.front().text;
  news = {};
  EXPECT_FALSE(text.expired()) << "somebody who follows may lag behind";
  asio::co_spawn(
      io, [](Follower& f) -> awaitable<void> { (void)co_await f.next(Deadline::never()); }(follower), asio::detached);
  tern::test::drain(io);
  EXPECT_TRUE(text.expired());
  append("two");  // ends the wait, which uses the follower
  tern::test::drain(io);
}

TEST_F(ConversationTest, HoldsNoTypingThatAllWhoFollowHave) {
  begin();
  Follower first(all.at(some_id), 0);
  Follower second(all.at(some_id), 0);
  all.at(some_id)->show(R"({"text":"typing"})");
  auto news = next(first);
  ASSERT_EQ(test::texts_of(news.activities), std::vector<std::string>{"typing"});
  const std::weak_ptr<const std::string> text = news.activities.front().text;
  news = {};
  sleep(first);
  EXPECT_FALSE(text.expired()) << "another one has not got it";
  news = next(second);
  EXPECT_EQ(test::texts_of(news.activities), std::vector<std::string>{"typing"});
  news = {};
  sleep(second);
  EXPECT_TRUE(text.expired());
  append("one");  // ends the waits, which use the followers
  tern::test::drain(io);
}

TEST_F(ConversationTest, IsOverForWhomeverFollows) {
  begin();
  append("one");
  Follower follower(all.at(some_id), 0);
  EXPECT_EQ(next(follower).watermark, 1U);
  std::optional<Follower::News> later;
  asio::co_spawn(
      io,
      [](Follower& f, std::optional<Follower::News>& into) -> awaitable<void> {
        into = co_await f.next(Deadline::never());
      }(follower, later),
      asio::detached);
  tern::test::drain(io);
  all.forget_over();
  tern::test::drain(io);
  EXPECT_FALSE(later);
  clock.advance(HistoryBounds{}.age + 1s);
  all.forget_over();
  tern::test::drain(io);
  ASSERT_TRUE(later);
  EXPECT_TRUE(later->ended);
  EXPECT_EQ(append("two"), 0U) << "there is no such conversation";
}

TEST_F(ConversationTest, OfTheSameIdIsANewOneForWhomeverFollowed) {
  begin();
  append("one");
  append("two");
  Follower follower(all.at(some_id), 0);
  EXPECT_EQ(next(follower).watermark, 2U);
  clock.advance(HistoryBounds{}.age + 1s);
  tern::test::run_on(io, history.sweep({}, Deadline::never()));
  begin();
  EXPECT_EQ(append("new"), 1U);
  EXPECT_TRUE(next(follower).ended);
  Follower later(all.at(some_id), 0);
  EXPECT_EQ(test::texts_of(next(later).activities), std::vector<std::string>{"new"});
}

TEST_F(ConversationTest, LetsAFollowerWaitForItsPace) {
  begin();
  for (int i = 0; i < 150; ++i) {
    append(std::to_string(i));
  }
  Bounds bounds;
  bounds.token_rate = 1;  // a page in a second
  ReadPace pace(bounds, 100, clock);
  Follower follower(all.at(some_id), 0, PacedReader{&pace, "192.0.2.1"});
  EXPECT_EQ(next(follower).activities.size(), 100U);
  std::optional<Follower::News> later;
  asio::co_spawn(
      io,
      [](Follower& f, std::optional<Follower::News>& into) -> awaitable<void> {
        into = co_await f.next(Deadline::never());
      }(follower, later),
      asio::detached);
  tern::test::drain(io);
  EXPECT_FALSE(later);
  clock.advance(1s);
  tern::test::drain(io);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->activities.size(), 50U);
}

TEST_F(ConversationTest, ReplaysALongHistoryInPages) {
  begin();
  for (int i = 0; i < 250; ++i) {
    append(std::to_string(i));
  }
  Follower follower(all.at(some_id), 0);
  std::vector<std::string> texts;
  while (texts.size() < 250) {
    for (auto& text : test::texts_of(next(follower).activities)) {
      texts.push_back(std::move(text));
    }
  }
  for (int i = 0; i < 250; ++i) {
    EXPECT_EQ(texts[static_cast<std::size_t>(i)], std::to_string(i));
  }
}

TEST_F(ConversationTest, TakesAWatermarkThatItNeverGaveForItsLast) {
  begin();
  append("one");
  Follower follower(all.at(some_id), 1000);
  append("two");
  const auto news = tern::test::run_on(io, follower.next(Deadline::at(clock.now())));
  EXPECT_TRUE(news.activities.empty()) << "it cannot know what is new";
  EXPECT_EQ(news.watermark, 2U);
}

TEST_F(ConversationTest, ShowsTypingUntilAMessageCame) {
  begin();
  Follower follower(all.at(some_id), 0);
  all.at(some_id)->show(R"({"text":"typing"})");
  auto news = next(follower);
  EXPECT_EQ(test::texts_of(news.activities), std::vector<std::string>{"typing"});
  EXPECT_EQ(news.watermark, 0U);
  all.at(some_id)->show(R"({"text":"typing again"})");
  append("one");
  EXPECT_EQ(test::texts_of(next(follower).activities), std::vector<std::string>{"one"});
  Follower later(all.at(some_id), 0);
  EXPECT_EQ(test::texts_of(next(later).activities), std::vector<std::string>{"one"});
}

TEST_F(ConversationTest, EndsForItsFollowers) {
  begin();
  Follower follower(all.at(some_id), 0);
  NewActivity last = message("bye");
  last.ends = true;
  tern::test::run_on(io, all.at(some_id)->append(std::move(last), Deadline::never()));
  const auto news = next(follower);
  EXPECT_EQ(news.activities.size(), 1U);
  EXPECT_TRUE(news.ended);
  Follower of_none(all.at(test::other_id), 0);
  EXPECT_TRUE(next(of_none).ended);
}

TEST_F(ConversationTest, WritesWhatComesTogetherInOrder) {
  begin();
  std::vector<std::uint64_t> seqs;
  for (int i = 0; i < 200; ++i) {
    asio::co_spawn(
        io,
        [](std::shared_ptr<Conversation> to, std::string text, std::vector<std::uint64_t>& into) -> awaitable<void> {
          const auto place = co_await to->append(message(text), Deadline::never());
          into.push_back(place->seq);
        }(all.at(some_id), std::to_string(i), seqs),
        asio::detached);
  }
  tern::test::drain(io);
  ASSERT_EQ(seqs.size(), 200U);
  for (std::size_t i = 0; i < seqs.size(); ++i) {
    EXPECT_EQ(seqs[i], i + 1);
  }
  const auto read = tern::test::run_on(io, history.read(some_id, 150, 200, Deadline::never())).activities;
  EXPECT_EQ(test::text_of(read.front()), "149");
}

TEST_F(ConversationTest, StoresASendThatIsTriedAgainOnce) {
  begin();
  EXPECT_EQ(append("one", "key"), 1U);
  EXPECT_EQ(append("one", "key"), 1U);
  EXPECT_EQ(append("two"), 2U);
}

TEST_F(ConversationTest, ForgetsAFollowerThatWentAwayWhileItWaited) {
  begin();
  Follower follower(all.at(some_id), 0);
  for (int i = 0; i < 3; ++i) {
    asio::cancellation_signal stop;
    auto work = follower.next(Deadline::never());
    asio::co_spawn(io, std::move(work),
                   asio::bind_cancellation_slot(stop.slot(), [](const std::exception_ptr& error,
                                                                const Follower::News&) { EXPECT_TRUE(error); }));
    tern::test::drain(io);
    EXPECT_EQ(all.at(some_id)->sleepers(), 1U);
    stop.emit(asio::cancellation_type::terminal);
    tern::test::drain(io);
    EXPECT_EQ(all.at(some_id)->sleepers(), 0U);
  }
}

// What was appended before the end is stored, and what comes behind it is not, also when all come at once.
TEST_F(ConversationTest, EndsAfterWhatWasAppendedBefore) {
  begin();
  std::vector<std::uint64_t> seqs;
  const auto append_one = [](std::shared_ptr<Conversation> to, std::vector<std::uint64_t>& into) -> awaitable<void> {
    auto one = message("x");
    const auto place = co_await to->append(std::move(one), Deadline::never());
    into.push_back(place ? place->seq : 0);
  };
  for (int i = 0; i < 6; ++i) {
    if (i == 3) {
      auto end = all.at(some_id)->end(Deadline::never());
      asio::co_spawn(io, std::move(end), asio::detached);
    }
    asio::co_spawn(io, append_one(all.at(some_id), seqs), asio::detached);
  }
  tern::test::drain(io);
  EXPECT_EQ(seqs, (std::vector<std::uint64_t>{1, 2, 3, 0, 0, 0}));
  EXPECT_EQ(append("later"), 0U);
  Follower follower(all.at(some_id), 3);
  EXPECT_TRUE(next(follower).ended);
}

TEST_F(ConversationTest, TakesNothingBehindAnActivityThatEndsIt) {
  begin();
  NewActivity last = message("bye");
  last.ends = true;
  tern::test::run_on(io, all.at(some_id)->append(std::move(last), Deadline::never()));
  EXPECT_EQ(append("later"), 0U);
}

TEST_F(ConversationTest, IsClosedWhenItsWritesAreDone) {
  begin();
  std::optional<std::uint64_t> seq;
  asio::co_spawn(
      io,
      [](std::shared_ptr<Conversation> to, std::optional<std::uint64_t>& into) -> awaitable<void> {
        auto one = message("x");
        const auto place = co_await to->append(std::move(one), Deadline::never());
        into = place->seq;
      }(all.at(some_id), seq),
      asio::detached);
  EXPECT_TRUE(tern::test::run_on(io, all.close(Deadline::never())));
  tern::test::drain(io);
  EXPECT_EQ(tern::test::run_on(io, history.read(some_id, 1, 1, Deadline::never())).activities.size(), seq ? 1U : 0U);
  EXPECT_THROW(append("later"), system_error);
}

TEST_F(ConversationTest, OfNobodyIsForgottenAndOfOthersKept) {
  const auto held = all.at("a");
  for (const char* id : {"b", "c", "d", "e"}) {
    (void)all.at(id);
  }
  EXPECT_LE(all.size(), 3U);
  EXPECT_EQ(all.at("a"), held);
}

class ConversationFaults : public ConversationTest {
 protected:
  ConversationFaults() : ConversationFaults(std::make_shared<tern::test::StorageFaults>()) {}
  explicit ConversationFaults(const std::shared_ptr<tern::test::StorageFaults>& shared)
      : ConversationTest([&](Clock& of_test) { return AnyStorage::make<tern::test::FailingStorage>(of_test, shared); }),
        faults(shared) {}

  std::shared_ptr<tern::test::StorageFaults> faults;
};

TEST_F(ConversationFaults, AreToldToWhoeverAppends) {
  begin();
  append("one");
  faults->writes_fail = true;
  EXPECT_THROW(append("two"), system_error);
  faults->writes_fail = false;
  EXPECT_EQ(append("three"), 2U);
}

// Each call of the store fails once: nothing is lost that was confirmed, and nothing is doubled.
TEST_F(ConversationFaults, AtAnyCallLoseNothingThatWasConfirmed) {
  begin();
  std::vector<std::string> confirmed;
  for (long calls = 0; calls < 6; ++calls) {
    faults->calls_left = calls;
    for (int i = 0; i < 3; ++i) {
      const auto text = std::to_string(calls) + "-" + std::to_string(i);
      try {
        append(text);
        confirmed.push_back(text);
      } catch (const system_error&) {
        continue;
      }
    }
  }
  faults->calls_left = -1;
  const auto read = tern::test::run_on(io, history.read(some_id, 1, 100, Deadline::never())).activities;
  EXPECT_EQ(test::texts_of(read), confirmed);
}

/// Two processes on one store.
class TwoReplicas : public testing::Test {
 protected:
  ManualClock clock;
  asio::io_context io{1};
  std::shared_ptr<test::SharedStorageHooks> hooks = std::make_shared<test::SharedStorageHooks>();
  AnyStorage store = AnyStorage::make<test::SharedStorage>(clock, hooks);
  History history_a{store, HistoryBounds{}, clock};
  History history_b{store, HistoryBounds{}, clock};
  Conversations a{history_a, 10, clock};
  Conversations b{history_b, 10, clock};

  void append(Conversations& to, std::string_view text) {
    tern::test::run_on(io, to.at(some_id)->append(message(text), Deadline::never()));
  }
  std::vector<std::string> next(Follower& follower) {
    return test::texts_of(tern::test::run_on(io, follower.next(Deadline::at(clock.now()))).activities);
  }
};

TEST_F(TwoReplicas, ShowEachOtherWhatTheyStore) {
  tern::test::run_on(io, history_a.begin(some_id, Head{}, Deadline::never()));
  Follower at_a(a.at(some_id), 0);
  Follower at_b(b.at(some_id), 0);
  append(a, "one");
  EXPECT_EQ(next(at_a), std::vector<std::string>{"one"});
  EXPECT_EQ(next(at_b), std::vector<std::string>{"one"}) << "b did not know anything yet";
  append(a, "two");
  EXPECT_EQ(next(at_b), std::vector<std::string>()) << "b has not looked";
  tern::test::run_on(io, b.look());
  EXPECT_EQ(next(at_b), std::vector<std::string>{"two"});
  append(b, "three");
  append(a, "four");
  a.hint(some_id);
  b.hint(some_id);
  EXPECT_EQ(next(at_a), (std::vector<std::string>{"two", "three", "four"}));
  EXPECT_EQ(next(at_b), (std::vector<std::string>{"three", "four"}));
}

// What the follower has read is too old when it is told.
TEST_F(TwoReplicas, HeedAHintThatComesDuringARead) {
  tern::test::run_on(io, history_a.begin(some_id, Head{}, Deadline::never()));
  Follower at_b(b.at(some_id), 0);
  hooks->has_read = [this]() -> awaitable<void> {
    auto one = message("one");
    (void)co_await a.at(some_id)->append(std::move(one), Deadline::never());
    b.hint(some_id);
  };
  EXPECT_EQ(next(at_b), std::vector<std::string>());
  EXPECT_EQ(next(at_b), std::vector<std::string>{"one"}) << "without another look";
}

TEST_F(TwoReplicas, HeedAHintThatComesWhileSomebodyAsksForTheHead) {
  tern::test::run_on(io, history_a.begin(some_id, Head{}, Deadline::never()));
  Follower at_b(b.at(some_id), 0);
  EXPECT_EQ(next(at_b), std::vector<std::string>());
  hooks->has_read = [this]() -> awaitable<void> {
    auto one = message("one");
    (void)co_await a.at(some_id)->append(std::move(one), Deadline::never());
    b.hint(some_id);
  };
  (void)tern::test::run_on(io, b.at(some_id)->head(Deadline::never()));
  EXPECT_EQ(next(at_b), std::vector<std::string>{"one"});
}

TEST_F(TwoReplicas, HeedAHintThatComesDuringALook) {
  tern::test::run_on(io, history_a.begin(some_id, Head{}, Deadline::never()));
  Follower at_b(b.at(some_id), 0);
  EXPECT_EQ(next(at_b), std::vector<std::string>());
  append(a, "one");
  hooks->has_read = [this]() -> awaitable<void> {
    auto two = message("two");
    (void)co_await a.at(some_id)->append(std::move(two), Deadline::never());
    b.hint(some_id);
  };
  tern::test::run_on(io, b.look());
  EXPECT_EQ(next(at_b), (std::vector<std::string>{"one", "two"}));
}

TEST_F(TwoReplicas, WakeAFollowerThatWaits) {
  tern::test::run_on(io, history_a.begin(some_id, Head{}, Deadline::never()));
  Follower at_b(b.at(some_id), 0);
  std::optional<Follower::News> later;
  asio::co_spawn(
      io,
      [](Follower& f, std::optional<Follower::News>& into) -> awaitable<void> {
        into = co_await f.next(Deadline::never());
      }(at_b, later),
      asio::detached);
  tern::test::drain(io);
  append(a, "one");
  tern::test::drain(io);
  EXPECT_FALSE(later);
  tern::test::run_on(io, b.look());
  tern::test::drain(io);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->activities.size(), 1U);
}

}  // namespace
}  // namespace tern::direct_line
