#pragma once

#include <tern/async/clock.hpp>

#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

namespace tern::detail::pg {

/// Cuts connections whose server does not answer in time: libpq waits for an answer without end, and a thread in such
/// a wait comes out of it when the socket is shut down under it.
///
/// Time is real time: it guards a thread that is blocked in a system call.
/// Thread safety: all functions from any thread.
class Watchdog {
  struct Watched {
    int socket;
    SteadyTime at;
    bool cut = false;
  };

 public:
  /// Watches one statement while it lives.
  class Guard {
   public:
    /// Cuts `socket` at `at`.
    Guard(Watchdog& watchdog, int socket, SteadyTime at);
    /// When it returns, the watchdog has let go of the socket.
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    bool has_cut() const;

   private:
    Watchdog& watchdog_;
    std::list<Watched>::iterator watched_;
  };

  Watchdog();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// From now on nothing is waited for beyond `at`: the end of a drain.
  void limit(SteadyTime at);

 private:
  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Watched> watched_;
  std::list<Watched> spare_;  ///< list nodes to use again
  SteadyTime limit_ = SteadyTime::max();
  SteadyTime wakes_at_ = SteadyTime::max();
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace tern::detail::pg
