// Scheduled sends: making one, firing one, and the window that holds what is due soon. Per send.

#include "turn/bench_world.hpp"

#include <tern/async/manual_clock.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {
namespace {

using namespace std::chrono_literals;
using tern::DueEntry;
using tern::proactive::NearWindow;

constexpr std::size_t conversations = 1'000;
constexpr std::size_t batch = 1'000;

awaitable<void> nothing(tern::TurnContext&) {
  co_return;
}

std::vector<tern::ConversationReference> references() {
  std::vector<tern::ConversationReference> all;
  for (std::size_t i = 0; i < conversations; ++i) {
    all.push_back(parsed(message_text(Mode::delivery, i, conversations)).reference());
  }
  return all;
}

awaitable<void> schedule_all(BenchWorld& world, const std::vector<tern::ConversationReference>& targets,
                             std::chrono::milliseconds delay) {
  for (const auto& target : targets) {
    co_await world.proactive->send_after(target, delay, tern::Activity::message("later"), tern::SendOptions());
  }
}

void SendAfter(benchmark::State& state) {
  const auto targets = references();
  tern::ManualClock clock;
  BenchWorld world(clock, nothing);
  while (state.KeepRunningBatch(batch)) {
    world.run(schedule_all(world, targets, 1s));
    state.PauseTiming();
    for (int i = 0; i < 200; ++i) {  // sent and forgotten, so that each batch finds the same
      clock.advance(10ms);
      world.settle();
    }
    state.ResumeTiming();
  }
}
BENCHMARK(SendAfter);

void Fire(benchmark::State& state) {
  const auto targets = references();
  tern::ManualClock clock;
  BenchWorld world(clock, nothing);
  std::size_t expected = 0;
  while (state.KeepRunningBatch(batch)) {
    state.PauseTiming();
    world.run(schedule_all(world, targets, 1s));
    world.settle();
    expected += targets.size();
    state.ResumeTiming();
    for (int i = 0; i < 20 && world.sender.sent < expected; ++i) {
      clock.advance(100ms);
      world.settle();
    }
  }
  if (world.sender.sent != expected) {
    throw std::runtime_error("sends were lost");
  }
}
BENCHMARK(Fire);

void NearWindowAddTakeRelease(benchmark::State& state) {
  const auto pending = static_cast<std::uint64_t>(state.range(0));
  NearWindow window(1'000'000);
  window.set_covered(0, {tern::WallTime::max(), 0});
  std::uint64_t seq = 0;
  const auto add = [&](tern::WallTime due) {
    DueEntry entry;
    entry.due = due;
    entry.seq = ++seq;
    entry.order_hash = seq * 0x9E3779B97F4A7C15ULL;
    window.add_loaded(entry);
  };
  const tern::WallTime start{};
  for (std::uint64_t i = 0; i < pending; ++i) {
    add(start + std::chrono::hours(1) + std::chrono::microseconds(i * 7919 % 1'000'000));
  }
  for (auto _ : state) {
    add(start);
    const auto due = window.take_due(start, 1);
    window.release(due.front().order_hash);
  }
}
BENCHMARK(NearWindowAddTakeRelease)->Arg(0)->Arg(10'000)->Arg(100'000);

}  // namespace
}  // namespace bench
