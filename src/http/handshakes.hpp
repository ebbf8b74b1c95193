#pragma once

#include "http/tls_stream.hpp"

#include <tern/async/awaitable.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tern::http {

/// Does the steps of TLS handshakes on threads of its own, so that a flood of new clients costs the connected clients
/// no more than these threads: a shard answers many requests in the time of a signature with RSA. The threads are nicer
/// than the others, so that a shard that has work goes first where processors are short.
///
/// The line has no bound of its own. Each client in it is a connection, of which there are `ServerLimits::connections`,
/// and has sent a record of 16 KiB at most; the first step makes the state of OpenSSL. A client whose time is up leaves
/// the line without a step.
///
/// Lifetime: coroutines that wait may be destroyed with their context before it. Its destructor waits for the steps
///   that have begun, and drops those that have not.
/// Thread safety: all functions from any thread.
class Handshakes {
 public:
  /// `threads`: 1 or more.
  explicit Handshakes(std::size_t threads);
  ~Handshakes();
  Handshakes(const Handshakes&) = delete;
  Handshakes& operator=(const Handshakes&) = delete;

  /// Does `stream->step()`, and resumes when it is done. Handshakes that have begun go before those that have not.
  awaitable<void> step(std::shared_ptr<TlsStream> stream, bool begun);

 private:
  using Job = std::function<void()>;

  /// So many that have not begun wait in order, which takes a second or two to get through.
  static constexpr std::size_t most_in_order = 256;

  void add(Job job, bool begun);
  /// Preconditions: there is one; the mutex is locked.
  Job take() noexcept;
  void work() noexcept;

  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<Job> begun_;
  std::deque<Job> fresh_;
  bool ends_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tern::http
