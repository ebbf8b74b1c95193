#include "schedule/bot_side.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace bench {

RunningBot::RunningBot(const std::string& program, const std::vector<std::string>& settings, const std::string& log,
                       std::optional<int> core)
    : log_(log), started_us_(now_us()) {
  std::vector<std::string> command{program, "--set", "listen.port=0", "--set", "send_limits.slow_start=0"};
  for (const auto& setting : settings) {
    command.emplace_back("--set");
    command.push_back(setting);
  }
  process_ = std::make_unique<Process>(command, SpawnOptions{core, log_, {}});
}

double RunningBot::sum_of(const char* file_name, std::initializer_list<std::string_view> names) const {
  std::ifstream file("/proc/" + std::to_string(process_->pid()) + "/" + file_name);
  double bytes = 0;
  for (std::string name; file >> name;) {
    if (std::find(names.begin(), names.end(), name) != names.end()) {
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

double RunningBot::memory() const {
  // Pages of a store's files in the system's cache are the system's.
  return sum_of("smaps_rollup", {"Private_Clean:", "Private_Dirty:"});
}

double RunningBot::resident() const {
  return sum_of("status", {"VmRSS:"});
}

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::size_t RunningBot::mark() const {
  return text_of(log_).size();
}

void RunningBot::wait_for(const std::string& text, std::size_t mark) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (text_of(log_).find(text, mark) == std::string::npos) {
    if (std::chrono::steady_clock::now() > until) {
      throw std::runtime_error("the bot does not say \"" + text + "\"; see " + log_);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void RunningBot::signal(int number) const {
  ::kill(process_->pid(), number);
}

void RunningBot::kill() {
  signal(SIGKILL);
  (void)process_->wait();
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
