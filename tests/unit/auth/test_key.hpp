#pragma once

#include "auth/jwt.hpp"

#include <boost/json/value.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

struct evp_pkey_st;

namespace tern::auth::test {

/// A JSON value of whatever a test writes. Boost's own is made of no `std::string`.
struct Value {
  Value(std::string_view text) : value(json::string_view(text.data(), text.size())) {}
  Value(const std::string& text) : Value(std::string_view(text)) {}
  Value(const char* text) : Value(std::string_view(text)) {}
  Value(std::nullptr_t) : value(nullptr) {}
  template <class T>
    requires(!std::convertible_to<T, std::string_view> && std::constructible_from<json::value, T>)
  Value(T&& other) : value(std::forward<T>(other)) {}

  json::value value;
};

/// An RSA key that signs tokens.
class TestKey {
 public:
  explicit TestKey(unsigned bits);

  /// As a JSON Web Key of this name.
  json::object jwk(std::string_view key_id) const;
  std::string sign(Algorithm algorithm, std::string_view text) const;
  /// The public key as text, which a confused reader takes for the secret of HS256.
  std::string public_pem() const;

 private:
  std::shared_ptr<evp_pkey_st> key_;
};

/// The key of the tests: 2,048 bits. It is made once in each process.
const TestKey& test_key();
/// A second key, which nobody trusts.
const TestKey& other_key();

/// A document of keys.
std::string key_document(json::array keys);

/// The part of a token that is signed.
std::string unsigned_token(std::string_view header, std::string_view claims);
/// A token in its compact form. The signature is made with `algorithm`, whatever the header says.
std::string signed_token(std::string_view header, std::string_view claims, const TestKey& key = test_key(),
                         Algorithm algorithm = Algorithm::rs256);

/// HMAC with SHA-256.
std::string hmac_sha256(std::string_view secret, std::string_view text);

}  // namespace tern::auth::test
