#pragma once

#include "storage/lane_core.hpp"

#include "pools/block_pool.hpp"

#include <memory>
#include <optional>
#include <span>
#include <stdexcept>

namespace tern::storage {

/// A thread that owns something that blocks (a connection or a writer), and serves coroutines. It takes all waiting
/// operations in one batch, so that load makes batches larger and not queues longer. The answers of a batch go back
/// with one post for each executor, which resumes some callers and posts itself for the others.
///
/// Lifetime: the context of a caller outlives its call; `stop` comes before the end of what the work uses.
/// Thread safety: any thread.
template <class Request, class Answer>
class Lane {
  static constexpr std::size_t block_step = 64;
  static constexpr std::size_t largest_block = 2048;
  static constexpr std::size_t most_bytes_of_blocks = 1U << 20;

  struct Call : LaneEntry {
    Call(Request what, Deadline until) : LaneEntry(until), request(std::move(what)) {}
    Request request;
    std::optional<Answer> answer;

    // Many calls wait at once, and most come from the same few threads, which free the memory that they allocate.
    using Blocks = tern::detail::BlockPool<Call, block_step, largest_block, most_bytes_of_blocks>;
    static void* operator new(std::size_t size) { return Blocks::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { Blocks::deallocate(memory, size); }
  };

 public:
  /// A call that the lane has taken. Its work calls `succeed` or `fail`, once.
  class Ticket {
   public:
    explicit Ticket(Call& call) : request(call.request), call_(&call) {}

    Request& request;

    void succeed(Answer answer) { call_->answer.emplace(std::move(answer)); }
    void fail(std::exception_ptr error) { call_->error = std::move(error); }
    bool answered() const noexcept { return call_->answer.has_value() || call_->error != nullptr; }

   private:
    Call* call_;
  };
  using Batch = std::span<Ticket>;  ///< in order of arrival
  /// Runs on the lane's thread, and may block. When it throws, the calls that it has not answered fail with that
  /// exception.
  using Work = std::function<void(Batch)>;

  Lane(LaneSettings settings, Work work)
      : core_(std::make_shared<LaneCore>(
            std::move(settings),
            [work = std::move(work)](const std::vector<LaneEntry*>& entries) { run_work(work, entries); })) {}
  ~Lane() { core_->stop(); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Hands `request` to the lane and waits for its answer.
  /// Cancellation: ends a call that waits; one that was taken ends with its real outcome, also after its deadline.
  /// Errors: `errc::overloaded` when the lane is full, `errc::timed_out` when it was not taken until `by`,
  /// `errc::shutting_down` after `stop`, and what the work fails it with.
  awaitable<Answer> call(Request request, Deadline by) {
    // Not in the frame of the coroutine, which would hold the request twice.
    return wait(core_, std::make_unique<Call>(std::move(request), by));
  }

  /// How many calls wait.
  std::size_t waiting() const { return core_->waiting(); }

  /// Refuses new calls and waiting calls, and returns when the batch under way has ended.
  void stop() noexcept { core_->stop(); }

 private:
  static awaitable<Answer> wait(std::shared_ptr<LaneCore> core, std::unique_ptr<Call> call) {
    co_await enter_lane(std::move(core), *call);
    co_return std::move(*call->answer);
  }

  static void run_work(const Work& work, const std::vector<LaneEntry*>& entries) {
    std::vector<Ticket> tickets;
    tickets.reserve(entries.size());
    for (auto* entry : entries) {
      tickets.emplace_back(static_cast<Call&>(*entry));
    }
    std::exception_ptr error;
    try {
      work(tickets);
    } catch (...) {
      error = std::current_exception();
    }
    for (auto& ticket : tickets) {
      if (!ticket.answered()) {
        ticket.fail(error ? error : std::make_exception_ptr(std::logic_error("a lane left a call without an answer")));
      }
    }
  }

  std::shared_ptr<LaneCore> core_;  // shared with calls that may be cancelled
};

}  // namespace tern::storage
