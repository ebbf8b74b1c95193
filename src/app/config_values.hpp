#pragma once

#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How the values of the configuration are written and read. A reader yields nullopt for what it does not take.
namespace tern::app {

namespace json = boost::json;

/// A whole number, also as text.
std::optional<std::uint64_t> read_number(const json::value& value);
/// Bytes: a number, or text with B, KiB, MiB or GiB.
std::optional<std::uint64_t> read_size(const json::value& value);
/// A number of milliseconds, or text with ms, s, m or h.
std::optional<std::chrono::milliseconds> read_duration(const json::value& value);
/// true and false, also as text, and as on, off, 1, 0.
std::optional<bool> read_bool(const json::value& value);

/// With the largest unit that divides it: "10s", "64MiB".
std::string write_duration(std::chrono::milliseconds value);
std::string write_size(std::uint64_t value);

}  // namespace tern::app
