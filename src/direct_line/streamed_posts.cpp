#include "direct_line/streamed_posts.hpp"

#include "async/describe_error.hpp"
#include "direct_line/offer_line.hpp"
#include "direct_line/refusal.hpp"

#include <tern/error.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::direct_line {

// A call that waits, for as long as its coroutine exists.
class StreamedPosts::Waiting {
 public:
  explicit Waiting(Post& post) : post_(post) {
    const std::lock_guard lock(post_.mutex_);
    ++post_.calls_;
  }
  ~Waiting() {
    const std::lock_guard lock(post_.mutex_);
    --post_.calls_;
    std::erase(post_.sleepers_, place);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  std::shared_ptr<auth::WaitPlace> place;  // the last one

 private:
  Post& post_;
};

void StreamedPosts::Post::wake(const Sleepers& sleepers) {
  for (const auto& sleeper : sleepers) {
    sleeper->wake();
  }
}

void StreamedPosts::Post::offered() {
  Sleepers sleepers;
  {
    const std::lock_guard lock(mutex_);
    offered_ = clock_.now();
    sleepers = std::exchange(sleepers_, {});
  }
  wake(sleepers);
}

void StreamedPosts::Post::refused() {
  const std::lock_guard lock(mutex_);
  offered_.reset();
}

bool StreamedPosts::Post::end(std::exception_ptr error) {
  bool is_waited_for = false;
  Sleepers sleepers;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    error_ = std::move(error);
    is_waited_for = calls_ > 0;
    sleepers = std::exchange(sleepers_, {});
  }
  wake(sleepers);
  return is_waited_for;
}

StreamedPosts::StreamedPosts(TaskGroup& tasks, std::chrono::milliseconds ack_after, Clock& clock)
    : tasks_(tasks), ack_after_(std::max(ack_after, OfferLine::longest_refusal)), clock_(clock) {}

awaitable<void> StreamedPosts::give(std::string id, Work work) {
  const auto ex = co_await this_coro::executor;
  std::shared_ptr<Post> post;
  bool begins = false;
  {
    const std::lock_guard lock(mutex_);
    auto& known = posts_[id];
    begins = !known;
    if (begins) {
      known = std::make_shared<Post>(clock_);
    }
    post = known;
  }
  if (begins) {
    begin(ex, id, post, std::move(work));
  }
  co_await wait(std::move(post));
}

void StreamedPosts::begin(executor ex, const std::string& id, const std::shared_ptr<Post>& post, Work work) {
  try {
    tasks_.spawn(std::move(ex), "give an activity of Direct Line to the bot",
                 [this, id, post, work = std::move(work)] { return run(id, post, work); });
  } catch (...) {
    forget(id);
    post->end(std::current_exception());
  }
}

awaitable<void> StreamedPosts::run(std::string id, std::shared_ptr<Post> post, Work work) {
  std::exception_ptr error;
  try {
    auto stream = work(post);
    co_await std::move(stream);
  } catch (...) {
    error = std::current_exception();
  }
  forget(id);
  const bool is_told = post->end(error);
  if (error && !is_told) {
    std::rethrow_exception(error);  // into the log
  }
}

void StreamedPosts::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  posts_.erase(id);
}

awaitable<void> StreamedPosts::wait(std::shared_ptr<Post> post) {
  const auto ex = co_await this_coro::executor;
  Waiting waiting(*post);
  while (true) {
    auto by = Deadline::never();
    {
      const std::lock_guard lock(post->mutex_);
      if (post->ended_) {
        break;
      }
      if (post->offered_) {
        by = Deadline::at(*post->offered_ + ack_after_);
      }
      if (by.expired(clock_)) {
        co_return;  // the bot has taken it, and the stream goes on
      }
      waiting.place = std::make_shared<auth::WaitPlace>(clock_, ex);
      post->sleepers_.push_back(waiting.place);
    }
    const bool woken = co_await waiting.place->wait(by);
    if (!woken) {
      const std::lock_guard lock(post->mutex_);
      std::erase(post->sleepers_, waiting.place);
    }
  }
  if (!post->error_) {
    co_return;
  }
  if (tern::detail::has_code(post->error_, asio::error::operation_aborted) ||
      tern::detail::has_code(post->error_, errc::shutting_down)) {
    throw Refusal(503, "ServiceUnavailable", "The bot shuts down. Send the activity again.", std::chrono::seconds(1));
  }
  std::rethrow_exception(post->error_);
}

std::size_t StreamedPosts::count() const {
  const std::lock_guard lock(mutex_);
  return posts_.size();
}

}  // namespace tern::direct_line
