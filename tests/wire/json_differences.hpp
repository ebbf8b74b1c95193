#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <vector>

namespace tern::wire {

/// Where `actual` differs from `expected`, one line for each place: its JSON pointer, what was expected, what came.
/// The order of members does not matter. Empty when they are equal.
std::vector<std::string> json_differences(const boost::json::value& expected, const boost::json::value& actual);

}  // namespace tern::wire
