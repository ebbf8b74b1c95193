#include "auth/wait_place.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <mutex>
#include <utility>

namespace tern::auth {

// Whether a context may still be posted to. `wake` posts with the mutex locked, so that the destruction of the context
// waits for it.
struct WaitPlace::Context {
  std::mutex mutex;
  bool gone = false;  // guarded by the mutex
};

// Asio calls its `shutdown` when the context is about to be destroyed, while it can still be posted to.
class WaitPlace::Service final : public asio::execution_context::service {
 public:
  using key_type = Service;
  static inline asio::execution_context::id id;

  explicit Service(asio::execution_context& owner) : service(owner), life(std::make_shared<Context>()) {}

  const std::shared_ptr<Context> life;

 private:
  void shutdown() override {
    const std::lock_guard lock(life->mutex);
    life->gone = true;
  }
};

WaitPlace::WaitPlace(Clock& clock, executor ex)
    : ex_(std::move(ex)),
      context_(asio::use_service<Service>(asio::query(ex_, asio::execution::context)).life),
      timer_(clock, ex_) {}

awaitable<bool> WaitPlace::wait(Deadline by) {
  // Whoever wakes it is no work of this context.
  const asio::executor_work_guard<executor> work(ex_);
  if (!woken_) {
    [[maybe_unused]] const bool late = co_await timer_.wait_until(by.when());
  }
  co_return woken_;
}

void WaitPlace::wake() {
  const std::lock_guard lock(context_->mutex);
  if (context_->gone) {
    return;
  }
  asio::post(ex_, [place = weak_from_this()] {
    if (const auto here = place.lock()) {
      here->woken_ = true;
      here->timer_.cancel();
    }
  });
}

}  // namespace tern::auth
