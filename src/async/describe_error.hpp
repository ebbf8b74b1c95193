#pragma once

#include <tern/error.hpp>

#include <exception>
#include <string>

namespace tern::detail {

/// The text of an exception, for logs and reasons.
/// Preconditions: `error` is not null.
std::string describe(const std::exception_ptr& error);

/// The same, without the text of the error code if it is a `system_error`, for people.
/// Preconditions: `error` is not null.
std::string message_of(const std::exception_ptr& error);

/// Whether the exception is a `system_error` with this code.
/// Preconditions: `error` is not null.
bool has_code(const std::exception_ptr& error, const error_code& code) noexcept;

}  // namespace tern::detail
