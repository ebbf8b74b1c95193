#pragma once

#include <bit>
#include <cstdint>

namespace tern::detail {

/// SipHash-1-3 of 64-bit words, which are added one by one. It has one round for each word and three at the end, like
/// the hash tables of Rust and Python. Without the key nobody can predict a hash or find texts that collide: the best
/// known differential of one round has a probability of 2^-167.
///
/// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; Dobraunig, Mendel and Schläffer,
/// "Differential Cryptanalysis of SipHash", 2014.
class SipHash {
 public:
  struct Key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
  };

  constexpr explicit SipHash(const Key& key) noexcept
      : v0_(key.low ^ 0x736F6D6570736575ULL),
        v1_(key.high ^ 0x646F72616E646F6DULL),
        v2_(key.low ^ 0x6C7967656E657261ULL),
        v3_(key.high ^ 0x7465646279746573ULL) {}

  constexpr void add(std::uint64_t word) noexcept {
    take(word);
    bytes_ += sizeof word;
  }

  /// The hash of the words, as bytes in little-endian order.
  constexpr std::uint64_t hash() const noexcept { return finished(bytes_ << 56); }
  /// The hash of the words and one more byte.
  constexpr std::uint64_t hash_with(std::uint8_t last) const noexcept { return finished((bytes_ + 1) << 56 | last); }

 private:
  constexpr void round() noexcept {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }
  constexpr void take(std::uint64_t word) noexcept {
    v3_ ^= word;
    round();
    v0_ ^= word;
  }
  constexpr std::uint64_t finished(std::uint64_t last_word) const noexcept {
    auto end = *this;
    end.take(last_word);
    end.v2_ ^= 0xFF;
    end.round();
    end.round();
    end.round();
    return end.v0_ ^ end.v1_ ^ end.v2_ ^ end.v3_;
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
  std::uint64_t bytes_ = 0;  // only the lowest eight bits count
};

}  // namespace tern::detail
