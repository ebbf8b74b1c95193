#include "turn/machine.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <stdexcept>
#include <string>

namespace bench {

void raise_descriptors(std::size_t needed) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < needed) {
    throw std::runtime_error("this needs " + std::to_string(needed) + " open files and may have " +
                             std::to_string(limit.rlim_cur) + "; raise the limit (ulimit -n)");
  }
}

void leave_core(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  ::sched_getaffinity(0, sizeof(cores), &cores);
  CPU_CLR(core, &cores);
  if (CPU_COUNT(&cores) == 0 || ::sched_setaffinity(0, sizeof(cores), &cores) != 0) {
    throw std::runtime_error("there is no core beside core " + std::to_string(core));
  }
}

}  // namespace bench
