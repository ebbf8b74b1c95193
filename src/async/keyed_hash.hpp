#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tern::detail {

/// Hashes of what strangers choose: SipHash-2-4 with a random key that the process makes at first use. Without the key
/// nobody can find texts that collide. They hold in this process only and are never stored; and 64 bits stand for no
/// identity: where a hash is found, what was hashed is compared as well.
///
/// Thread safety: all of it.
std::uint64_t keyed_hash(std::string_view text) noexcept;

/// 128 bits of the same kind. For a bounded memory of what was seen, where the texts themselves would take too much:
/// two texts do not meet in it, by chance or by design.
struct KeyedDigest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const KeyedDigest&, const KeyedDigest&) = default;
};

/// For maps whose keys are texts.
struct KeyedHash {
  using is_transparent = void;
  using is_avalanching = void;
  std::size_t operator()(std::string_view text) const noexcept { return keyed_hash(text); }
};

/// The same of several parts, in their order. It allocates nothing, however much is added.
class KeyedHasher {
 public:
  void add(std::uint64_t word) noexcept { put(reinterpret_cast<const char*>(&word), sizeof word); }
  /// Also its length, so that two texts do not run into each other.
  void add(std::string_view text) noexcept {
    const auto size = static_cast<std::uint32_t>(text.size());
    put(reinterpret_cast<const char*>(&size), sizeof size);
    put(text.data(), text.size());
  }
  /// Without its length: the caller has told texts apart.
  void add_bytes(std::string_view text) noexcept { put(text.data(), text.size()); }
  std::uint64_t hash() const noexcept { return keyed_hash({buffer_.data(), used_}); }
  KeyedDigest digest() const noexcept;

 private:
  void put(const char* bytes, std::size_t count) noexcept {
    if (count > buffer_.size() - used_) {
      put_in_pieces(bytes, count);
    } else if (count > 0) {
      std::memcpy(buffer_.data() + used_, bytes, count);
      used_ += count;
    }
  }
  void put_in_pieces(const char* bytes, std::size_t count) noexcept;

  std::array<char, 256> buffer_;  // when it is full, the digest of it goes on in its place
  std::size_t used_ = 0;
};

}  // namespace tern::detail
