#include "app/stop_watchdog.hpp"

#include "async/log_last.hpp"

#include <tern/async/log.hpp>

#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace tern::app {

namespace {

using namespace std::chrono_literals;

constexpr auto time_to_answer = 200ms;
constexpr auto time_to_write = 200ms;

std::string list(const std::vector<std::size_t>& shards) {
  std::string text;
  for (const auto shard : shards) {
    text += (text.empty() ? "" : ",") + std::to_string(shard);
  }
  return text;
}

// Uses only values and shared state, because everything else may be destroyed.
void tell_what_held_it(StopProgress& progress) {
  const auto held = progress.held_shards(time_to_answer);
  const auto phase = name_of(progress.phase());
  if (held.empty()) {
    log::detail::write_last(log::Level::error, "the process did not end in time and is ended now",
                            {{"waiting_for", phase}}, time_to_write);
    return;
  }
  log::detail::write_last(log::Level::error,
                          "the process did not end in time and is ended now: a handler holds the thread of a shard "
                          "(tern::offload is for blocking work)",
                          {{"waiting_for", phase}, {"shards", list(held)}}, time_to_write);
}

}  // namespace

void end_process_at(SteadyTime by, std::shared_ptr<StopProgress> progress) {
  try {
    std::thread([by, progress = std::move(progress)] {
      std::this_thread::sleep_until(by - time_to_answer - time_to_write);
      tell_what_held_it(*progress);
      std::_Exit(EXIT_FAILURE);
    }).detach();
  } catch (const std::system_error& e) {
    log::error("there is no thread that could end the process if it does not end by itself", {{"error", e.what()}});
  }
}

}  // namespace tern::app
