#include "http/handshakes.hpp"

#include <tern/async/offload.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <utility>

namespace tern::http {

namespace {

constexpr int niceness = 5;  // about a third of the time of a processor that a shard wants as well

}  // namespace

Handshakes::Handshakes(std::size_t threads) {
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
    threads_.emplace_back([this] {
      ::setpriority(PRIO_PROCESS, 0, niceness);  // on Linux: of this thread
      work();
    });
  }
}

Handshakes::~Handshakes() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  added_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void Handshakes::add(Job job, bool begun) {
  {
    const std::lock_guard lock(mutex_);
    (begun ? begun_ : fresh_).push_back(std::move(job));
  }
  added_.notify_one();
}

// In order, but for the newest one when very many wait: those who have waited long are about to give up, and their
// handshakes would be done in vain.
Handshakes::Job Handshakes::take() noexcept {
  auto& line = begun_.empty() ? fresh_ : begun_;
  const bool takes_newest = begun_.empty() && fresh_.size() > most_in_order;
  Job job = std::move(takes_newest ? line.back() : line.front());
  takes_newest ? line.pop_back() : line.pop_front();
  return job;
}

void Handshakes::work() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    added_.wait(lock, [this] { return ends_ || !begun_.empty() || !fresh_.empty(); });
    if (ends_) {
      return;
    }
    Job job = take();
    lock.unlock();
    job();
    job = nullptr;
    // A kernel with lazy preemption (Linux 6.12 and later) lets this thread run on until its next tick, 4 ms with 250
    // of them a second, while a shard waits for the processor. Here it may go first.
    std::this_thread::yield();
    lock.lock();
  }
}

// As `offload` does it, on other threads.
awaitable<void> Handshakes::step(std::shared_ptr<TlsStream> stream, bool begun) {
  auto function = [stream = std::move(stream)] { stream->step(); };
  using Call = tern::detail::OffloadCall<decltype(function)>;
  const auto call = std::make_shared<Call>(std::move(function));
  auto initiate = [this, begun](auto handler, std::shared_ptr<Call> on) {
    on->wait(std::make_unique<tern::detail::OffloadWaiterOf<decltype(handler)>>(std::move(handler)));
    add([on] { on->run(); }, begun);
  };
  co_await asio::async_initiate<const asio::deferred_t, void(std::exception_ptr)>(initiate, asio::deferred, call);
}

}  // namespace tern::http
