#include "storage/figures.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>

namespace bench {

namespace {

template <class T>
double part(std::vector<T>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

double process_cpu_us() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

OpClock::OpClock(double seconds)
    : begun_(std::chrono::steady_clock::now()),
      until_(begun_ + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds))),
      cpu_(process_cpu_us()) {
  // Room for all from the start: one that grows copies megabytes, and holds the shard meanwhile.
  constexpr double most_per_second = 4e6;
  constexpr std::size_t most = 1U << 27;
  took_.reserve(std::min(most, static_cast<std::size_t>(seconds * most_per_second)));
}

OpFigures OpClock::figures() {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  const double cpu = process_cpu_us() - cpu_;
  OpFigures all;
  all.operations = batched_ > 0 ? batched_ : took_.size();
  all.batch = batched_ > 0 ? static_cast<double>(batched_) / static_cast<double>(took_.size()) : 0;
  const auto count = static_cast<double>(std::max<std::uint64_t>(1, all.operations));
  all.per_second = count / seconds;
  all.cpu_us = cpu / count;
  std::sort(took_.begin(), took_.end());
  all.p50_us = part(took_, 0.5);
  all.p99_us = part(took_, 0.99);
  return all;
}

SyncFigures measure_fsync(const std::string& folder) {
  constexpr int times = 300;
  const auto path = folder + "/fsync";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    throw std::runtime_error("cannot write in " + folder);
  }
  const std::array<char, 4096> page{};
  std::vector<double> took;
  for (int i = 0; i < times; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    const bool written = ::write(file, page.data(), page.size()) == static_cast<ssize_t>(page.size());
    if (!written || ::fdatasync(file) != 0) {
      ::close(file);
      throw std::runtime_error("cannot write in " + folder);
    }
    took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count());
  }
  ::close(file);
  ::unlink(path.c_str());
  std::sort(took.begin(), took.end());
  return {part(took, 0.5), part(took, 0.99)};
}

}  // namespace bench
