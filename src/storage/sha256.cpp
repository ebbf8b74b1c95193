#include "storage/sha256.hpp"

#include <openssl/evp.h>

#include <new>

namespace tern::detail {

std::array<std::uint8_t, 32> sha256(std::string_view bytes) {
  std::array<std::uint8_t, 32> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();  // the only way for a digest of memory to fail
  }
  return digest;
}

void append_hex(std::string& text, const std::uint8_t* bytes, std::size_t count) {
  constexpr char hex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < count; ++i) {
    text += hex[bytes[i] >> 4];
    text += hex[bytes[i] & 0xF];
  }
}

}  // namespace tern::detail
