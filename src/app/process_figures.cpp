#include "app/process_figures.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

namespace tern::app {

namespace {

[[noreturn]] void unknown(const char* what) {
  throw std::runtime_error(std::string("the system does not say ") + what);
}

double cpu_seconds() {
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) {
    unknown("how long the process has run");
  }
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// The bytes of field `index` (from 0) of /proc/self/statm, which counts pages.
double pages(int index) {
  std::ifstream file("/proc/self/statm");
  double value = 0;
  for (int i = 0; i <= index; ++i) {
    if (!(file >> value)) {
      unknown("how much memory the process has");
    }
  }
  return value * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_files() {
  // Since Linux 6.2 the size of the folder is the number of descriptors.
  struct stat folder{};
  if (::stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {
    return static_cast<double>(folder.st_size);
  }
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<double>(std::distance(begin(all), end(all)) - 1);  // without the descriptor of this iterator
}

double most_of(int resource) {
  rlimit most{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &most) != 0) {
    unknown("a limit of the process");
  }
  return most.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity() : static_cast<double>(most.rlim_cur);
}

/// When the system started, in seconds since 1970.
double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) {
      return seconds;
    }
  }
  unknown("when it was started");
}

// Field 22 of /proc/self/stat. Field 2 is the program's name in parentheses, which may contain blanks and parentheses.
// Source: proc(5).
double ticks_after_boot() {
  constexpr int fields_before = 19;  // behind the name
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  std::istringstream rest(name_end == std::string::npos ? std::string() : line.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < fields_before; ++i) {
    rest >> skipped;
  }
  double ticks = 0;
  if (!(rest >> ticks)) {
    unknown("when the process was started");
  }
  return ticks;
}

double start_time() {
  return boot_time() + ticks_after_boot() / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void add_process_figures(Metrics& metrics) {
  metrics.counter_from("process_cpu_seconds_total", "Time that the process has run on processors.", cpu_seconds);
  metrics.gauge_from("process_resident_memory_bytes", "Memory of the process that is in the machine's.",
                     [] { return pages(1); });
  metrics.gauge_from("process_virtual_memory_bytes", "Memory that the process has mapped.", [] { return pages(0); });
  metrics.gauge_from("process_virtual_memory_max_bytes", "The most that it may map.",
                     [] { return most_of(RLIMIT_AS); });
  metrics.gauge_from("process_open_fds", "Files and sockets that the process has open.", open_files);
  metrics.gauge_from("process_max_fds", "The most that it may have open.", [] { return most_of(RLIMIT_NOFILE); });
  metrics.gauge_from("process_start_time_seconds", "When the process was started, in seconds since 1970.",
                     [started = start_time()] { return started; });
}

}  // namespace tern::app
