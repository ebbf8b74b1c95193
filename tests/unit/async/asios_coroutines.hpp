#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <typeinfo>

/// Coroutines of a library that knows only Asio, in a header that two sources of this test include: one after Tern's
/// headers, one without them. The program has one copy of each inline function, from whichever source the linker took.
namespace tern::asios {

inline boost::asio::awaitable<int> add_one(int number) {
  co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
  co_return number + 1;
}

inline boost::asio::awaitable<int> add_two(int number) {
  const int one_more = co_await add_one(number);
  co_return co_await add_one(one_more);
}

/// The parts of a coroutine that the compiler lays out by its type.
struct Frame {
  const std::type_info* promise;
  std::size_t size;

  template <class Result>
  static Frame of() {
    using Promise = typename std::coroutine_traits<Result, int>::promise_type;
    return {&typeid(Promise), sizeof(Promise)};
  }
};

/// As the source sees it that does not include Tern.
Frame frame_without_tern();
boost::asio::awaitable<int> add_two_without_tern(int number);

}  // namespace tern::asios
