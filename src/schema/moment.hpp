#pragma once

#include <tern/schema/timestamp.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace tern::detail {

/// A moment, and the offset that it was written with.
struct Moment {
  std::chrono::system_clock::time_point time;
  std::chrono::minutes offset{0};
};

/// As `Timestamp::parse`, without keeping the text: it allocates nothing.
std::optional<Moment> parse_moment(std::string_view text) noexcept;

}  // namespace tern::detail
