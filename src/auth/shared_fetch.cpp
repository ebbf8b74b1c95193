#include "auth/shared_fetch.hpp"

#include "auth/wait_place.hpp"

#include <tern/async/with_timeout.hpp>

#include <boost/asio/this_coro.hpp>

#include <utility>

namespace tern::auth {

// The right to tell how a fetch has ended. Its destructor tells a failure when nobody has told anything.
class SharedFetch::UnderWay {
 public:
  explicit UnderWay(std::shared_ptr<SharedFetch> of) noexcept : of_(std::move(of)) {}
  ~UnderWay() { end(false, nullptr); }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

  SharedFetch& of() const noexcept { return *of_; }
  void end(bool well, const std::exception_ptr& error) noexcept {
    if (!std::exchange(told_, true)) {
      of_->end(well, error);
    }
  }

 private:
  const std::shared_ptr<SharedFetch> of_;
  bool told_ = false;
};

// Keeps a place in the list while its coroutine exists.
class SharedFetch::Waiting {
 public:
  Waiting(SharedFetch& fetch, executor ex)
      : fetch_(fetch), place_(std::make_shared<WaitPlace>(fetch.clock_, std::move(ex))), entry_(enter()) {}
  ~Waiting() {
    const std::lock_guard lock(fetch_.mutex_);
    if (listed_) {
      fetch_.waiting_.erase(self_);
    }
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  /// `late` while it stands in the list.
  Wait entry() const noexcept { return entry_; }
  WaitPlace& place() noexcept { return *place_; }

  /// It is taken out of the list. Preconditions: the mutex is locked.
  void wake() noexcept {
    listed_ = false;
    try {
      place_->wake();
    } catch (...) {  // no memory: it finds what was fetched when its time is up
    }
  }

 private:
  Wait enter() {
    const std::lock_guard lock(fetch_.mutex_);
    if (!fetch_.under_way()) {
      return Wait::ended;
    }
    if (fetch_.waiting_.size() >= fetch_.options_.most_waiting) {
      return Wait::full;
    }
    self_ = fetch_.waiting_.insert(fetch_.waiting_.end(), this);
    listed_ = true;
    return Wait::late;
  }

  SharedFetch& fetch_;
  std::shared_ptr<WaitPlace> place_;
  std::list<Waiting*>::iterator self_;  // guarded by the mutex, as `listed_`
  bool listed_ = false;
  const Wait entry_;
};

SharedFetch::SharedFetch(Options options, Clock& clock) noexcept : clock_(clock), options_(std::move(options)) {}

SharedFetch::~SharedFetch() = default;

awaitable<SharedFetch::Wait> SharedFetch::wait(std::shared_ptr<SharedFetch> self, std::chrono::milliseconds at_most) {
  const auto ex = co_await asio::this_coro::executor;
  Waiting waiting(*self, ex);
  if (waiting.entry() != Wait::late) {
    co_return waiting.entry();
  }
  const bool woken = co_await waiting.place().wait(Deadline::after(at_most, self->clock_));
  co_return woken ? Wait::ended : Wait::late;
}

void SharedFetch::close() noexcept {
  tasks_.close();
  try {
    tasks_.cancel();
  } catch (...) {  // no memory: the fetch goes on until it has ended, or its time is up
  }
}

void SharedFetch::begin() noexcept {
  std::shared_ptr<UnderWay> fetch;
  try {
    fetch = std::make_shared<UnderWay>(shared_from_this());
    tasks_.spawn(options_.home, options_.name, [fetch] { return run(fetch); });
  } catch (...) {
    const auto error = std::current_exception();
    fetch ? fetch->end(false, error) : end(false, error);
  }
}

awaitable<void> SharedFetch::run(std::shared_ptr<UnderWay> fetch) {
  SharedFetch& self = fetch->of();
  std::exception_ptr error;
  try {
    const Deadline by = Deadline::after(self.options_.timeout, self.clock_);
    auto work = self.fetch(by);
    co_await with_timeout(std::move(work), by, self.clock_);
  } catch (...) {
    error = std::current_exception();
  }
  fetch->end(error == nullptr, error);
}

void SharedFetch::end(bool well, const std::exception_ptr& error) noexcept {
  {
    const std::lock_guard lock(mutex_);
    well ? succeeded() : failed(error);
    for (Waiting* each : waiting_) {
      each->wake();
    }
    waiting_.clear();
  }
  if (!well && !error) {
    return;
  }
  try {
    report(error);
  } catch (...) {  // no memory for a line of the log
  }
}

}  // namespace tern::auth
