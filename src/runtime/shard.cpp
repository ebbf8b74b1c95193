#include "runtime/shard.hpp"

#include "async/describe_error.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

namespace tern::runtime {

namespace {

thread_local Shard* this_shard = nullptr;

// The exception is logged and not rethrown, because rethrowing it in a completion handler would end the thread. Only a
// bug ends a timing wheel with an exception.
void log_end(std::exception_ptr error) {
  if (error) {
    log::error("a shard's timing wheel ended", {{"error", detail::describe(error)}});
  }
}

}  // namespace

Shard::Shard(std::size_t index, Clock& clock)
    : index_(index),
      io_(std::make_unique<ShardContext>()),
      wheel_(std::make_unique<TimingWheel>(clock, io_->get_executor())),
      work_(asio::make_work_guard(*io_)) {
  asio::co_spawn(*io_, wheel_->run(), log_end);
}

Shard::~Shard() {
  stop();
  join();
}

void Shard::start() {
  runs_.store(true, std::memory_order_release);
  thread_ = std::thread([this] { run(); });
}

void Shard::run() noexcept {
  this_shard = this;
  {
    const std::lock_guard lock(running_mutex_);
    running_.emplace(Thread{::pthread_self(), ::gettid(), detail::running_slot});
  }
  for (;;) {
    try {
      io_->run();
      break;
    } catch (const std::exception& e) {
      log::error("an exception left a handler", {{"shard", index_}, {"error", e.what()}});
    }
  }
  {
    const std::lock_guard lock(running_mutex_);
    running_.reset();
  }
  this_shard = nullptr;
  runs_.store(false, std::memory_order_release);
}

void Shard::finish() {
  asio::post(*io_, [this] {
    wheel_->stop();
    work_.reset();
  });
}

void Shard::stop() {
  if (io_) {
    io_->stop();
  }
}

void Shard::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Shard::tear_down() {
  work_.reset();
  wheel_.reset();
  io_.reset();
}

bool Shard::look_at_thread(const std::function<void(const Thread&)>& look) {
  const std::lock_guard lock(running_mutex_);
  if (running_) {
    look(*running_);
  }
  return running_.has_value();
}

Shard* Shard::current() noexcept {
  return this_shard;
}

ShardPool::ShardPool(std::size_t threads, Clock& clock) {
  if (threads == 0) {
    threads = std::max(1U, std::thread::hardware_concurrency());
  }
  shards_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    shards_.push_back(std::make_unique<Shard>(i, clock));
  }
}

void ShardPool::start() {
  for (auto& shard : shards_) {
    shard->start();
  }
}

void ShardPool::stop() {
  for (auto& shard : shards_) {
    shard->stop();
  }
  for (auto& shard : shards_) {
    shard->join();
  }
}

// Asio destroys a waiting coroutine by posting it to its own context, where the next round destroys it. When coroutines
// wait for each other across shards, each step of the chain takes one round. The longest chain has five steps: from a
// recurring send to its turn, and to the operations that the turn waits for.
void ShardPool::abandon() {
  constexpr int rounds = 16;
  for (int i = 0; i < rounds; ++i) {
    for (auto& shard : shards_) {
      shard->abandon();
    }
  }
}

void ShardPool::tear_down() {
  abandon();
  for (auto& shard : shards_) {
    shard->tear_down();
  }
}

}  // namespace tern::runtime
