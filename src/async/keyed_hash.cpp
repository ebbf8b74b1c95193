#include "async/keyed_hash.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>

namespace tern::detail {

namespace {

using Key = std::array<unsigned char, crypto_shorthash_siphashx24_KEYBYTES>;
static_assert(crypto_shorthash_KEYBYTES == crypto_shorthash_siphashx24_KEYBYTES);

Key make_key() noexcept {
  if (sodium_init() < 0) {
    std::abort();  // the system gives no random bytes
  }
  Key made{};
  crypto_shorthash_keygen(made.data());
  return made;
}

const unsigned char* key() noexcept {
  static const Key made = make_key();
  return made.data();
}

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

KeyedDigest keyed_digest(std::string_view text) noexcept {
  std::array<unsigned char, crypto_shorthash_siphashx24_BYTES> out{};
  crypto_shorthash_siphashx24(out.data(), bytes_of(text), text.size(), key());
  KeyedDigest digest;
  std::memcpy(&digest.high, out.data(), sizeof digest.high);
  std::memcpy(&digest.low, out.data() + sizeof digest.high, sizeof digest.low);
  return digest;
}

}  // namespace

std::uint64_t keyed_hash(std::string_view text) noexcept {
  static_assert(crypto_shorthash_BYTES == sizeof(std::uint64_t));
  std::uint64_t hash = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), bytes_of(text), text.size(), key());
  return hash;
}

KeyedDigest KeyedHasher::digest() const noexcept {
  return keyed_digest({buffer_.data(), used_});
}

void KeyedHasher::put_in_pieces(const char* bytes, std::size_t count) noexcept {
  while (count > 0) {
    if (used_ == buffer_.size()) {
      const auto so_far = digest();
      std::memcpy(buffer_.data(), &so_far.high, sizeof so_far.high);
      std::memcpy(buffer_.data() + sizeof so_far.high, &so_far.low, sizeof so_far.low);
      used_ = sizeof so_far.high + sizeof so_far.low;
    }
    const auto fits = std::min(count, buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, bytes, fits);
    used_ += fits;
    bytes += fits;
    count -= fits;
  }
}

}  // namespace tern::detail
