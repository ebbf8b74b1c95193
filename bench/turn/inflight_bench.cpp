// Memory: 100,000 conversations with a turn each in flight, and 10,000 pending sends. Each figure is the growth of
// the resident set of a process of its own. Exits with 1 when a target is missed.

#include "turn/bench_world.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/tern.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t turns = 100'000;
constexpr std::size_t sends = 10'000;
constexpr double megabyte = 1'000'000;
constexpr double allowed_megabytes = 400;

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0;
  double resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

awaitable<void> wait_then_echo(tern::TurnContext& turn) {
  co_await tern::sleep_for(1h, turn.clock());
  co_await turn.send("Echo: " + std::string(turn.activity().text()));
}

awaitable<void> count_then_wait(tern::TurnContext& turn) {
  static const auto property = tern::ConversationState().property<std::int64_t>("messages");
  auto messages = co_await property.get(turn);
  ++messages;
  co_await property.set(turn, messages);
  co_await tern::sleep_for(1h, turn.clock());
  co_await turn.send("message " + std::to_string(messages));
}

bool turns_in_flight(const char* what, const std::string& message, tern::TurnHandler handler) {
  BenchWorld world(tern::system_clock(), std::move(handler));
  const auto before = resident_bytes();
  for (std::size_t i = 0; i < turns; ++i) {
    world.receive(parsed(message_text(message, i, turns)));
    world.settle();
  }
  if (world.runtime->turns_in_flight() != turns) {
    throw std::runtime_error("not all turns are in flight");
  }
  const auto grown = resident_bytes() - before;
  const bool met = grown / megabyte <= allowed_megabytes;
  std::printf("  %-52s %6.0f MB %8.0f bytes each   target at most %.0f MB: %s\n", what, grown / megabyte,
              grown / static_cast<double>(turns), allowed_megabytes, met ? "met" : "MISSED");
  return met;
}

awaitable<void> schedule(BenchWorld& world) {
  for (std::size_t i = 0; i < sends; ++i) {
    const auto target = parsed(message_text(Mode::delivery, i, sends)).reference();
    co_await world.proactive->send_after(target, 20s, tern::Activity::message("later"), tern::SendOptions());
  }
}

awaitable<void> nothing(tern::TurnContext&) {
  co_return;
}

bool pending_sends() {
  tern::ManualClock clock;
  BenchWorld world(clock, nothing);
  world.settle();
  const auto others = clock.waiting();  // the wheel's, and those of a schedule in which nothing is due
  const auto before = resident_bytes();
  world.run(schedule(world));
  world.settle();
  const auto grown = resident_bytes() - before;
  const auto timers = clock.waiting() - others;
  const bool met = timers <= 1;
  std::printf("  %-52s %6.1f MB %8.0f bytes each   timers for them %zu, target at most 1: %s\n",
              "10,000 pending send_after", grown / megabyte, grown / static_cast<double>(sends), timers,
              met ? "met" : "MISSED");
  return met;
}

/// In a process of its own, which starts from the same memory each time.
template <class Work>
bool apart(Work work) {
  std::fflush(stdout);
  const auto child = ::fork();
  if (child == 0) {
    int status = 2;
    try {
      status = work() ? 0 : 1;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "inflight_bench: %s\n", e.what());
    }
    std::fflush(stdout);
    ::_exit(status);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) > 1) {
    throw std::runtime_error("a measurement failed");
  }
  return WEXITSTATUS(status) == 0;
}

bool run() {
  std::puts("\nMemory, one shard, no HTTP: growth of the resident set");
  const auto small = small_message_template("http://127.0.0.1:9");
  const auto usual = message_template(Mode::delivery, "http://127.0.0.1:9");
  std::printf("  100,000 conversations with a turn each in flight:\n");
  bool met = apart([&] { return turns_in_flight("waiting, a message of 300 bytes", small, wait_then_echo); });
  met = apart([&] { return turns_in_flight("waiting, the Playground's of 700", usual, wait_then_echo); }) && met;
  met = apart([&] { return turns_in_flight("with state changed, 300 bytes", small, count_then_wait); }) && met;
  return apart(pending_sends) && met;
}

}  // namespace
}  // namespace bench

int main() {
  try {
    return bench::run() ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "inflight_bench: %s\n", e.what());
    return 2;
  }
}
