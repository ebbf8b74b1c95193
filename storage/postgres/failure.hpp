#pragma once

#include <tern/error.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tern::detail::pg {

/// The meaning of a failed statement for the operations that were in it.
enum class FailureKind {
  outage,     ///< the connection is lost or the server does not serve; whether the statement was done is unknown
  cut,        ///< the server did not answer in time, so we cut the connection; the same
  race,       ///< another transaction was in the way: nothing was done, and trying again helps
  timed_out,  ///< the server stopped at its `statement_timeout`: nothing was done
  full,       ///< the server lacks disk, memory or connections: nothing was done
  input,      ///< an operation has data that the server cannot store: nothing was done
  refused     ///< rights, missing tables, a bug: nothing was done
};

/// A failed statement. The message holds no secret.
class Failure : public std::runtime_error {
 public:
  Failure(FailureKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  FailureKind kind() const noexcept { return kind_; }
  /// Whether the connection cannot be used any more.
  bool is_lost() const noexcept { return kind_ == FailureKind::outage || kind_ == FailureKind::cut; }

 private:
  FailureKind kind_;
};

/// The kind of an error that the server tells by its SQLSTATE.
FailureKind kind_of(const std::string& sqlstate) noexcept;

/// The current exception, which libpqxx threw, as a kind and its bare message.
/// Preconditions: called from a `catch`.
Failure current_failure(bool connection_is_open);

/// Whether a failure to connect, by its message, is one that waiting does not mend: a wrong name, password or database.
bool is_permanent_at_door(std::string_view message) noexcept;

/// The error that an operation ends with. `wrote`: it was a write, whose outcome may be unknown.
std::exception_ptr error_for(const Failure& failure, bool wrote);

}  // namespace tern::detail::pg
