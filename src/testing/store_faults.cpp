#include "testing/store_faults.hpp"

#include <tern/async/timer.hpp>
#include <tern/error.hpp>
#include <tern/testing/store.hpp>

#include <string>
#include <utility>

namespace tern::test {

void StoreFaults::heal() noexcept {
  fail_at_ = 0;
  lose_at_ = 0;
  conflict_at_ = 0;
  writes_fail_ = false;
  away_ = false;
}

void StoreFaults::fail(const char* why) {
  ++failures_;
  throw_error(errc::storage_unavailable, std::string("the storage ") + why + ", as the test has ordered");
}

void StoreFaults::require_there() {
  if (away_) {
    fail("is away");
  }
}

awaitable<std::size_t> StoreFaults::begin(bool writes) {
  const auto number = ++operations_;
  writes_ += writes ? 1 : 0;
  if (takes_ > std::chrono::milliseconds::zero()) {
    co_await sleep_for(takes_, *clock_);
  }
  require_there();
  if (writes && writes_fail_) {
    fail("takes no writes");
  }
  if (number == fail_at_) {
    fail("fails");
  }
  co_return number;
}

void StoreFaults::end(std::size_t number) {
  if (number == lose_at_) {
    fail("has lost its answer");
  }
}

Store::Store(std::shared_ptr<StoreFaults> faults) : faults_(std::move(faults)) {}

void Store::fail_operation(std::size_t n) {
  faults_->fail_operation(n);
}
void Store::lose_answer(std::size_t n) {
  faults_->lose_answer(n);
}
void Store::conflict(std::size_t n) {
  faults_->conflict(n);
}
void Store::refuse_writes() {
  faults_->refuse_writes();
}
void Store::go_away() {
  faults_->go_away();
}
void Store::heal() {
  faults_->heal();
}
void Store::take(std::chrono::milliseconds duration) {
  faults_->take(duration);
}
std::size_t Store::operations() const noexcept {
  return faults_->operations();
}
std::size_t Store::failures() const noexcept {
  return faults_->failures();
}

}  // namespace tern::test
