#pragma once

#include <exception>
#include <string>

namespace tern::proactive {

/// The text of an exception for a log.
/// Preconditions: `error` is not null.
inline std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace tern::proactive
