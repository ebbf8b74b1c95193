// The simulated processes have no sockets: time and the channel are objects. Asio looks for I/O all the same each time
// that a process is asked for work, and those system calls, which find nothing, took most of the time of a run. So they
// do not reach the kernel here. Nothing in this program waits in `epoll_wait`: it only ever polls.
#include <sys/epoll.h>

// A sanitizer has its own.
#ifndef __has_feature  // of clang; GCC has the macros
#define __has_feature(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !__has_feature(address_sanitizer) && \
    !__has_feature(thread_sanitizer)
extern "C" int epoll_wait(int /*epfd*/, epoll_event* /*events*/, int /*most*/, int /*timeout*/) {
  return 0;
}
#endif
