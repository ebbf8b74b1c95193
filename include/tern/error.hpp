#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <stdexcept>
#include <string>

namespace tern {

///@{
/// Boost's own types, by shorter names.
using boost::system::error_code;
using boost::system::result;
using boost::system::system_error;
///@}

/// The failures that Tern reports: outages, limits and misuse. Thrown as `system_error` with the category `tern`.
enum class errc {
  overloaded = 1,        ///< A bound of `limits.*` is reached; try again later.
  timed_out,             ///< A deadline passed before the operation ended.
  shutting_down,         ///< The process drains and takes no new work.
  proactive_disabled,    ///< `proactive.enabled` is off.
  conflict,              ///< Another writer changed what this turn had read.
  storage_unavailable,   ///< The storage backend cannot be reached.
  not_found,             ///< The named thing does not exist.
  channel_unreachable,   ///< The channel's service could not be connected to, or the connection was lost.
  channel_rejected,      ///< The channel answered with an error status (see `ChannelError`).
  service_url_refused,   ///< The configuration does not allow sending to this serviceUrl.
  unknown_continuation,  ///< No continuation is registered under this name.
  invalid_argument,      ///< A parameter is outside what the function accepts.
  turn_ended,        ///< A turn, or a conversation of background work, was used after its end: a mistake of the bot.
  state_mismatch,    ///< What is stored is not of the type that the bot reads it as.
  host_unreachable,  ///< The server of an HTTP request could not be connected to, or the connection was lost.
  bad_answer,        ///< What the server of an HTTP request answered is malformed, or exceeds a bound.
  address_refused    ///< The channel's host leads to an address that the configuration does not allow sending to.
};

}  // namespace tern

/// @cond
template <>
struct boost::system::is_error_code_enum<tern::errc> : std::true_type {};
/// @endcond

namespace tern {

/// The category of `errc`; its name is "tern".
const boost::system::error_category& error_category() noexcept;

/// The code with its category; Boost calls it where an `errc` becomes an `error_code`.
error_code make_error_code(errc code) noexcept;

/// The exception that Tern throws: a `system_error` whose `what()` is the message alone. Boost's own `what()` adds the
/// text of the code, which would say the same in other words.
class Error : public system_error {
 public:
  /// `message`: what was wrong, where, and what to do.
  Error(error_code code, const std::string& message) : system_error(code, message), text_(message) {}
  /// The message.
  const char* what() const noexcept override { return text_.what(); }

 private:
  std::runtime_error text_;  // as text that is copied without throwing
};

/// Throws `Error`.
[[noreturn]] void throw_error(errc code, const std::string& message);

/// The message that the exception was thrown with, without the text of the code that Boost's `what()` adds.
std::string message_of(const system_error& error);

}  // namespace tern
