#pragma once

#include "async/keyed_hash.hpp"
#include "async/task_group.hpp"
#include "auth/wait_place.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tern::direct_line {

/// The activities of clients whose turns stream, while their replies are being stored. A stream may take longer than
/// its client waits for an answer, and it is not read by that client alone. So it is stored by a task, and the call is
/// answered after a time. Whoever brings the activity again meanwhile waits for the same outcome, and nothing is begun
/// for it.
///
/// Lifetime: the group of tasks and the clock outlive it.
/// Thread safety: all functions from any thread.
class StreamedPosts {
 public:
  /// One of them.
  ///
  /// Thread safety: all functions from any thread.
  class Post {
   public:
    explicit Post(Clock& clock) : clock_(clock) {}
    /// The bot is asked to take the activity.
    void offered();
    /// The bot is overloaded and has not taken it.
    void refused();

   private:
    friend class StreamedPosts;

    using Sleepers = std::vector<std::shared_ptr<auth::WaitPlace>>;

    // True when somebody waits for it.
    bool end(std::exception_ptr error);
    static void wake(const Sleepers& sleepers);

    Clock& clock_;
    std::mutex mutex_;  // guards all below
    std::optional<SteadyTime> offered_;
    bool ended_ = false;
    std::exception_ptr error_;
    std::size_t calls_ = 0;  // that wait
    Sleepers sleepers_;
  };
  /// Gives the activity to the bot, and ends with the stream.
  using Work = std::function<awaitable<void>(std::shared_ptr<Post> post)>;

  /// `ack_after`: how long a call waits for the end of a stream that the bot has begun.
  StreamedPosts(TaskGroup& tasks, std::chrono::milliseconds ack_after, Clock& clock);

  /// Begins `work` as a task, unless the activity with this id is being stored already, and waits for its end; until
  /// `ack_after` has passed since the bot took the activity.
  /// Cancellation: the task goes on.
  /// Errors: those of `work`; `Refusal` with 503 when the process shuts down meanwhile.
  awaitable<void> give(std::string id, Work work);

  /// How many are being stored.
  std::size_t count() const;

 private:
  class Waiting;

  void begin(executor ex, const std::string& id, const std::shared_ptr<Post>& post, Work work);
  awaitable<void> run(std::string id, std::shared_ptr<Post> post, Work work);
  awaitable<void> wait(std::shared_ptr<Post> post);
  void forget(const std::string& id);

  TaskGroup& tasks_;
  const std::chrono::milliseconds ack_after_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<std::string, std::shared_ptr<Post>, tern::detail::KeyedHash, std::equal_to<>> posts_;
};

}  // namespace tern::direct_line
