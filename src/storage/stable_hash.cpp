#include <tern/storage/schedule_types.hpp>

#include "async/keyed_hash.hpp"

namespace tern {

// Frozen: the slot of every stored send was computed with it. FNV-1a alone leaves the low bits of short keys poorly
// mixed, and `slot_of` takes the low bits; hence the final mix of MurmurHash3 (fmix64).
std::uint64_t stable_hash(std::string_view bytes) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3ULL;
  }
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53ULL;
  hash ^= hash >> 33;
  return hash;
}

std::uint64_t order_hash_of(std::string_view order_key) noexcept {
  return detail::keyed_hash(order_key);
}

}  // namespace tern
