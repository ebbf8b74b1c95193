#pragma once

#include "pools/block_pool.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>
#include <tern/error.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tern::storage {

struct LaneSettings {
  std::string name;             ///< of its thread; what is longer than 15 bytes is cut
  std::size_t capacity = 4096;  ///< calls that wait; more: `errc::overloaded`
  std::size_t max_batch = 256;  ///< calls that the work is given at once
  Clock* clock = nullptr;       ///< that deadlines are of; nullptr: the system's
  /// The longest time that a batch waits for new calls of callers who were just answered. Without it the callers of a
  /// busy lane fall into two halves that take turns, and each batch has half of its possible size. A lane that serves
  /// one caller, or callers that do not come again soon, does not wait.
  std::chrono::microseconds gather{0};
  /// With at least as many callers (waiting, or just answered), a batch waits for half of them only. The others come
  /// while the batch is served, so that the callers and the server are busy at the same time. It is for work whose
  /// cost lies in the calls: a batch that ends with a sync costs the same for a few calls as for many. Without a value
  /// it is off.
  std::size_t halve_at = std::numeric_limits<std::size_t>::max();
};

/// Resumes a coroutine on its own executor.
class LaneResume {
 public:
  explicit LaneResume(const executor& home) : home_(home), work_(home) {}
  virtual ~LaneResume() = default;
  LaneResume(const LaneResume&) = delete;
  LaneResume& operator=(const LaneResume&) = delete;

  const executor& home() const noexcept { return home_; }
  /// Called on `home`, once.
  virtual void resume(std::exception_ptr error) = 0;

 private:
  const executor home_;  // that of `work_` counts each of its copies, on the context's own count
  asio::executor_work_guard<executor> work_;
};

/// One call. It lives in the frame of the coroutine that waits for it, which `resume` owns.
class LaneEntry : public boost::intrusive::list_base_hook<> {
 public:
  explicit LaneEntry(Deadline deadline) : by(deadline) {}

  Deadline by;
  std::unique_ptr<LaneResume> resume;
  std::exception_ptr error;
  bool waiting = false;  ///< in the queue: not taken yet, so it can be given up. Guarded by the lane's mutex.
};

/// The queue and the thread behind a `Lane`, whatever is called.
class LaneCore {
 public:
  /// Works through a batch, on the lane's thread: for each entry the answer is stored, or `error` set.
  using Work = std::function<void(const std::vector<LaneEntry*>&)>;

  LaneCore(LaneSettings settings, Work work);
  ~LaneCore();
  LaneCore(const LaneCore&) = delete;
  LaneCore& operator=(const LaneCore&) = delete;

  /// `entry.resume` is set. It is resumed later, and never from within this call.
  void enter(LaneEntry& entry);
  /// Resumes a waiting call with `operation_aborted`; a call that was taken goes on.
  void give_up(LaneEntry& entry);
  /// Gives up the calls whose deadline has passed. Returns whether any call still waits.
  bool expire();
  std::size_t waiting() const;
  void stop() noexcept;

 private:
  using Entries = boost::intrusive::list<LaneEntry>;
  class Group;

  void run();
  bool take(std::vector<LaneEntry*>& batch);
  void gather(std::unique_lock<std::mutex>& lock);
  void note_rate(std::size_t taken);
  void deliver(Entries done);
  void fail(LaneEntry& entry, Entries& done, errc code, const char* what) const;

  const LaneSettings settings_;
  Clock& clock_;
  const Work work_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Entries queue_;
  bool stopped_ = false;
  std::size_t wanted_ = 1;      // calls that wake the lane
  std::size_t last_batch_ = 0;  // calls that were just answered
  std::chrono::microseconds patience_;
  std::size_t counted_ = 0;  // calls taken since then
  std::chrono::steady_clock::time_point counted_since_;
  double come_meanwhile_ = 0;  // calls that come in the time of `gather`, of late
  std::once_flag joined_;
  std::thread thread_;
};

namespace detail {

template <class Handler>
class LaneResumeOf final : public LaneResume, public tern::detail::Pooled<LaneResumeOf<Handler>> {
 public:
  LaneResumeOf(Handler handler, const executor& home) : LaneResume(home), handler_(std::move(handler)) {}

  void resume(std::exception_ptr error) override {
    if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected()) {
      slot.clear();
    }
    std::move(handler_)(std::move(error));
  }

 private:
  Handler handler_;
};

}  // namespace detail

/// Waits until the lane has worked on `entry`.
inline auto enter_lane(std::shared_ptr<LaneCore> lane, LaneEntry& entry) {
  auto initiate = [](auto handler, const std::shared_ptr<LaneCore>& core, LaneEntry* call) {
    const executor home = asio::get_associated_executor(handler);
    if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
      slot.assign([core, call](asio::cancellation_type) { core->give_up(*call); });
    }
    call->resume = std::make_unique<detail::LaneResumeOf<decltype(handler)>>(std::move(handler), home);
    core->enter(*call);
  };
  return asio::async_initiate<const asio::deferred_t, void(std::exception_ptr)>(initiate, asio::deferred,
                                                                                std::move(lane), &entry);
}

}  // namespace tern::storage
