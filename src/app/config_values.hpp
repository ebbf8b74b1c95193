#pragma once

#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Reads and writes the values of the configuration. A reader returns nullopt for a value that is not allowed.
namespace tern::app {

namespace json = boost::json;

/// A whole number, or a text with one.
std::optional<std::uint64_t> read_number(const json::value& value);
/// Bytes: a number, or text with B, KiB, MiB or GiB.
std::optional<std::uint64_t> read_size(const json::value& value);
/// A number of milliseconds, or text with ms, s, m or h.
std::optional<std::chrono::milliseconds> read_duration(const json::value& value);
/// true or false, or one of the texts true, false, on, off, 1 and 0.
std::optional<bool> read_bool(const json::value& value);

/// Writes the value with the largest unit that divides it, such as "10s" or "64MiB".
std::string write_duration(std::chrono::milliseconds value);
std::string write_size(std::uint64_t value);

}  // namespace tern::app
