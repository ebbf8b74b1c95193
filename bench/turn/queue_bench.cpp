// The small machines that every turn passes: the queue of its conversation, the dedupe window, the timing wheel.

#include "runtime/conversation_queues.hpp"
#include "runtime/dedupe_window.hpp"

#include <tern/async/timing_wheel.hpp>

#include <benchmark/benchmark.h>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

namespace bench {
namespace {

using tern::runtime::ActivityKey;
using tern::runtime::ConversationQueues;
using tern::runtime::DedupeWindow;

class Waiter final : public tern::runtime::Queued {
 public:
  explicit Waiter(std::uint64_t conversation) : Queued(conversation) {}
};

std::uint64_t scattered(std::uint64_t number) {
  return (number + 1) * 0x9E3779B97F4A7C15ULL;
}

void QueueEnterAndLeave(benchmark::State& state) {
  const auto others = static_cast<std::uint64_t>(state.range(0));
  ConversationQueues queues(100);
  std::deque<Waiter> running;
  for (std::uint64_t i = 0; i < others; ++i) {
    queues.enter(running.emplace_back(scattered(i)));
  }
  std::uint64_t number = others;
  for (auto _ : state) {
    Waiter turn(scattered(++number));
    benchmark::DoNotOptimize(queues.enter(turn));
    benchmark::DoNotOptimize(queues.leave(turn.conversation()));
  }
  queues.clear();
}
BENCHMARK(QueueEnterAndLeave)->Arg(0)->Arg(100'000);

void QueueWaitBehindAnother(benchmark::State& state) {
  ConversationQueues queues(100);
  Waiter first(1);
  Waiter second(1);
  for (auto _ : state) {
    queues.enter(first);
    queues.enter(second);
    benchmark::DoNotOptimize(queues.leave(1));
    benchmark::DoNotOptimize(queues.leave(1));
  }
}
BENCHMARK(QueueWaitBehindAnother);

void DedupeFindAndRemember(benchmark::State& state) {
  DedupeWindow window(tern::system_clock(), 64ULL << 20, std::chrono::minutes(5));
  const tern::runtime::TurnReply reply(200, std::string(static_cast<std::size_t>(state.range(0)), 'x'));
  std::uint64_t number = 0;
  for (auto _ : state) {
    const ActivityKey key{scattered(++number), number * 0xD6E8FEB86659FD93ULL};
    benchmark::DoNotOptimize(window.find(key));
    window.remember(key, reply);
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
