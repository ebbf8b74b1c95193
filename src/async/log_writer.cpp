#include "async/log_writer.hpp"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

namespace tern::log::detail {

namespace {

constexpr std::size_t capacity_kept = std::size_t{256} << 10;

/// A thread that is started while this object exists gets no signals. Other threads handle the signals that end the
/// process, and a pending SIGPIPE does no harm: the write fails with an error.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

LogWriter::LogWriter(int file, std::size_t most_bytes, Gap gap)
    : file_(file), gap_line_(std::move(gap)), most_bytes_(most_bytes) {}

LogWriter::~LogWriter() {
  std::unique_lock lock(mutex_);
  stop_ = true;
  work_.notify_one();
  done_.wait(lock, [this] { return !started_ || ended_; });
}

bool LogWriter::add(std::string_view line) {
  std::unique_lock lock(mutex_);
  // After a gap no line is taken until the lines before the gap are under way. Otherwise the line about the gap would
  // be written at the wrong place.
  if (gap_ > 0 || waiting_.size() + under_way_ + line.size() + 1 > most_bytes_.load(std::memory_order_relaxed)) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    if (gap_++ == 0 && start()) {
      ++added_;  // the line about the gap
      wake(std::move(lock));
    }
    return false;
  }
  append(line, std::move(lock));
  return true;
}

void LogWriter::add_always(std::string_view line) {
  append(line, std::unique_lock(mutex_));
}

void LogWriter::append(std::string_view line, std::unique_lock<std::mutex> lock) {
  if (!start()) {
    lock.unlock();
    write(std::string(line) + '\n');
    return;
  }
  waiting_.append(line);
  waiting_ += '\n';
  ++added_;
  wake(std::move(lock));
}

// Wakes the thread, because there is something to write.
void LogWriter::wake(std::unique_lock<std::mutex> lock) {
  if (idle_) {
    idle_ = false;
    lock.unlock();
    work_.notify_one();
  }
}

bool LogWriter::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + patience;
  return done_.wait_until(lock, until, [this, mine = added_] { return written_ >= mine || !started_; });
}

// Call it with the mutex locked.
bool LogWriter::start() {
  if (!started_) {
    const SignalsBlocked blocked;
    try {
      std::thread([this] { run(); }).detach();
      started_ = true;
    } catch (const std::system_error&) {
      return false;
    }
  }
  return true;
}

void LogWriter::run() {
  std::string batch;
  std::unique_lock lock(mutex_);
  for (;;) {
    while (waiting_.empty() && gap_ == 0 && !stop_) {
      idle_ = true;
      work_.wait(lock);
    }
    idle_ = false;
    if (waiting_.empty() && gap_ == 0) {
      break;
    }
    batch.clear();
    batch.swap(waiting_);
    under_way_ = batch.size();
    taken_ = added_;
    const auto missing = std::exchange(gap_, 0);
    lock.unlock();
    if (missing > 0) {
      batch += gap_line_(missing);
    }
    write(batch);
    if (batch.capacity() > capacity_kept) {
      batch = std::string();
    }
    lock.lock();
    under_way_ = 0;
    written_ = taken_;
    done_.notify_all();
  }
  ended_ = true;
  done_.notify_all();
}

void LogWriter::write(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto size = ::write(file_, text.data(), text.size());
    if (size >= 0) {
      text.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {  // a process that shares the file has made it non-blocking
      pollfd ready{file_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      dropped_.fetch_add(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')),
                         std::memory_order_relaxed);
      return;
    }
  }
}

}  // namespace tern::log::detail
