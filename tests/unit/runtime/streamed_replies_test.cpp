#include "runtime/streamed_replies.hpp"

#include "support/run.hpp"
#include "unit/async/scenario.hpp"

#include <tern/error.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tern::runtime {
namespace {

using test::Spawned;

std::string event(const std::string& data) {
  return "event: activity\ndata: " + data + "\n\n";
}

std::vector<std::string> numbers(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(std::to_string(i));
  }
  return all;
}

void ends_well(std::exception_ptr error) {
  EXPECT_FALSE(error);
}

awaitable<void> write_events(std::shared_ptr<StreamedReplies> replies, std::vector<std::string> all,
                             std::size_t* most = nullptr) {
  for (const auto& data : all) {
    co_await replies->room();
    replies->add(data);
    if (most != nullptr) {
      *most = std::max(*most, replies->bytes());
    }
  }
  replies->end(TurnReply(), false);
}

awaitable<void> read_events(std::unique_ptr<ReplyReader> reader, std::string* into) {
  (void)co_await reader->begin();
  for (;;) {
    auto piece = co_await reader->next();
    if (!piece) {
      co_return;
    }
    *into += *piece;
  }
}

class StreamedRepliesTest : public testing::Test {
 protected:
  std::string next(ReplyReader& reader) {
    auto piece = test::run_on(io_, reader.next());
    return piece ? *piece : "end";
  }
  std::string rest(ReplyReader& reader) {
    std::string all;
    for (auto piece = next(reader); piece != "end"; piece = next(reader)) {
      all += piece;
    }
    return all;
  }
  /// Runs all that is ready.
  void settle() { test::drain(io_); }

  asio::io_context io_{1};
};

TEST_F(StreamedRepliesTest, EachClientReadsFromTheFirstEventOn) {
  const auto replies = std::make_shared<StreamedReplies>(1000, 1000);
  const auto first = replies->read();
  replies->add("1");
  EXPECT_EQ(next(*first), event("1"));
  replies->add("2");
  const auto second = replies->read();
  EXPECT_EQ(next(*second), event("1") + event("2"));
  EXPECT_EQ(next(*first), event("2"));
  replies->end(TurnReply(), false);
  EXPECT_EQ(next(*first), "end");
  EXPECT_EQ(next(*second), "end");
  EXPECT_EQ(rest(*replies->read()), event("1") + event("2")) << "after the end as well";
  EXPECT_EQ(rest(*StreamedReplies::ended(replies->whole().value())->read()), event("1") + event("2"));
}

TEST_F(StreamedRepliesTest, AreNamedForTheirRun) {
  const auto one = std::make_shared<StreamedReplies>(1000, 1000);
  const auto other = std::make_shared<StreamedReplies>(1000, 1000);
  EXPECT_NE(one->run(), other->run());
  one->add("1");
  one->end(TurnReply(), false);
  EXPECT_EQ(one->read()->run(), one->run());
  EXPECT_EQ(StreamedReplies::ended(one->whole().value())->run(), one->run());
}

TEST_F(StreamedRepliesTest, AClientThatWaitsIsWoken) {
  const auto replies = std::make_shared<StreamedReplies>(1000, 1000);
  const auto reader = replies->read();
  std::optional<std::string> piece;
  const auto read = [](ReplyReader* from, std::optional<std::string>* into) -> awaitable<void> {
    *into = co_await from->next();
  };
  const Spawned reading(io_, read(reader.get(), &piece));
  settle();
  EXPECT_FALSE(reading.ended());
  replies->add("1");
  replies->add("2");
  settle();
  EXPECT_EQ(piece, event("1") + event("2"));
  const Spawned waiting(io_, read(reader.get(), &piece));
  settle();
  replies->end(TurnReply(), false);
  settle();
  EXPECT_TRUE(waiting.ended());
  EXPECT_EQ(piece, std::nullopt);
}

TEST_F(StreamedRepliesTest, PiecesHoldWholeEventsUnlessOneIsLonger) {
  const auto replies = std::make_shared<StreamedReplies>(1U << 20, 1U << 20);
  const auto reader = replies->read();
  const std::string small(10'000, 's');
  const std::string large(40'000, 'l');
  replies->add(small);
  replies->add(small);
  EXPECT_EQ(next(*reader), event(small));
  EXPECT_EQ(next(*reader), event(small));
  replies->add(large);
  std::string all;
  while (all.size() < event(large).size()) {
    const auto piece = next(*reader);
    EXPECT_LE(piece.size(), 16U * 1024);
    all += piece;
  }
  EXPECT_EQ(all, event(large));
}

TEST_F(StreamedRepliesTest, TheTurnWaitsForItsClientAndForNoOther) {
  const auto replies = std::make_shared<StreamedReplies>(event("1").size() * 2, 1000);
  EXPECT_FALSE(replies->full());
  auto first = replies->read();
  auto second = replies->read();
  replies->add("1");
  EXPECT_FALSE(replies->full());
  replies->add("2");
  EXPECT_TRUE(replies->full());
  Spawned waiting(io_, replies->room());
  settle();
  EXPECT_FALSE(waiting.ended());
  EXPECT_EQ(next(*second), event("1") + event("2"));
  replies->add("3");
  EXPECT_EQ(next(*second), event("3"));
  settle();
  EXPECT_FALSE(waiting.ended()) << "the second does not decide";
  EXPECT_EQ(next(*first), event("1") + event("2") + event("3"));
  settle();
  EXPECT_FALSE(waiting.ended()) << "it is not known yet that the client has it";
  Spawned reading(io_, [](ReplyReader* from) -> awaitable<void> { (void)co_await from->next(); }(first.get()));
  settle();
  EXPECT_TRUE(waiting.ended());
  EXPECT_FALSE(waiting.failed());
  reading.cancel();
  settle();
  replies->add("4");
  replies->add("5");
  EXPECT_TRUE(replies->full());
  Spawned again(io_, replies->room());
  settle();
  EXPECT_EQ(next(*second), event("4") + event("5"));
  first.reset();
  settle();
  EXPECT_FALSE(again.ended()) << "now the second decides, which may not have it yet";
  second.reset();
  settle();
  EXPECT_TRUE(again.ended()) << "nobody is waited for";
  EXPECT_FALSE(again.failed());
}

TEST_F(StreamedRepliesTest, TheEndAndACancellationEndTheWait) {
  const auto replies = std::make_shared<StreamedReplies>(1, 1000);
  const auto reader = replies->read();
  replies->add("1");
  Spawned cancelled(io_, replies->room());
  const Spawned ended(io_, replies->room());
  settle();
  cancelled.cancel();
  settle();
  EXPECT_EQ(cancelled.code(), asio::error::operation_aborted);
  EXPECT_FALSE(ended.ended());
  replies->end(TurnReply(TurnOutcome::shutting_down, "so"), false);
  settle();
  EXPECT_TRUE(ended.ended());
  EXPECT_FALSE(ended.failed());
  replies->add("too late");
  EXPECT_EQ(rest(*reader), event("1") + R"(event: error
data: {"error":{"code":"ServiceUnavailable","message":"so"}}

)");
}

TEST_F(StreamedRepliesTest, OfALongStreamOnlyWhatItsClientHasToGetIsKept) {
  constexpr std::size_t buffer = 10'000;
  constexpr std::size_t kept = 20'000;
  const auto replies = std::make_shared<StreamedReplies>(buffer, kept);
  auto first = replies->read();
  const auto behind = replies->read();
  const std::vector<std::string> all(1'000, std::string(1'000, 'x'));
  std::size_t most = 0;
  std::string read;
  asio::co_spawn(io_, write_events(replies, all, &most), ends_well);
  settle();
  asio::co_spawn(io_, read_events(std::move(first), &read), ends_well);
  settle();
  EXPECT_EQ(read.size(), all.size() * event(all[0]).size());
  EXPECT_LE(most, std::max(kept, 2 * buffer) + event(all[0]).size());
  EXPECT_EQ(replies->read(), nullptr);
  EXPECT_EQ(replies->whole(), std::nullopt);
  EXPECT_THROW(rest(*behind), system_error) << "no stream with a gap";
}

TEST_F(StreamedRepliesTest, OfALongStreamWithoutAClientNothingIsKept) {
  const auto replies = std::make_shared<StreamedReplies>(1'000, 2'000);
  (void)replies->read();
  for (int i = 0; i < 100; ++i) {
    replies->add(std::string(100, 'x'));
    EXPECT_FALSE(replies->full());
    EXPECT_LE(replies->bytes(), 2'000U);
  }
  EXPECT_EQ(replies->bytes(), 0U);
}

TEST_F(StreamedRepliesTest, AnErrorBeforeAnyEventIsNoStream) {
  const auto refused = std::make_shared<StreamedReplies>(1'000, 1'000);
  refused->end(TurnReply(TurnOutcome::failed, "so"), true);
  EXPECT_EQ(test::run_on(io_, refused->read()->begin()).value().outcome, TurnOutcome::failed);
  const auto unanswered = std::make_shared<StreamedReplies>(1'000, 1'000);
  const auto reader = unanswered->read();
  unanswered->end(TurnReply::to_invoke(501), true);
  EXPECT_FALSE(test::run_on(io_, reader->begin()));
  EXPECT_EQ(rest(*reader), "event: invokeResponse\ndata: {\"status\":501,\"body\":null}\n\n");
}

struct StreamScenario {
  bool advance() const { return false; }
  std::shared_ptr<StreamedReplies> replies;
};

TEST_F(StreamedRepliesTest, CanBeDestroyedAfterAnyNumberOfHandlers) {
  std::string first;
  std::string second;
  test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    first.clear();
    second.clear();
    const auto replies = std::make_shared<StreamedReplies>(1, 1'000);
    asio::co_spawn(io, read_events(replies->read(), &first), ends_well);
    asio::co_spawn(io, read_events(replies->read(), &second), ends_well);
    asio::co_spawn(io, write_events(replies, numbers(5)), ends_well);
    return std::make_unique<StreamScenario>();
  });
  EXPECT_EQ(first, event("0") + event("1") + event("2") + event("3") + event("4"));
  EXPECT_EQ(first, second);
}

// For ThreadSanitizer.
TEST(StreamedReplies, TheTurnAndItsClientsMayBeOnDifferentShards) {
  constexpr int events = 2'000;
  asio::io_context turn{1};
  asio::io_context client{1};
  const auto replies = std::make_shared<StreamedReplies>(100, 1U << 20);
  std::string first;
  std::string second;
  asio::co_spawn(client, read_events(replies->read(), &first), ends_well);
  asio::co_spawn(client, read_events(replies->read(), &second), ends_well);
  asio::co_spawn(turn, write_events(replies, numbers(events)), ends_well);
  auto keep = asio::make_work_guard(turn);
  std::thread thread([&turn] { turn.run(); });
  client.run();
  keep.reset();
  thread.join();
  std::string expected;
  for (const auto& number : numbers(events)) {
    expected += event(number);
  }
  EXPECT_EQ(first, expected);
  EXPECT_EQ(second, expected);
}

}  // namespace
}  // namespace tern::runtime
