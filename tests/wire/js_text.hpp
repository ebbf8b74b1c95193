#pragma once

#include <boost/json/value.hpp>

#include <string>

namespace tern::wire {

/// What JavaScript's `${value}` makes of a JSON value; nullptr is JavaScript's `undefined`.
/// The captured bot echoes that way, and its answers to a missing or a numeric text are part of the captures.
/// Source: ECMA-262, "ToString".
std::string js_text(const boost::json::value* value);

}  // namespace tern::wire
