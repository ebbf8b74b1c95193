#pragma once

#include "direct_line/append_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// A set of activities as clients get it: `{"activities":[...],"watermark":"3"}`.
struct Frame {
  std::shared_ptr<const std::string> text;
  std::uint64_t watermark = 0;
  std::size_t next = 0;  ///< the first activity that is not in it
};

/// Puts activities into a set, from `begin` on: as many as fit into `max_bytes`, and one at least if there is one.
/// `watermark`: that of the activities before `begin`. Activities with the number 0 do not move it.
Frame make_frame(const std::vector<StoredActivity>& activities, std::size_t begin, std::uint64_t watermark,
                 std::size_t max_bytes);

/// Reads a watermark: a number, and 0 for "" and "-", which mean the beginning. nullopt for every other text.
std::optional<std::uint64_t> parse_watermark(std::string_view text);

}  // namespace tern::direct_line
