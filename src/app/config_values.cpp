#include "app/config_values.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace tern::app {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array duration_units{Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1}};
constexpr std::array size_units{Unit{"GiB", 1ULL << 30}, Unit{"MiB", 1ULL << 20}, Unit{"KiB", 1ULL << 10},
                                Unit{"B", 1}};

/// The number at the front of `text`, and the rest; nullopt without digits, or when the number is too large.
std::optional<std::pair<std::uint64_t, std::string_view>> split(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) {
    return std::nullopt;
  }
  return std::pair{number, text.substr(static_cast<std::size_t>(end - text.data()))};
}

template <std::size_t N>
std::optional<std::uint64_t> read_with_unit(const json::value& value, const std::array<Unit, N>& units) {
  if (!value.is_string()) {
    return read_number(value);
  }
  const auto parts = split(value.as_string());
  if (!parts) {
    return std::nullopt;
  }
  if (parts->second.empty()) {
    return parts->first;
  }
  for (const auto& unit : units) {
    if (parts->second == unit.name && parts->first <= std::numeric_limits<std::int64_t>::max() / unit.factor) {
      return parts->first * unit.factor;
    }
  }
  return std::nullopt;
}

template <std::size_t N>
std::string write_with_unit(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const auto& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(value) + std::string(units.back().name);
}

}  // namespace

std::optional<std::uint64_t> read_number(const json::value& value) {
  if (value.is_int64() && value.as_int64() >= 0) {
    return static_cast<std::uint64_t>(value.as_int64());
  }
  if (value.is_uint64()) {
    return value.as_uint64();
  }
  if (value.is_string()) {
    const auto parts = split(value.as_string());
    if (parts && parts->second.empty()) {
      return parts->first;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> read_size(const json::value& value) {
  return read_with_unit(value, size_units);
}

std::optional<std::chrono::milliseconds> read_duration(const json::value& value) {
  const auto count = read_with_unit(value, duration_units);
  if (!count || *count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(*count));
}

std::optional<bool> read_bool(const json::value& value) {
  if (value.is_bool()) {
    return value.as_bool();
  }
  if (!value.is_string()) {
    return std::nullopt;
  }
  const std::string_view text = value.as_string();
  if (text == "true" || text == "on" || text == "1") {
    return true;
  }
  if (text == "false" || text == "off" || text == "0") {
    return false;
  }
  return std::nullopt;
}

std::string write_duration(std::chrono::milliseconds value) {
  return write_with_unit(static_cast<std::uint64_t>(value.count()), duration_units);
}

std::string write_size(std::uint64_t value) {
  return write_with_unit(value, size_units);
}

}  // namespace tern::app
