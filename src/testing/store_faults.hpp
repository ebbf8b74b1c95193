#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tern::test {

/// The orders of a test to a `WorldStorage`, shared by all replicas and the test.
///
/// Thread safety: none; of the world's thread.
class StoreFaults {
 public:
  explicit StoreFaults(Clock& clock) : clock_(&clock) {}

  void fail_operation(std::size_t n) { fail_at_ = operations_ + n; }
  void lose_answer(std::size_t n) { lose_at_ = operations_ + n; }
  void conflict(std::size_t n) { conflict_at_ = writes_ + n; }
  void refuse_writes() noexcept { writes_fail_ = true; }
  void go_away() noexcept { away_ = true; }
  void heal() noexcept;
  void take(std::chrono::milliseconds duration) noexcept { takes_ = duration; }
  std::size_t operations() const noexcept { return operations_; }
  std::size_t failures() const noexcept { return failures_; }

  /// An operation begins, and takes its time. Returns its number. Errors: `errc::storage_unavailable` when it is to
  /// fail.
  awaitable<std::size_t> begin(bool writes);
  /// The operation is done. Errors: `errc::storage_unavailable` when its answer is to be lost.
  void end(std::size_t number);
  /// Whether the write that has just begun meets another writer, if it has a condition.
  bool is_to_conflict() const noexcept { return writes_ == conflict_at_; }
  void count_failure() noexcept { ++failures_; }
  /// For calls that are no operations.
  void require_there();

 private:
  [[noreturn]] void fail(const char* why);

  Clock* clock_;
  std::size_t operations_ = 0;
  std::size_t writes_ = 0;
  std::size_t failures_ = 0;
  std::size_t fail_at_ = 0;  // 0: none
  std::size_t lose_at_ = 0;
  std::size_t conflict_at_ = 0;
  bool writes_fail_ = false;
  bool away_ = false;
  std::chrono::milliseconds takes_{0};
};

}  // namespace tern::test
