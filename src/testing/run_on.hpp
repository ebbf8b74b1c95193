#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace tern::test {

/// How long a helper here waits for the next handler, in real time, before it says that the test hangs.
inline constexpr std::chrono::seconds patience{60};

namespace detail {

template <class T>
struct Outcome {
  std::optional<T> value;
  std::exception_ptr error;
  bool ended = false;

  T take() { return std::move(*value); }
};

template <>
struct Outcome<void> {
  std::exception_ptr error;
  bool ended = false;

  void take() {}
};

template <class T>
awaitable<void> keep(awaitable<T> work, std::shared_ptr<Outcome<T>> outcome) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(work);
  } else {
    auto value = co_await std::move(work);
    outcome->value.emplace(std::move(value));
  }
}

}  // namespace detail

/// Runs `work` on `io`, and what else is there, until `work` has ended. Other work may be left in `io` afterwards.
/// Errors: the exception of `work`; `std::logic_error` when nothing is left to run or nothing comes for `patience`.
template <class T>
T run_on(asio::io_context& io, awaitable<T> work) {
  auto outcome = std::make_shared<detail::Outcome<T>>();
  asio::co_spawn(io, detail::keep(std::move(work), outcome), [outcome](std::exception_ptr error) {
    outcome->error = error;
    outcome->ended = true;
  });
  io.restart();
  while (!outcome->ended) {
    if (io.run_one_for(patience) == 0) {
      throw std::logic_error("tern::test::run_on: the coroutine waits for something that does not come");
    }
  }
  if (outcome->error) {
    std::rethrow_exception(outcome->error);
  }
  return outcome->take();
}

/// As `run_on`, on an `io_context` of its own, destroyed with all that `work` left behind.
template <class T>
T run(awaitable<T> work) {
  asio::io_context io{1};
  return run_on(io, std::move(work));
}

}  // namespace tern::test
