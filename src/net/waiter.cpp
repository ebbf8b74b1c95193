#include "net/waiter.hpp"

namespace tern::net {

Waiter::~Waiter() {
  if (queue_ != nullptr) {
    queue_->remove(*this);
  }
}

void Waiter::wake(error_code why) noexcept {
  if (queue_ != nullptr) {
    queue_->remove(*this);
  }
  if (is_linked()) {
    unlink();  // leaves the wheel
  }
  if (const auto suspended = std::move(suspended_)) {
    suspended->resume(why);
  }
}

void Waiter::on_expired() noexcept {
  wake(errc::timed_out);
}

WaitQueue::~WaitQueue() {
  wake_all(asio::error::operation_aborted);
}

void WaitQueue::push(Waiter& waiter) noexcept {
  waiter.queue_ = this;
  list_.push_back(waiter);
}

Waiter* WaitQueue::pop() noexcept {
  if (list_.empty()) {
    return nullptr;
  }
  Waiter& first = list_.front();
  remove(first);
  return &first;
}

void WaitQueue::wake_all(error_code why) noexcept {
  while (Waiter* waiter = pop()) {
    waiter->wake(why);
  }
}

void WaitQueue::remove(Waiter& waiter) noexcept {
  list_.erase(list_.iterator_to(waiter));
  waiter.queue_ = nullptr;
}

}  // namespace tern::net
