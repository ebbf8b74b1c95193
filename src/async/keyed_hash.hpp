#pragma once

#include "async/sip_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace tern::detail {

/// 128 bits of a keyed hash. It stands for a text where the text itself would take too much memory: no two texts have
/// the same digest, neither by chance nor by design.
struct KeyedDigest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const KeyedDigest&, const KeyedDigest&) = default;
};

/// Hashes texts that strangers choose. It is SipHash with a random key, which the process makes at first use. Without
/// the key nobody can find texts whose hashes collide. A hash is valid in this process only, and is never stored. Two
/// texts may have the same 64 bits, so code that finds a hash must compare the texts too.
///
/// The hash is made of one or several parts, in their order.
class KeyedHasher {
 public:
  KeyedHasher() noexcept : hash_(of_process()) {}
  void add(std::uint64_t word) noexcept { hash_.add(word); }
  /// Adds each text with its length, so that "ab" and "c" differ from "a" and "bc".
  void add(std::initializer_list<std::string_view> texts) noexcept;
  void add(std::string_view text) noexcept { add({text}); }
  std::uint64_t hash() const noexcept { return hash_.hash(); }
  KeyedDigest digest() const noexcept { return {hash_.hash_with(0), hash_.hash_with(1)}; }

 private:
  static const SipHash& of_process() noexcept;

  SipHash hash_;
};

/// The keyed hash of one text.
std::uint64_t keyed_hash(std::string_view text) noexcept;

/// The hash function of maps whose keys are texts.
struct KeyedHash {
  using is_transparent = void;
  using is_avalanching = void;
  std::size_t operator()(std::string_view text) const noexcept { return keyed_hash(text); }
};

}  // namespace tern::detail
