#pragma once

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace tern::test {

class StoreFaults;

/// The faults of the storage below a bot, as a test orders them. The store keeps everything in memory; only ordered
/// operations fail.
///
/// An operation is a read, a write or a scan, of a turn, of the schedule or of the test. Operations are counted from 1
/// in the order in which they begin. `go_away` reaches everything else as well, such as the leases of replicas. An
/// operation that fails throws `errc::storage_unavailable`, as for a database that cannot be reached.
class Store {
 public:
  /// For the world.
  explicit Store(std::shared_ptr<StoreFaults> faults);

  /// The `n`-th operation from now fails before it has done anything.
  void fail_operation(std::size_t n = 1);
  /// The `n`-th operation from now is done, and its answer is lost.
  void lose_answer(std::size_t n = 1);
  /// The `n`-th write from now meets another writer: every key with a condition is a conflict, and nothing is written.
  void conflict(std::size_t n = 1);
  /// All writes fail from now on, while reads work: a full disk.
  void refuse_writes();
  /// Everything fails from now on.
  void go_away();
  /// Everything works again, and nothing is ordered any more.
  void heal();
  /// Each operation takes this long from now on. Default: no time.
  void take(std::chrono::milliseconds duration);

  /// How many operations have begun so far.
  std::size_t operations() const noexcept;
  /// How many of them have failed by order. A test may let the first operation fail, then the second, and so on; it
  /// ends when this is 0, because the bot does no further operation.
  std::size_t failures() const noexcept;

 private:
  std::shared_ptr<StoreFaults> faults_;
};

}  // namespace tern::test
