#include "direct_line/random_text.hpp"

#include "auth/base64url.hpp"

#include <tern/error.hpp>

#include <openssl/rand.h>

namespace tern::direct_line {

std::string random_text(std::size_t bytes) {
  std::string drawn(bytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(drawn.data()), static_cast<int>(bytes)) != 1) {
    throw_error(errc::overloaded, "The system gave no random bytes for an id of Direct Line.");
  }
  return auth::encode_base64url(drawn);
}

}  // namespace tern::direct_line
