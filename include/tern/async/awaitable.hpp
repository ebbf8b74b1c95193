#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

namespace tern {

namespace asio = boost::asio;
namespace this_coro = boost::asio::this_coro;

/// The coroutine type of every turn: Asio's own, so that a bot can await anything written for Asio.
template <class T = void>
using awaitable = asio::awaitable<T>;

/// The executor of a shard.
using executor = asio::any_io_executor;

}  // namespace tern
