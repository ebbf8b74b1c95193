#pragma once

#include <exception>
#include <string>

namespace tern::http {

/// What went wrong, for a log: the message of an error code or the type of the exception, never its own text, which
/// may repeat parts of a request.
std::string describe(const std::exception_ptr& error);

}  // namespace tern::http
