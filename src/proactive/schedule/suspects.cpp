#include "proactive/schedule/suspects.hpp"

#include "proactive/schedule/run_places.hpp"

namespace tern::proactive {

namespace {

// All of them wait for the same thing.
constexpr std::uint64_t turn = 1;

}  // namespace

Suspects::Suspects(SoloGate& gate, std::size_t waiting, SteadyTime::duration longest_wait)
    : gate_(gate), room_(waiting, longest_wait, RunPlaces::longest_away) {}

std::optional<std::string> Suspects::verdict_on(const ScheduledSend& send) {
  if (send.begun > 0 && send.at_most_once) {
    return "it may have arrived before the process ended, and was to arrive at most once";
  }
  if (send.begun >= most_deaths && send.kind == SendKind::continuation) {
    return "it ended the process " + std::to_string(send.begun) + " times";
  }
  return std::nullopt;
}

Hold Suspects::hold(SteadyTime now, SteadyTime::duration usual_run) {
  return Hold{&room_, {now, turn, usual_run}};
}

std::optional<WaitingSend> Suspects::begin() {
  if (room_.size() == 0 || !gate_.try_enter()) {
    return std::nullopt;
  }
  return room_.take(SteadyTime::max());
}

}  // namespace tern::proactive
