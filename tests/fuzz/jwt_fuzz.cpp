// Whatever a stranger sends as a token: no crash, and what is read says one thing only. The input is read as a token,
// and as lines with the header, the claims and the signature of one, which a fuzzer changes more easily than base64url.

#include "auth/base64url.hpp"
#include "auth/jwt.hpp"
#include "auth/key_set.hpp"
#include "fuzz/require.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using tern::fuzz::require;

/// Takes the text up to the next line feed.
std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
  return line;
}

void read(std::string_view text) {
  const auto token = tern::auth::parse_jwt(text);
  if (!token) {
    require(token.error().why != nullptr, "an error says why");
    return;
  }
  require(text.size() <= tern::auth::max_token_size, "a token is within its bound");
  require(!token->key_id.empty() && !token->signature.empty(), "a token names its key and has a signature");
  require(text.starts_with(token->signed_part), "the signed part begins the token");
  require(text.substr(token->signed_part.size()) == "." + tern::auth::encode_base64url(token->signature),
          "a signature has one spelling");
}

void decode(std::string_view text) {
  if (const auto bytes = tern::auth::decode_base64url(text)) {
    require(tern::auth::encode_base64url(*bytes) == text, "base64url has one spelling");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read(text);
  decode(text);
  std::string_view rest = text;
  const auto header = tern::auth::encode_base64url(take_line(rest));
  const auto claims = tern::auth::encode_base64url(take_line(rest));
  read(header + "." + claims + "." + tern::auth::encode_base64url(rest));
  tern::auth::Algorithms algorithms;
  algorithms.add(tern::auth::Algorithm::rs256);
  static_cast<void>(tern::auth::KeySet::parse(text, {algorithms, "t"}));
  return 0;
}
