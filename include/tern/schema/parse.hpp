#pragma once

#include <tern/error.hpp>
#include <tern/schema/activity.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tern {

/// Why a body is no activity: the protocol's error code and a sentence for the sender.
struct ParseError {
  std::string code;     ///< "BadSyntax", "BadArgument" or "MissingProperty"
  std::string message;  ///< what is wrong, where, and what is expected
  /// Where in the text the JSON breaks off, in bytes from 0. Absent when the text is JSON, and no activity.
  std::optional<std::size_t> position = {};
};

/// The deepest nesting of arrays and objects that is accepted.
inline constexpr std::size_t max_json_depth = 32;

/// Parses JSON text strictly: UTF-8, at most `max_json_depth` levels, no number that a double cannot hold.
/// An escaped surrogate without its partner becomes U+FFFD.
boost::system::result<json::value, ParseError> parse_json(std::string_view text);

/// Parses and checks an incoming activity: an object with a non-empty string `type`, a `conversation` with a
/// non-empty string `id`, and a `serviceUrl` that is an absolute http or https URL (it may be absent with
/// `deliveryMode: expectReplies` or `stream`). `callerId` is removed: it is set from the token's claims alone.
/// Source: Activity Protocol, "Basic activity structure".
boost::system::result<Activity, ParseError> parse_activity(std::string_view text);

/// The protocol's error body: `{"error":{"code":...,"message":...}}`.
std::string error_body(std::string_view code, std::string_view message);

}  // namespace tern
