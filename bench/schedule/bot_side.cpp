#include "schedule/bot_side.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace bench {

RunningBot::RunningBot(const std::string& program, const std::vector<std::string>& settings, const std::string& log)
    : log_(log), started_us_(now_us()) {
  std::vector<std::string> command{program, "--set", "listen.port=0", "--set", "send_limits.slow_start=0"};
  for (const auto& setting : settings) {
    command.emplace_back("--set");
    command.push_back(setting);
  }
  process_ = std::make_unique<Process>(command, SpawnOptions{std::nullopt, log_, {}});
}

double RunningBot::memory() const {
  // Pages of a store's files in the system's cache are the system's.
  std::ifstream file("/proc/" + std::to_string(process_->pid()) + "/smaps_rollup");
  double bytes = 0;
  for (std::string name; file >> name;) {
    if (name == "Private_Clean:" || name == "Private_Dirty:") {
      double kilobytes = 0;
      file >> kilobytes;
      bytes += kilobytes * 1024;
    }
  }
  if (bytes == 0) {
    throw std::runtime_error("the bot has ended; see " + log_);
  }
  return bytes;
}

void RunningBot::stop() {
  const int status = process_->terminate();
  if (status != 0) {
    throw std::runtime_error("the bot ended with " + std::to_string(status) + "; see " + log_);
  }
}

ArrivalFigures figures_of(std::vector<Channel::Arrival> arrivals) {
  ArrivalFigures figures;
  if (arrivals.size() < 2) {
    return figures;
  }
  const auto [first, last] = std::minmax_element(arrivals.begin(), arrivals.end(),
                                                 [](const auto& a, const auto& b) { return a.at_us < b.at_us; });
  figures.per_second = static_cast<double>(arrivals.size() - 1) * 1e6 /
                       static_cast<double>(std::max<std::int64_t>(1, last->at_us - first->at_us));
  std::sort(arrivals.begin(), arrivals.end(), [](const auto& a, const auto& b) { return a.late_us < b.late_us; });
  const auto at = [&](double share) {
    return static_cast<double>(
               arrivals[static_cast<std::size_t>(share * static_cast<double>(arrivals.size() - 1))].late_us) /
           1000;
  };
  figures.p50_ms = at(0.5);
  figures.p99_ms = at(0.99);
  figures.worst_ms = at(1);
  figures.early = static_cast<std::size_t>(
      std::count_if(arrivals.begin(), arrivals.end(), [](const auto& one) { return one.late_us < 0; }));
  return figures;
}

}  // namespace bench
