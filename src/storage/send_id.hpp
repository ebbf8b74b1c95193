#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tern::storage {

/// The part of a handle that names a send for good.
using SendId = std::array<std::uint8_t, 16>;

struct SendIdHash {
  std::size_t operator()(const SendId& id) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, id.data(), sizeof hash);  // ids are random
    return hash;
  }
};

}  // namespace tern::storage
