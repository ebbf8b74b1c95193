#pragma once

#include "async/describe_error.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <boost/asio/error.hpp>

#include <chrono>
#include <exception>

namespace tern::proactive {

/// How long the schedule waits before it asks its store again, after a call that failed.
inline constexpr std::chrono::milliseconds storage_pause{250};

/// The exception that is being handled, for a caller who asks the store again. One that ends all work is thrown on.
/// Preconditions: called in a handler of exceptions.
inline std::exception_ptr failure_of_storage() {
  try {
    throw;
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      throw;
    }
    return std::current_exception();
  } catch (...) {
    return std::current_exception();
  }
}

inline void log_failure_of_storage(const std::exception_ptr& error) {
  log::warn("the schedule's storage failed; it is asked again", {{"error", detail::describe(error)}});
}

}  // namespace tern::proactive
