#pragma once

#include <cstdint>
#include <string_view>

namespace tern::runtime {

/// How the replies of a turn reach the client.
enum class Delivery : std::uint8_t {
  channel,  ///< through the connector, as they are sent
  buffer,   ///< `expectReplies`: in the response, at the end
  stream    ///< `stream`: in the response, as they are sent
};

/// The delivery that the protocol's `deliveryMode` asks for. An unknown mode counts as normal.
Delivery delivery_of(std::string_view mode) noexcept;

}  // namespace tern::runtime
