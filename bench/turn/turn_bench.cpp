// Turns of the core, in process: no socket and no HTTP. Baselines: `Parse` and `Serialize` are what any bot pays for
// its JSON; `EmptyTurn` is what the runtime adds; the others add a bot's work to it.

#include "turn/bench_world.hpp"

#include <tern/tern.hpp>

#include <benchmark/benchmark.h>

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t conversations = 1'000;
constexpr std::size_t batch = 512;

awaitable<void> nothing(tern::TurnContext&) {
  co_return;
}

awaitable<void> echo(tern::TurnContext& turn) {
  co_await turn.send("Echo: " + std::string(turn.activity().text()));
}

awaitable<void> count(tern::TurnContext& turn) {
  static const auto property = tern::ConversationState().property<std::int64_t>("messages");
  auto messages = co_await property.get(turn);
  ++messages;
  co_await property.set(turn, messages);
  co_await turn.send("message " + std::to_string(messages));
}

void turns(benchmark::State& state, Mode mode, tern::TurnHandler handler) {
  BenchWorld world(tern::system_clock(), std::move(handler));
  std::vector<tern::Activity> arrived(batch);
  std::size_t number = 0;
  while (state.KeepRunningBatch(batch)) {
    state.PauseTiming();
    for (auto& activity : arrived) {
      activity = parsed(message_text(mode, number++, conversations));
    }
    state.ResumeTiming();
    for (auto& activity : arrived) {
      world.receive(std::move(activity));
      world.settle();
    }
  }
  if (world.answered != number || world.failed != 0) {
    throw std::runtime_error("turns failed");
  }
}

void Parse(benchmark::State& state) {
  const auto text = message_text(Mode::replies, 1, conversations);
  for (auto _ : state) {
    benchmark::DoNotOptimize(parsed(text));
  }
}
BENCHMARK(Parse);

void Serialize(benchmark::State& state) {
  const auto activity = parsed(message_text(Mode::replies, 1, conversations));
  for (auto _ : state) {
    benchmark::DoNotOptimize(boost::json::serialize(activity.json()));
  }
}
BENCHMARK(Serialize);

void EmptyTurn(benchmark::State& state) {
  turns(state, Mode::delivery, nothing);
}
BENCHMARK(EmptyTurn);

void EchoTurnToResponse(benchmark::State& state) {
  turns(state, Mode::replies, echo);
}
BENCHMARK(EchoTurnToResponse);

void EchoTurnToChannel(benchmark::State& state) {
  turns(state, Mode::delivery, echo);
}
BENCHMARK(EchoTurnToChannel);

void CountingTurnToResponse(benchmark::State& state) {
  turns(state, Mode::replies, count);
}
BENCHMARK(CountingTurnToResponse);

void ParseThenCountingTurn(benchmark::State& state) {
  BenchWorld world(tern::system_clock(), count);
  std::vector<std::string> arrived(batch);
  std::size_t number = 0;
  while (state.KeepRunningBatch(batch)) {
    state.PauseTiming();
    for (auto& text : arrived) {
      text = message_text(Mode::replies, number++, conversations);
    }
    state.ResumeTiming();
    for (const auto& text : arrived) {
      world.receive(parsed(text));
      world.settle();
    }
  }
}
BENCHMARK(ParseThenCountingTurn);

}  // namespace
}  // namespace bench
