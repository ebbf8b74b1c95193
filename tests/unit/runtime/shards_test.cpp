#include "runtime/runtime.hpp"
#include "runtime/stall_watchdog.hpp"
#include "runtime/streamed_replies.hpp"
#include "support/recording_sender.hpp"

#include <tern/storage/memory_storage.hpp>
#include <tern/turn/function_bot.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <map>
#include <mutex>

// Real threads and real time: these run under ThreadSanitizer.
namespace tern::runtime {
namespace {

class Latched final : public TurnObserver {
 public:
  explicit Latched(std::latch& latch) : latch_(latch) {}
  void on_reply(TurnReply reply) noexcept override {
    EXPECT_EQ(reply.outcome, TurnOutcome::done);
    latch_.count_down();
  }
  void on_stream(std::unique_ptr<ReplyReader>) noexcept override {}

 private:
  std::latch& latch_;
};

Activity message(std::size_t conversation, std::size_t number) {
  json::object fields;
  fields["type"] = "message";
  fields["id"] = "id-" + std::to_string(conversation) + "-" + std::to_string(number);
  fields["text"] = std::to_string(number);
  fields["channelId"] = "test";
  fields["conversation"] = {{"id", "conversation-" + std::to_string(conversation)}};
  return Activity(std::move(fields));
}

TEST(Shards, TurnsOfAConversationAreInOrderAndNeverOverlapWhateverShardTheyCameFrom) {
  constexpr std::size_t conversations = 16;
  constexpr std::size_t messages = 100;
  Metrics metrics;
  ShardPool shards(3, system_clock());
  test::RecordingSender sender(system_clock());
  auto storage = AnyStorage::make<MemoryStorage>();
  std::vector<std::unique_ptr<detail::TurnEnvironment>> environments;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    environments.push_back(std::make_unique<detail::TurnEnvironment>("local", sender, storage, system_clock()));
  }
  std::array<std::atomic<int>, conversations> inside{};
  std::array<std::vector<int>, conversations> order;  // of one conversation, so of one shard
  std::atomic<int> overlaps{0};
  const auto make_bot = [&] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_message([&](TurnContext& turn) -> awaitable<void> {
      const std::string id(*turn.activity().conversation_id());
      const auto index = static_cast<std::size_t>(std::stoi(id.substr(id.rfind('-') + 1)));
      overlaps += inside[index].fetch_add(1) == 0 ? 0 : 1;
      co_await asio::post(co_await this_coro::executor, asio::deferred);
      order[index].push_back(std::stoi(std::string(turn.activity().text())));
      inside[index].fetch_sub(1);
    });
    return bot;
  };
  RuntimeOptions options;
  options.conversation_queue = messages;
  Runtime runtime(shards, make_bot, options, std::move(environments), system_clock(), metrics);
  runtime.begin();
  std::latch latch(conversations * messages);
  shards.start();
  for (std::size_t c = 0; c < conversations; ++c) {
    const auto origin = c % shards.size();
    asio::post(shards[origin].io(), [&, c, origin] {
      for (std::size_t m = 0; m < messages; ++m) {
        TurnRequest request;
        request.activity = message(c, m);
        request.observer = std::make_unique<Latched>(latch);
        request.origin = origin;
        runtime.receive(std::move(request));
      }
    });
  }
  latch.wait();
  shards.stop();
  shards.abandon();
  runtime.abandon_turns();
  shards.tear_down();
  EXPECT_EQ(overlaps, 0);
  for (const auto& numbers : order) {
    EXPECT_EQ(numbers.size(), messages);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

/// Any answer will do.
class Deaf final : public TurnObserver {
 public:
  void on_reply(TurnReply) noexcept override {}
  void on_stream(std::unique_ptr<ReplyReader>) noexcept override {}
};

// Requests that come while a drain begins are served or refused, and none of them makes it wait, or say that turns were
// cut.
TEST(Shards, ADrainThatRequestsStillComeToIsClean) {
  for (int round = 0; round < 50; ++round) {
    Metrics metrics;
    ShardPool shards(3, system_clock());
    test::RecordingSender sender(system_clock());
    auto storage = AnyStorage::make<MemoryStorage>();
    std::vector<std::unique_ptr<detail::TurnEnvironment>> environments;
    for (std::size_t i = 0; i < shards.size(); ++i) {
      environments.push_back(std::make_unique<detail::TurnEnvironment>("local", sender, storage, system_clock()));
    }
    Runtime runtime(
        shards, [] { return std::make_unique<FunctionBot>(); }, RuntimeOptions(), std::move(environments),
        system_clock(), metrics);
    runtime.begin();
    std::atomic<bool> flood{true};
    std::function<void(std::size_t, std::size_t)> ask = [&](std::size_t origin, std::size_t number) {
      TurnRequest request;
      request.activity = message(number % 7, number * shards.size() + origin);
      request.observer = std::make_unique<Deaf>();
      request.origin = origin;
      runtime.receive(std::move(request));
      if (flood) {
        asio::post(shards[origin].io(), [&ask, origin, number] { ask(origin, number + 1); });
      }
    };
    shards.start();
    for (std::size_t origin = 1; origin < shards.size(); ++origin) {
      asio::post(shards[origin].io(), [&ask, origin] { ask(origin, 0); });
    }
    auto drained =
        asio::co_spawn(shards[0].io(), runtime.drain_turns(Deadline::after(std::chrono::hours(1))), asio::use_future);
    EXPECT_TRUE(drained.get()) << "round " << round;
    flood = false;
    shards.stop();
    shards.abandon();
    runtime.abandon_turns();
    shards.tear_down();
  }
}

TEST(StallWatchdog, CountsAHandlerThatHoldsItsShardOnce) {
  Metrics metrics;
  ShardPool shards(1, system_clock());
  shards.start();
  StallWatchdog watchdog(shards, metrics);
  std::promise<void> release;
  asio::post(shards[0].io(), [&release] { release.get_future().wait(); });
  while (watchdog.stalls() == 0) {
    std::this_thread::yield();
  }
  release.set_value();
  std::promise<void> passed;
  asio::post(shards[0].io(), [&passed] { passed.set_value(); });
  passed.get_future().wait();
  EXPECT_GE(watchdog.stalls(), 1U);
  shards.stop();
}

}  // namespace
}  // namespace tern::runtime
