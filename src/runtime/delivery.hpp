#pragma once

#include <cstdint>
#include <string_view>

namespace tern::runtime {

/// How the replies of a turn travel.
enum class Delivery : std::uint8_t {
  channel,  ///< through the connector, as they are sent
  buffer,   ///< `expectReplies`: in the response, at the end
  stream    ///< `stream`: in the response, as they are sent
};

/// Of the protocol's `deliveryMode`; an unknown one counts as normal.
Delivery delivery_of(std::string_view mode) noexcept;

}  // namespace tern::runtime
