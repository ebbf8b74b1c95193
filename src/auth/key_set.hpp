#pragma once

#include "auth/jwt.hpp"

#include "async/keyed_hash.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace tern::auth {

/// A set of algorithms.
class Algorithms {
 public:
  constexpr Algorithms() = default;
  constexpr void add(Algorithm algorithm) noexcept { bits_ |= bit_of(algorithm); }
  constexpr bool contains(Algorithm algorithm) const noexcept { return (bits_ & bit_of(algorithm)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  friend constexpr bool operator==(Algorithms, Algorithms) = default;

 private:
  static constexpr unsigned bit_of(Algorithm algorithm) noexcept { return 1U << static_cast<unsigned>(algorithm); }
  unsigned bits_ = 0;
};

/// What a document of keys is read for.
struct KeyUse {
  Algorithms algorithms;    ///< what the issuer signs with
  std::string_view tenant;  ///< keys of another tenant are left out; "" when the issuer is no tenant
};

/// The public key of an issuer: RSA, with 2,048 to 8,192 bits.
///
/// Thread safety: all functions from any thread.
class SigningKey {
 public:
  /// The key of a JSON Web Key. nullptr when it is not for signatures with RSA, is too short or too long, is malformed,
  /// or is of another tenant.
  /// Source: RFC 7517, section 4; RFC 7518, section 6.3.1.
  static std::shared_ptr<SigningKey> make(const json::object& key, const KeyUse& use);

  /// Its name, the `kid`.
  const std::string& id() const noexcept { return id_; }
  /// Whether tokens may be signed with this algorithm and this key.
  bool allows(Algorithm algorithm) const noexcept { return algorithms_.contains(algorithm); }
  /// Whether the key may speak for this channel. A key that has no list of endorsements may speak for all channels, and
  /// one with an empty list for none.
  /// Source: Bot Framework, "Connector to bot: verify the JWT token", step 6.
  bool endorses(std::string_view channel) const noexcept { return !endorsements_ || is_endorsed_for(channel); }

  /// Whether `signature` is the signature of `text`. It takes some 30 µs for a key of 2,048 bits.
  bool verify(Algorithm algorithm, std::string_view text, std::string_view signature) const;

  /// Whether the issuer does not list the key any more.
  bool withdrawn() const noexcept { return withdrawn_.load(std::memory_order_relaxed); }

 private:
  friend class KeySet;
  SigningKey() = default;
  bool is_endorsed_for(std::string_view channel) const noexcept;

  std::string id_;
  std::string modulus_;   // as it is written in the document
  std::string exponent_;  // likewise
  std::optional<std::vector<std::string>> endorsements_;
  Algorithms algorithms_;
  std::shared_ptr<evp_pkey_st> key_;
  std::size_t size_ = 0;  // of a signature, in bytes
  mutable std::atomic<bool> withdrawn_{false};
};

/// The keys of an issuer, from its document.
///
/// Thread safety: a value; `find` from any thread.
class KeySet {
 public:
  KeySet() = default;

  /// Reads a JSON Web Key Set. A key that cannot be used is left out, and so is the second key of the same name. At
  /// most 256 keys are looked at.
  /// Errors: why the document is none, or has no usable key.
  /// Source: RFC 7517, section 5.
  static boost::system::result<KeySet, TokenError> parse(std::string_view document, const KeyUse& use);

  /// The key of this name; nullptr when there is none.
  std::shared_ptr<const SigningKey> find(std::string_view key_id) const;
  std::size_t size() const noexcept { return keys_.size(); }

  /// Puts this set in the place of `old`: a key that is in both is the object of `old`, and the others of `old` become
  /// withdrawn.
  void replace(const KeySet& old);

 private:
  std::unordered_map<std::string, std::shared_ptr<const SigningKey>, detail::KeyedHash, std::equal_to<>> keys_;
};

}  // namespace tern::auth
