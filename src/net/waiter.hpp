#pragma once

#include "async/timing_wheel.hpp"

#include <tern/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace tern::net {

class WaitQueue;

/// A coroutine that waits until `wake` is called, the wheel expires (`errc::timed_out`) or it is cancelled
/// (`operation_aborted`), whichever comes first. It is in at most one queue.
///
/// Lifetime: it lives in the frame of the coroutine that waits, and keeps that coroutine alive. A waiter that is never
///   woken is never freed, so the destructor of a queue wakes all its waiters.
/// Thread safety: none; used on its shard.
class Waiter : public TimingWheel::Entry {
 public:
  Waiter() = default;
  ~Waiter() override;

  /// Suspends the caller until `wake`. Signature of completion: `void(error_code)`.
  template <class Token>
  auto wait(Token&& token) {
    return asio::async_initiate<Token, void(error_code)>(
        [](auto handler, Waiter* self) {
          self->begin(std::make_unique<Suspended<decltype(handler)>>(*self, std::move(handler)));
        },
        token, this);
  }

  /// Ends the wait: leaves the queue and the wheel, and posts the resumption. Without effect when nothing waits.
  void wake(error_code why = {}) noexcept;

 private:
  friend class WaitQueue;

  /// The type-erased suspended coroutine: libstdc++ 12 has no `std::move_only_function`.
  struct Continuation {
    virtual ~Continuation() = default;
    virtual void resume(error_code why) = 0;
  };

  template <class Handler>
  struct Suspended final : Continuation {
    Suspended(Waiter& waiter, Handler h)
        : handler(std::move(h)),
          // Tracked: otherwise io_context::run would return while all coroutines wait.
          ex(asio::prefer(asio::any_io_executor(asio::get_associated_executor(handler)),
                          asio::execution::outstanding_work.tracked)) {
      auto slot = asio::get_associated_cancellation_slot(handler);
      if (slot.is_connected()) {
        slot.assign([&waiter](asio::cancellation_type type) {
          if ((type & asio::cancellation_type::terminal) != asio::cancellation_type::none) {
            waiter.wake(asio::error::operation_aborted);
          }
        });
      }
    }
    void resume(error_code why) override {
      asio::post(ex, [h = std::move(handler), why]() mutable {
        // Cleared here and not in `wake`, because the handler of the cancellation slot may have called `wake`.
        asio::get_associated_cancellation_slot(h).clear();
        std::move(h)(why);
      });
    }
    Handler handler;
    asio::any_io_executor ex;
  };

  void begin(std::unique_ptr<Continuation> suspended) noexcept { suspended_ = std::move(suspended); }
  void on_expired() noexcept override;

  boost::intrusive::list_member_hook<> hook_;
  WaitQueue* queue_ = nullptr;
  std::unique_ptr<Continuation> suspended_;
};

/// Waiters in the order of their arrival.
class WaitQueue {
 public:
  WaitQueue() = default;
  ~WaitQueue();
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  void push(Waiter& waiter) noexcept;
  /// Takes the first waiter out of the queue, without waking it; nullptr when there is none.
  Waiter* pop() noexcept;
  void wake_all(error_code why = {}) noexcept;
  std::size_t size() const noexcept { return list_.size(); }
  bool empty() const noexcept { return list_.empty(); }

 private:
  friend class Waiter;
  void remove(Waiter& waiter) noexcept;

  using Hook = boost::intrusive::member_hook<Waiter, boost::intrusive::list_member_hook<>, &Waiter::hook_>;
  boost::intrusive::list<Waiter, Hook> list_;
};

}  // namespace tern::net
