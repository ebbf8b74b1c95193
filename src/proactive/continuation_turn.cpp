#include "proactive/continuation_turn.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <utility>

namespace tern::proactive {

awaitable<void> run_continuation(runtime::Runtime& runtime, runtime::Continuation continuation) {
  auto begin = [](auto handler, runtime::Runtime* where, runtime::Continuation what) {
    // The handler is resumed on its own executor.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    what.done = [shared](std::exception_ptr error) {
      auto ex = asio::get_associated_executor(*shared);
      asio::post(ex, [shared, error]() mutable { std::move (*shared)(error); });
    };
    where->submit(std::move(what));
  };
  co_await asio::async_initiate<const asio::deferred_t&, void(std::exception_ptr)>(begin, asio::deferred, &runtime,
                                                                                   std::move(continuation));
}

}  // namespace tern::proactive
