#include <tern/async/offload.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

namespace tern {

asio::thread_pool& offload_pool() {
  // Never destroyed, because its destructor would wait for functions that block, and a drain must end.
  static auto* const pool = new asio::thread_pool(std::max(2U, std::thread::hardware_concurrency()));
  return *pool;
}

namespace detail {

/// The offloads of one execution context whose functions have not ended.
///
/// Thread safety: all functions from any thread.
class OffloadsOfContext : public std::enable_shared_from_this<OffloadsOfContext> {
 public:
  void add(OffloadTicket& ticket, std::unique_ptr<OffloadWaiter> waiter) {
    const std::lock_guard lock(mutex_);
    if (gone_) {
      ticket.request_stop();
      return;
    }
    ticket.place_ = waiting_.insert(waiting_.end(), ticket.shared_from_this());
    ticket.waiter_ = std::move(waiter);
  }

  // Posts with the mutex locked, so that the destruction of the context waits for it in `shut_down`.
  bool end(OffloadTicket& ticket, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!ticket.waiter_) {
      return false;
    }
    const auto self = *ticket.place_;
    waiting_.erase(ticket.place_);
    const executor home = ticket.waiter_->home();
    asio::post(home, [waiter = std::move(ticket.waiter_), error = std::move(error)] { waiter->resume(error); });
    return true;
  }

  /// The context and its coroutines are being destroyed.
  void shut_down() {
    std::vector<std::shared_ptr<OffloadTicket>> tickets;
    std::vector<std::unique_ptr<OffloadWaiter>> waiters;
    {
      const std::lock_guard lock(mutex_);
      gone_ = true;
      for (const auto& ticket : waiting_) {
        tickets.push_back(ticket);
        waiters.push_back(std::move(ticket->waiter_));
      }
      waiting_.clear();
    }
    for (const auto& ticket : tickets) {
      ticket->request_stop();
    }
  }

 private:
  std::mutex mutex_;
  bool gone_ = false;
  std::list<std::shared_ptr<OffloadTicket>> waiting_;
};

namespace {

/// Asio calls its `shutdown` when the context is about to be destroyed, while it can still be posted to.
class OffloadService final : public asio::execution_context::service {
 public:
  using key_type = OffloadService;
  static inline asio::execution_context::id id;

  explicit OffloadService(asio::execution_context& context)
      : service(context), offloads(std::make_shared<OffloadsOfContext>()) {}

  const std::shared_ptr<OffloadsOfContext> offloads;

 private:
  void shutdown() override { offloads->shut_down(); }
};

}  // namespace

OffloadTicket::~OffloadTicket() = default;

void OffloadTicket::wait(std::unique_ptr<OffloadWaiter> waiter) {
  auto& context = asio::query(waiter->home(), asio::execution::context);
  context_ = asio::use_service<OffloadService>(context).offloads;
  context_->add(*this, std::move(waiter));
}

bool OffloadTicket::end(std::exception_ptr error) {
  return context_->end(*this, std::move(error));
}

}  // namespace detail

}  // namespace tern
