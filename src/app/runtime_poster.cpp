#include "app/runtime_poster.hpp"

#include "turn/background.hpp"

#include <tern/error.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace tern::app {

namespace {

awaitable<void> run_and_tell(std::function<awaitable<void>()> work, std::shared_ptr<std::promise<void>> end) {
  std::exception_ptr error;
  try {
    co_await work();
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    end->set_exception(std::move(error));
  } else {
    end->set_value();
  }
}

}  // namespace

std::future<void> RuntimePoster::post_to(std::size_t shard, std::function<awaitable<void>()> work) {
  auto end = std::make_shared<std::promise<void>>();
  auto told = end->get_future();
  runtime_.spawn(shard, "posted work",
                 [work = std::move(work), end = std::move(end)] { return run_and_tell(work, end); });
  return told;
}

// The shards take turns, so that the work is spread over all of them.
std::future<void> RuntimePoster::post(std::function<awaitable<void>()> work) {
  if (!work) {
    throw_error(errc::invalid_argument, "Nothing was posted: the work is empty.");
  }
  return post_to(next_.fetch_add(1, std::memory_order_relaxed) % shards_.size(), std::move(work));
}

std::future<void> RuntimePoster::post(ConversationReference conversation, BackgroundWork work) {
  if (!work) {
    throw_error(errc::invalid_argument, "Nothing was posted: the work is empty.");
  }
  const auto home = runtime_.home_of(conversation);
  auto state = std::make_shared<detail::BackgroundState>(shards_[home].ex(), runtime_.environment(home));
  auto here = detail::BackgroundAccess::conversation(std::move(conversation), proactive_, clock_, std::move(state));
  return post_to(home, [work = std::move(work), here = std::move(here)] { return work(here); });
}

}  // namespace tern::app
