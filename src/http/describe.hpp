#pragma once

#include <exception>
#include <string>

namespace tern::http {

/// Describes an exception for a log: by the message of its error code, or by its type. The exception's own text is left
/// out, because it may repeat parts of a request. Elsewhere `detail::describe` gives that text.
std::string describe(const std::exception_ptr& error);

}  // namespace tern::http
