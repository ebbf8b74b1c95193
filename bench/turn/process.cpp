#include "turn/process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace bench {

namespace {

constexpr int cannot_start = 127;

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

[[noreturn]] void become(const std::vector<std::string>& arguments, const SpawnOptions& options) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (options.core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(*options.core, &cores);
    ::sched_setaffinity(0, sizeof(cores), &cores);
  }
  if (!options.output.empty()) {
    const int file = ::open(options.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
  }
  for (const auto& [name, value] : options.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  std::vector<char*> pointers;
  for (const auto& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  ::_exit(cannot_start);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const SpawnOptions& options)
    : name_(arguments.front().substr(arguments.front().rfind('/') + 1)), pid_(::fork()) {
  if (pid_ < 0) {
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  if (pid_ == 0) {
    become(arguments, options);
  }
}

Process::~Process() {
  if (!status_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

CpuTime Process::cpu() const {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    throw std::runtime_error("the processor time of " + name_ + " cannot be read; has it ended?");
  }
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string line;
  std::getline(file, line);
  // After the name, which may hold anything: state is field 3, stime is field 15.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 15; ++field) {
    fields >> skipped;
  }
  double ticks = 0;
  fields >> ticks;
  CpuTime time;
  time.total = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
  time.system = ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return time;
}

bool Process::running() {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = exit_status(status);
  }
  return !status_;
}

int Process::wait() {
  int status = 0;
  while (!status_) {
    if (::waitpid(pid_, &status, 0) == pid_) {
      status_ = exit_status(status);
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "waitpid");
    }
  }
  return *status_;
}

int Process::terminate() {
  using namespace std::chrono_literals;
  ::kill(pid_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (running()) {
    if (std::chrono::steady_clock::now() > until) {
      throw std::runtime_error(name_ + " does not end on SIGTERM");
    }
    std::this_thread::sleep_for(5ms);
  }
  return *status_;
}

}  // namespace bench
