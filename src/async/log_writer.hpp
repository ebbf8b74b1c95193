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

/// Writes lines to a file on a thread of its own, so that a thread that logs does not wait for a slow reader of the
/// file.
///
/// Lines beyond the bound are dropped. The older lines stay, because they tell what led to the stall, and a line says
/// how many are missing. The first line starts the thread. When the system cannot start a thread, the thread that logs
/// writes the line itself.
///
/// Lifetime: the file stays open. The destructor waits for a write that is under way.
/// Thread safety: all functions from any thread.
class LogWriter {
 public:
  /// Makes the line that says how many lines are missing, with its line end.
  using Gap = std::function<std::string(std::uint64_t lines)>;

  LogWriter(int file, std::size_t most_bytes, Gap gap);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Adds a line; `line` has no line end. False when it is dropped.
  bool add(std::string_view line);
  /// Adds a line that is never dropped. For the last lines of a process.
  void add_always(std::string_view line);
  /// Waits until all earlier lines are written or lost, at most for `patience`. False when some are not.
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
  std::uint64_t gap_ = 0;      ///< lines that were dropped after the waiting ones
  std::uint64_t added_ = 0;    ///< lines that were added
  std::uint64_t taken_ = 0;    ///< added lines that the thread has taken
  std::uint64_t written_ = 0;  ///< taken lines that are written or lost
  bool started_ = false;
  bool idle_ = false;
  bool stop_ = false;
  bool ended_ = false;
};

}  // namespace tern::log::detail
