// The small machines that every turn passes: the queue of its conversation, the dedupe window, the timing wheel.

#include "async/timing_wheel.hpp"
#include "runtime/conversation_queues.hpp"
#include "runtime/dedupe_window.hpp"

#include <benchmark/benchmark.h>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace bench {
namespace {

using tern::runtime::ActivityKey;
using tern::runtime::ConversationKey;
using tern::runtime::ConversationQueues;
using tern::runtime::DedupeWindow;

class Waiter final : public tern::runtime::Queued {
 public:
  explicit Waiter(const ConversationKey& conversation) : Queued(conversation) {}
};

std::string id_of(std::uint64_t number) {
  return "conversation-" + std::to_string(number);
}

void QueueEnterAndLeave(benchmark::State& state) {
  const auto others = static_cast<std::uint64_t>(state.range(0));
  ConversationQueues queues(100);
  std::deque<std::string> ids;
  std::deque<Waiter> running;
  for (std::uint64_t i = 0; i < others; ++i) {
    queues.enter(running.emplace_back(ConversationKey("emulator", ids.emplace_back(id_of(i)))));
  }
  std::vector<std::string> next;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    next.push_back(id_of(others + i));
  }
  std::size_t number = 0;
  for (auto _ : state) {
    Waiter turn(ConversationKey("emulator", next[++number % next.size()]));
    benchmark::DoNotOptimize(queues.enter(turn));
    benchmark::DoNotOptimize(queues.next(turn.conversation()));
  }
  queues.clear();
}
BENCHMARK(QueueEnterAndLeave)->Arg(0)->Arg(100'000);

void QueueWaitBehindAnother(benchmark::State& state) {
  ConversationQueues queues(100);
  const ConversationKey key("emulator", "conversation");
  Waiter first(key);
  Waiter second(key);
  for (auto _ : state) {
    queues.enter(first);
    queues.enter(second);
    benchmark::DoNotOptimize(queues.next(key));
    benchmark::DoNotOptimize(queues.next(key));
  }
}
BENCHMARK(QueueWaitBehindAnother);

void DedupeFindAndRemember(benchmark::State& state) {
  DedupeWindow window(64ULL << 20, std::chrono::minutes(5));
  const tern::runtime::TurnReply reply(std::string(static_cast<std::size_t>(state.range(0)), 'x'));
  const ConversationKey conversation("emulator", "conversation");
  tern::detail::SameActivity same;
  same.kind = "message";
  same.moment = 1'795'376'650'645'000'000;
  same.sender = "user-1";
  same.bot = "00000000-0000-0000-0000-00000000000011";
  std::uint64_t number = 0;
  for (auto _ : state) {
    const auto id = std::to_string(++number);
    same.id = id;
    const ActivityKey key(conversation, same, tern::runtime::Delivery::channel);
    benchmark::DoNotOptimize(window.find(key, tern::system_clock().now()));
    window.remember(key, reply, tern::system_clock().now());
  }
}
BENCHMARK(DedupeFindAndRemember)->ArgName("body")->Arg(0)->Arg(600);

class Deadline final : public tern::TimingWheel::Entry {
  void on_expired() noexcept override {}
};

void WheelArmAndDisarm(benchmark::State& state) {
  boost::asio::io_context io{1};
  tern::TimingWheel wheel(tern::system_clock(), io.get_executor());
  Deadline entry;
  for (auto _ : state) {
    wheel.arm(entry, tern::Deadline::after(std::chrono::seconds(10), tern::system_clock()));
    wheel.disarm(entry);
  }
}
BENCHMARK(WheelArmAndDisarm);

}  // namespace
}  // namespace bench
