#pragma once

#include <string_view>

namespace tern::detail {

/// Whether an id can be a segment of a channel's URL. False for ids that no encoding protects: "" would leave the
/// segment out, and clients, proxies and servers resolve "." and "..", also in the form %2E.
constexpr bool may_stand_in_path(std::string_view id) noexcept {
  return !id.empty() && id != "." && id != "..";
}

}  // namespace tern::detail
