#include "async/task_group.hpp"

#include "async/describe_error.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <list>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tern {

// The group, its tasks and its drains share this. Any of them may be destroyed last.
struct TaskGroup::State {
  struct Task {
    std::shared_ptr<State> group;
    executor ex;
    std::string name;
    std::function<awaitable<void>()> work;
    std::list<std::shared_ptr<Task>>::iterator self;
    // These two are used on `ex` only.
    asio::cancellation_signal signal;
    bool cancelled = false;
  };

  struct Drain {
    Drain(Clock& clock, executor on) : ex(on), timer(clock, std::move(on)) {}

    executor ex;
    Timer timer;
  };

  class Running;
  class Draining;

  explicit State(std::size_t most) : limit(most) {}

  static awaitable<void> run(std::shared_ptr<Task> task) { co_await task->work(); }
  static void start(Running running);
  static awaitable<bool> drain(std::shared_ptr<State> self, Deadline by, Clock& clock);

  void close() {
    const std::lock_guard lock(mutex);
    closed = true;
  }

  void cancel();
  void finished(Task& task, std::exception_ptr error);
  void leave(Task& task) noexcept;

  mutable std::mutex mutex;
  const std::size_t limit;
  bool closed = false;
  std::uint64_t failures = 0;
  std::list<std::shared_ptr<Task>> running;
  std::vector<std::shared_ptr<Drain>> drains;
};

// Removes its task from the group: as the completion handler of the coroutine, or in its destructor, when the
// executor's context was destroyed before the coroutine had ended.
class TaskGroup::State::Running {
 public:
  explicit Running(std::shared_ptr<Task> task) : task_(std::move(task)) {}
  Running(Running&&) noexcept = default;
  Running& operator=(Running&&) = delete;
  ~Running() {
    if (task_) {
      task_->group->leave(*task_);
    }
  }

  void operator()(std::exception_ptr error) {
    const auto task = std::exchange(task_, nullptr);
    task->group->finished(*task, error);
  }

  const std::shared_ptr<Task>& task() const noexcept { return task_; }

 private:
  std::shared_ptr<Task> task_;
};

// Keeps a drain in the group's list while it waits.
class TaskGroup::State::Draining {
 public:
  Draining(std::shared_ptr<State> group, std::shared_ptr<Drain> drain)
      : group_(std::move(group)), drain_(std::move(drain)) {
    const std::lock_guard lock(group_->mutex);
    if (!group_->running.empty()) {
      group_->drains.push_back(drain_);
      needed_ = true;
    }
  }
  ~Draining() {
    const std::lock_guard lock(group_->mutex);
    std::erase(group_->drains, drain_);
  }
  Draining(const Draining&) = delete;
  Draining& operator=(const Draining&) = delete;

  bool needed() const noexcept { return needed_; }

 private:
  std::shared_ptr<State> group_;
  std::shared_ptr<Drain> drain_;
  bool needed_ = false;
};

void TaskGroup::State::start(Running running) {
  const auto task = running.task();
  asio::co_spawn(task->ex, run(task), asio::bind_cancellation_slot(task->signal.slot(), std::move(running)));
  if (task->cancelled) {
    task->signal.emit(asio::cancellation_type::terminal);  // again, because the first signal came before the task began
  }
}

// Posts with the mutex locked: a task removes itself under the mutex when its frame ends. So the context of each task
// in the list still exists.
void TaskGroup::State::cancel() {
  const std::lock_guard lock(mutex);
  for (const auto& task : running) {
    asio::post(task->ex, [task] {
      task->cancelled = true;
      task->signal.emit(asio::cancellation_type::terminal);
    });
  }
}

void TaskGroup::State::finished(Task& task, std::exception_ptr error) {
  if (error) {
    const bool was_cancelled = task.cancelled && detail::has_code(error, asio::error::operation_aborted);
    if (!was_cancelled) {
      log::error("background task failed", {{"task", task.name}, {"error", detail::describe(error)}});
      const std::lock_guard lock(mutex);
      ++failures;
    }
  }
  leave(task);
}

void TaskGroup::State::leave(Task& task) noexcept {
  // The work is destroyed here, because a late cancellation may keep the task alive for longer.
  task.work = nullptr;
  const auto keep = task.group;
  const std::lock_guard lock(mutex);
  running.erase(task.self);
  if (!running.empty()) {
    return;
  }
  for (const auto& drain : drains) {
    asio::post(drain->ex, [drain] { drain->timer.cancel(); });
  }
}

awaitable<bool> TaskGroup::State::drain(std::shared_ptr<State> self, Deadline by, Clock& clock) {
  self->close();
  const executor ex = co_await this_coro::executor;
  const auto wait = std::make_shared<Drain>(clock, ex);
  const Draining draining(self, wait);
  if (!draining.needed()) {
    co_return true;
  }
  // The end of the last task cancels the timer.
  [[maybe_unused]] const bool time_came = co_await wait->timer.wait_until(by.when());
  const std::lock_guard lock(self->mutex);
  co_return self->running.empty();
}

TaskGroup::TaskGroup(std::size_t limit) : state_(std::make_shared<State>(limit)) {
  if (limit == 0) {
    throw_error(errc::invalid_argument, "TaskGroup: the limit is 0; at least one task must be allowed");
  }
}

TaskGroup::~TaskGroup() {
  close();
  try {
    state_->cancel();
  } catch (const std::exception& e) {
    log::error("background tasks could not be cancelled", {{"error", e.what()}});
  }
}

void TaskGroup::spawn(executor ex, std::string_view name, std::function<awaitable<void>()> work) {
  if (!work) {
    throw_error(errc::invalid_argument, "TaskGroup::spawn: the task \"" + std::string(name) + "\" has no function");
  }
  auto task = std::make_shared<State::Task>();
  task->group = state_;
  task->ex = std::move(ex);
  task->name = name;
  task->work = std::move(work);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) {
      throw_error(errc::shutting_down, "background task \"" + task->name + "\" refused: the process is shutting down");
    }
    if (state_->running.size() >= state_->limit) {
      throw_error(errc::overloaded, "background task \"" + task->name + "\" refused: " + std::to_string(state_->limit) +
                                        " run already; try again later");
    }
    task->self = state_->running.insert(state_->running.end(), task);
  }
  // Posted, so that the task begins after `spawn` has returned, and its cancellation signal is used on `ex` only.
  asio::post(task->ex, [running = State::Running(task)]() mutable { State::start(std::move(running)); });
}

void TaskGroup::close() noexcept {
  state_->close();
}

void TaskGroup::cancel() {
  state_->cancel();
}

std::size_t TaskGroup::count() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->running.size();
}

std::uint64_t TaskGroup::failures() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->failures;
}

awaitable<bool> TaskGroup::drain(Deadline by, Clock& clock) {
  return State::drain(state_, by, clock);
}

}  // namespace tern
