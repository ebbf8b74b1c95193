// What one process tells another of the moment, on a real server.
#include "conformance/postgres_hints.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tern::conformance {

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

class PostgresNotes : public PostgresHints {
 protected:
  /// Waits until `store` hears and tells.
  static void connect(AnyStorage& store) {
    Heard begun;
    const auto subscription = store.listen("", begun.listener());
    ASSERT_TRUE(begun.wait_for("missed"));
  }
  /// Two processes, each of which has its connection.
  void SetUp() override {
    PostgresHints::SetUp();
    if (IsSkipped()) {
      return;
    }
    here = open();
    there = open();
    connect(*here);
    connect(*there);
  }

  std::optional<AnyStorage> here;
  std::optional<AnyStorage> there;
};

TEST_F(PostgresNotes, ReachTheOtherProcessesAndNotTheOwn) {
  Heard own;
  Heard others;
  const auto at_here = here->listen_to_notes("chat/", own.note_listener());
  const auto at_there = there->listen_to_notes("chat/", others.note_listener());
  here->tell("chat/1", "one \xC3\xA4 {\"a\": 1}\nand a line");
  ASSERT_TRUE(others.wait_for("chat/1: one \xC3\xA4 {\"a\": 1}\nand a line"));
  here->tell("elsewhere", "two");
  there->tell("chat/3", "three");
  ASSERT_TRUE(own.wait_for("chat/3: three"));
  here->tell("chat/4", "");
  ASSERT_TRUE(others.wait_for("chat/4: "));
  EXPECT_THAT(own.topics(), ElementsAre("chat/3: three"));
  EXPECT_EQ(others.topics().size(), 2U);
}

TEST_F(PostgresNotes, AreNoHints) {
  Heard hints;
  Heard notes;
  const auto of_hints = there->listen("chat/", hints.listener());
  const auto of_notes = there->listen_to_notes("chat/", notes.note_listener());
  here->tell("chat/1", "a note");
  ASSERT_TRUE(notes.wait_for("chat/1: a note"));
  write(*here, "a", {"chat/2"});
  ASSERT_TRUE(hints.wait_for("chat/2"));
  EXPECT_THAT(hints.topics(), Not(Contains("chat/1")));
  EXPECT_EQ(notes.topics().size(), 1U);
}

TEST_F(PostgresNotes, ComeWholeUpToTheLongest) {
  Heard heard;
  const auto subscription = there->listen_to_notes("", heard.note_listener());
  const std::string topic(256, 't');
  const std::string longest(max_note_bytes, 'x');
  here->tell(topic, longest);
  EXPECT_TRUE(heard.wait_for(topic + ": " + longest));
}

TEST_F(PostgresNotes, ComeAfterTheWriteThatWasThereBefore) {
  std::atomic<bool> was_hinted{false};
  Heard heard;
  const auto of_hints = there->listen("chat/", [&](std::string_view) { was_hinted = true; });
  const auto of_notes = there->listen_to_notes(
      "", [&](std::string_view, std::string_view) { heard.add(was_hinted ? "behind" : "before"); });
  write(*here, "a", {"chat/1"});
  here->tell("chat/1", "typing");
  EXPECT_TRUE(heard.wait_for("behind"));
}

// More than the connection tells at once: the last note of each topic comes, and nothing waits.
TEST_F(PostgresNotes, OfATopicThatIsToldOfOftenTheLastOneComes) {
  Heard heard;
  const auto subscription = there->listen_to_notes("", heard.note_listener());
  for (int i = 0; i <= 10'000; ++i) {
    here->tell("often", std::to_string(i));
  }
  EXPECT_TRUE(heard.wait_for("often: 10000"));
  EXPECT_LT(heard.topics().size(), 10'000U);
}

TEST_F(PostgresNotes, AreToldFromAnyThread) {
  Heard heard;
  const auto subscription = there->listen_to_notes("", heard.note_listener());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 20; ++i) {
        here->tell("topic-" + std::to_string(thread) + "-" + std::to_string(i), "x");
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  for (int thread = 0; thread < 4; ++thread) {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(heard.wait_for("topic-" + std::to_string(thread) + "-" + std::to_string(i) + ": x"));
    }
  }
}

TEST_F(PostgresNotes, AreToldAgainAfterTheConnectionWasCut) {
  const auto name = schema + "_told";
  auto cut = open_named(name);
  connect(cut);
  Heard heard;
  Heard missed;
  const auto subscription = there->listen_to_notes("", heard.note_listener());
  const auto of_hints = cut.listen("", missed.listener());
  ASSERT_GE(cut_connections(name), 1U);
  ASSERT_TRUE(missed.wait_for("missed"));
  cut.tell("after", "x");
  EXPECT_TRUE(heard.wait_for("after: x"));
}

}  // namespace

}  // namespace tern::conformance
