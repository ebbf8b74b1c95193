#pragma once

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace tern::test {

class StoreFaults;

/// What a test orders of the storage below its bot. The store keeps everything in memory; only what is ordered fails.
///
/// An operation is a read, a write or a scan, by turns, by the schedule or by the test, counted from 1 in the order in
/// which they begin. `go_away` reaches everything else as well, such as the leases of replicas.
/// An operation that fails throws `errc::storage_unavailable`, as a database that cannot be reached does.
class Store {
 public:
  explicit Store(std::shared_ptr<StoreFaults> faults);

  /// The `n`-th operation from now fails before it has done anything.
  void fail_operation(std::size_t n = 1);
  /// The `n`-th operation from now is done, and its answer is lost.
  void lose_answer(std::size_t n = 1);
  /// The `n`-th write from now meets another writer: it conflicts on every key that it expected something of. Nothing
  /// is written.
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
  /// How many of them have failed as it was ordered. A test that lets the first operation fail, then the second, and
  /// so on, ends when this is 0: its bot does no more than that.
  std::size_t failures() const noexcept;

 private:
  std::shared_ptr<StoreFaults> faults_;
};

}  // namespace tern::test
