#include "proactive/schedule/continuation_turn.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace tern::proactive {

namespace {

using Told = std::function<void(std::exception_ptr)>;

// Submits `continuation` and waits for the result that its member `told` is called with. The caller is resumed on its
// own executor.
awaitable<void> submit(runtime::Runtime& runtime, runtime::Continuation continuation,
                       Told runtime::Continuation::* told) {
  auto begin = [](auto handler, runtime::Runtime* where, runtime::Continuation what,
                  Told runtime::Continuation::* when) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    what.*when = [shared](std::exception_ptr error) {
      auto ex = asio::get_associated_executor(*shared);
      asio::post(ex, [shared, error]() mutable { std::move (*shared)(error); });
    };
    where->submit(std::move(what));
  };
  co_await asio::async_initiate<const asio::deferred_t&, void(std::exception_ptr)>(begin, asio::deferred, &runtime,
                                                                                   std::move(continuation), told);
}

}  // namespace

awaitable<void> run_continuation(runtime::Runtime& runtime, runtime::Continuation continuation) {
  return submit(runtime, std::move(continuation), &runtime::Continuation::done);
}

awaitable<void> queue_continuation(runtime::Runtime& runtime, runtime::Continuation continuation) {
  continuation.done = [](const std::exception_ptr&) {};  // the runtime logs and counts a failure
  return submit(runtime, std::move(continuation), &runtime::Continuation::admitted);
}

}  // namespace tern::proactive
