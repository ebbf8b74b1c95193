#pragma once

#include <tern/error.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::auth {

namespace json = boost::json;

/// The signatures that are accepted at all: RSA with PKCS#1 padding.
/// Source: RFC 7518, section 3.3.
enum class Algorithm : std::uint8_t { rs256, rs384, rs512 };

/// The algorithm of this name, which is compared byte by byte; nullopt for every other name.
std::optional<Algorithm> algorithm_of(std::string_view name) noexcept;

/// Why a text is no token, as the end of a sentence. It is a literal, and has nothing of the token.
struct TokenError {
  const char* why;
};

/// The longest token that is read, in bytes.
inline constexpr std::size_t max_token_size = std::size_t{16} * 1024;

/// The deepest nesting of arrays and objects in the header and the claims of a token.
inline constexpr int max_token_depth = 8;

/// A signed token as it was read. Nothing about it is certain before its signature was verified.
///
/// Lifetime: `signed_part` is a view into the text.
struct Jwt {
  Algorithm algorithm = Algorithm::rs256;
  std::string key_id;            ///< the header's `kid`; never empty
  json::object claims;           ///< without equal names
  std::string_view signed_part;  ///< header and claims as they were sent, with the dot between them
  std::string signature;         ///< its bytes; never empty
};

/// Reads a token in the compact form, strictly. Refused are:
/// - a text that is longer than `max_token_size`, or that has not exactly three parts
/// - a part that is empty, or that is no canonical base64url
/// - a header or claims that are no JSON object, that have a name twice, or that are nested deeper than
///   `max_token_depth`
/// - an `alg` that is not in `Algorithm`; `crit`; `b64: false`; a `kid` that is missing, empty or longer than 256 bytes
///
/// Nothing in the header names a key but `kid`: `jku`, `jwk`, `x5u`, `x5c` and `x5t` are not looked at. `typ` and `cty`
/// are not looked at either, as in the SDKs.
/// Source: RFC 7515, section 5.2; RFC 8725, sections 3.1 and 3.10.
boost::system::result<Jwt, TokenError> parse_jwt(std::string_view text);

}  // namespace tern::auth
