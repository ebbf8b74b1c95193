#include "storage/lane_core.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <pthread.h>

#include <algorithm>
#include <atomic>

namespace tern::storage {

namespace {

/// Gives up the calls of all lanes whose time is over. A timer for each call would cost more than most calls; this
/// looks every few milliseconds, and sleeps while nothing waits anywhere.
class LaneWatch {
 public:
  static LaneWatch& instance() {
    // Never destroyed: its thread lives as long as the program.
    static auto* const watch = new LaneWatch;
    return *watch;
  }

  void add(LaneCore& lane) {
    const std::lock_guard lock(mutex_);
    lanes_.push_back(&lane);
  }
  /// Returns when the watch no longer looks at it.
  void remove(LaneCore& lane) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase(lanes_, &lane);
  }
  /// A call waits somewhere.
  void look() {
    if (asleep_.load() && asleep_.exchange(false)) {
      const std::lock_guard lock(mutex_);
      wake_.notify_one();
    }
  }

 private:
  static constexpr std::chrono::milliseconds interval{10};

  LaneWatch() {
    std::thread([this] { run(); }).detach();
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      // Asleep first, then the look: a call that comes in between wakes it.
      asleep_ = true;
      if (any_waits()) {
        asleep_ = false;
        wake_.wait_for(lock, interval);
      } else {
        wake_.wait(lock, [this] { return !asleep_.load(); });
      }
    }
  }

  bool any_waits() {
    bool any = false;
    for (auto* lane : lanes_) {
      any = lane->expire() || any;
    }
    return any;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> asleep_ = false;
  std::vector<LaneCore*> lanes_;
};

// Asks for memory that another core has written, before it is waited for.
void prefetch(const void* address, std::size_t bytes) noexcept {
  constexpr std::size_t line = 64;
  for (std::size_t offset = 0; offset < bytes; offset += line) {
    __builtin_prefetch(static_cast<const char*>(address) + offset);
  }
}

}  // namespace

/// The answered calls of one executor, resumed in one handler.
class LaneCore::Group {
 public:
  Group() = default;
  ~Group() { clear(); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  void add(LaneEntry& entry) { entries_.push_back(&entry); }
  void post(const std::shared_ptr<Group>& self, const executor& home) {
    asio::post(home, [self] { run(self); });
    posted_.store(true, std::memory_order_release);
  }

 private:
  /// Calls that are resumed before other work of the executor gets its turn: each may go on to its end.
  static constexpr std::size_t at_once = 64;

  static void run(const std::shared_ptr<Group>& self) {
    // A resumed coroutine may destroy its context, in whose `post` the lane's thread may still be.
    while (!self->posted_.load(std::memory_order_acquire)) {
      std::this_thread::yield();
    }
    self->resume_some();
    if (self->next_ < self->entries_.size()) {
      const executor home = self->entries_[self->next_]->resume->home();
      asio::post(home, [self] { run(self); });
    }
  }
  void resume_some() {
    const auto end = std::min(next_ + at_once, entries_.size());
    while (next_ < end) {
      look_ahead();
      auto& entry = *entries_[next_++];
      const auto resume = std::move(entry.resume);
      resume->resume(std::move(entry.error));  // ends the entry
    }
  }
  // The calls lie in the cache of the lane's core, and what they resume is long out of this one's.
  void look_ahead() const noexcept {
    constexpr std::size_t of_call = 256;
    constexpr std::size_t of_resume = 128;
    if (next_ + 2 < entries_.size()) {
      prefetch(entries_[next_ + 2], of_call);
    }
    if (next_ + 1 < entries_.size()) {
      prefetch(entries_[next_ + 1]->resume.get(), of_resume);
    }
  }
  /// The context ends without having run this: so do the coroutines.
  void clear() noexcept {
    while (next_ < entries_.size()) {
      const auto resume = std::move(entries_[next_++]->resume);
    }
  }

  std::vector<LaneEntry*> entries_;
  std::size_t next_ = 0;
  std::atomic<bool> posted_ = false;
};

LaneCore::LaneCore(LaneSettings settings, Work work)
    : settings_(std::move(settings)),
      clock_(settings_.clock != nullptr ? *settings_.clock : system_clock()),
      work_(std::move(work)),
      patience_(settings_.gather),
      thread_([this] { run(); }) {
  LaneWatch::instance().add(*this);
}

LaneCore::~LaneCore() {
  stop();
}

void LaneCore::fail(LaneEntry& entry, Entries& done, errc code, const char* what) const {
  entry.error = std::make_exception_ptr(Error(code, "The lane " + settings_.name + " of the storage " + what));
  done.push_back(entry);
}

void LaneCore::enter(LaneEntry& entry) {
  Entries done;
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) {
      fail(entry, done, errc::shutting_down, "is closed.");
    } else if (queue_.size() >= settings_.capacity) {
      fail(entry, done, errc::overloaded, "is full. Try again later; if that happens often, raise its bound.");
    } else {
      entry.waiting = true;
      queue_.push_back(entry);
      wakes = queue_.size() == wanted_;
    }
  }
  if (!done.empty()) {
    deliver(std::move(done));
    return;
  }
  if (wakes) {
    wake_.notify_one();
  }
  LaneWatch::instance().look();
}

void LaneCore::give_up(LaneEntry& entry) {
  Entries done;
  {
    const std::lock_guard lock(mutex_);
    if (!entry.waiting) {
      return;
    }
    entry.waiting = false;
    queue_.erase(queue_.iterator_to(entry));
    entry.error = std::make_exception_ptr(system_error(asio::error::operation_aborted));
    done.push_back(entry);
  }
  deliver(std::move(done));
}

bool LaneCore::expire() {
  Entries done;
  bool waits = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto next = queue_.begin(); next != queue_.end();) {
      auto& entry = *next++;
      if (!entry.by.is_never() && entry.by.expired(clock_)) {
        entry.waiting = false;
        queue_.erase(queue_.iterator_to(entry));
        fail(entry, done, errc::timed_out, "did not come to a call in its time.");
      }
    }
    waits = !queue_.empty();
  }
  deliver(std::move(done));
  return waits;
}

std::size_t LaneCore::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void LaneCore::stop() noexcept {
  std::call_once(joined_, [this] {
    LaneWatch::instance().remove(*this);
    Entries done;
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      while (!queue_.empty()) {
        auto& entry = queue_.front();
        queue_.pop_front();
        entry.waiting = false;
        fail(entry, done, errc::shutting_down, "was closed before it came to a call.");
      }
    }
    wake_.notify_one();
    deliver(std::move(done));
    thread_.join();
  });
}

bool LaneCore::take(std::vector<LaneEntry*>& batch) {
  std::unique_lock lock(mutex_);
  if (patience_.count() > 0 && last_batch_ > 1) {
    gather(lock);
  }
  wanted_ = 1;
  wake_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
  while (!queue_.empty() && batch.size() < settings_.max_batch) {
    auto& entry = queue_.front();
    queue_.pop_front();
    entry.waiting = false;
    batch.push_back(&entry);
  }
  last_batch_ = batch.size();
  note_rate(batch.size());
  return !batch.empty();
}

// How many calls come while a batch may be waited for, from the last few batches.
void LaneCore::note_rate(std::size_t taken) {
  constexpr std::chrono::milliseconds long_enough{5};
  const auto now = std::chrono::steady_clock::now();
  counted_ += taken;
  if (now - counted_since_ >= long_enough) {
    come_meanwhile_ =
        static_cast<double>(counted_) * (settings_.gather / std::chrono::duration<double>(now - counted_since_));
    counted_ = 0;
    counted_since_ = now;
  }
}

// Waits until as many calls have come as were answered, besides those that wait already, or half of all these. A
// caller that has come again already counts twice: when the two were told apart, a turn on RocksDB cost 1.62 to 1.93
// times one on memory, and 1.32 to 1.69 times in this way. When the callers do not come, the wait is halved; each time
// they come, it grows again. When many others come meanwhile, the wait is worth its time anyway: each sync, and each
// waking of a thread, then serves more of them.
void LaneCore::gather(std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::microseconds shortest{50};
  constexpr double worth_waiting = 8;
  const auto callers = queue_.size() + last_batch_;
  const auto most = std::min(settings_.max_batch, settings_.capacity);
  wanted_ = std::min(callers < settings_.halve_at ? callers : callers / 2, most);
  const bool came = wake_.wait_for(lock, patience_, [this] { return stopped_ || queue_.size() >= wanted_; });
  if (came || come_meanwhile_ >= worth_waiting) {
    patience_ = std::min(patience_ * 2, settings_.gather);
  } else {
    patience_ = std::max(patience_ / 2, shortest);
  }
}

void LaneCore::run() {
  ::pthread_setname_np(::pthread_self(), settings_.name.substr(0, 15).c_str());
  std::vector<LaneEntry*> batch;
  while (take(batch)) {
    work_(batch);
    Entries done;
    for (auto* entry : batch) {
      done.push_back(*entry);
    }
    batch.clear();
    deliver(std::move(done));
  }
}

void LaneCore::deliver(Entries done) {
  while (!done.empty()) {
    const executor home = done.front().resume->home();  // which goes with its call, perhaps before this is done with it
    auto group = std::make_shared<Group>();
    for (auto next = done.begin(); next != done.end();) {
      auto& entry = *next++;
      if (entry.resume->home() == home) {
        done.erase(done.iterator_to(entry));
        group->add(entry);
      }
    }
    group->post(group, home);
  }
}

}  // namespace tern::storage
