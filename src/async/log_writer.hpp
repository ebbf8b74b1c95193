#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace tern::log::detail {

/// Writes lines to a file on a thread of its own, so that who logs waits for nobody that reads.
///
/// Lines beyond the bound are dropped, the newest first: what led to a stall stays, and a line stands where others are
/// missing. The thread begins with the first line. Where the system has no thread left, lines are written by who logs.
///
/// Lifetime: the file stays open. The destructor waits for a write that is under way.
/// Thread safety: all functions from any thread.
class LogWriter {
 public:
  /// The line that says how many are missing, with the end of a line.
  using Gap = std::function<std::string(std::uint64_t lines)>;

  LogWriter(int file, std::size_t most_bytes, Gap gap);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Adds a line, without its end. False when it is dropped.
  bool add(std::string_view line);
  /// Adds a line that is not dropped, whatever waits: one of the last of a process.
  void add_always(std::string_view line);
  /// Waits until all lines before are written or lost, at most for `patience`; whether they are.
  bool flush(std::chrono::milliseconds patience);

  void limit(std::size_t most_bytes) noexcept { most_bytes_.store(most_bytes, std::memory_order_relaxed); }
  /// Lines that were dropped, or lost by a write that failed.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  void append(std::string_view line, std::unique_lock<std::mutex> lock);
  void wake(std::unique_lock<std::mutex> lock);
  bool start();
  void run();
  void write(std::string_view text) noexcept;

  const int file_;
  const Gap gap_line_;
  std::atomic<std::size_t> most_bytes_;
  std::atomic<std::uint64_t> dropped_ = 0;

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::string waiting_;
  std::size_t under_way_ = 0;  ///< bytes that are being written
  std::uint64_t gap_ = 0;      ///< lines that were dropped behind what waits
  std::uint64_t added_ = 0;    ///< lines
  std::uint64_t taken_ = 0;    ///< of these, by the thread
  std::uint64_t written_ = 0;  ///< of these, written or lost
  bool started_ = false;
  bool idle_ = false;
  bool stop_ = false;
  bool ended_ = false;
};

}  // namespace tern::log::detail
