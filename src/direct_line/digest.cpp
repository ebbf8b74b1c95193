#include "direct_line/digest.hpp"

#include "auth/base64url.hpp"

#include <openssl/sha.h>

#include <array>

namespace tern::direct_line {

std::string short_digest(std::string_view text) {
  constexpr std::size_t kept = 16;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return auth::encode_base64url(std::string_view(reinterpret_cast<const char*>(digest.data()), kept));
}

}  // namespace tern::direct_line
